"""``wirecache run --proxy``: runs a program in any language with a proxy on a free port, to which its environment leads."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wirecache import Cache, Cassette, ConfigError
from wirecache._caches.budgets import PROXY_VARIABLE
from wirecache._core.stats import Stats
from wirecache._engine.log import summary_of
from wirecache._runtime.listening import address_of, bind
from wirecache._settings.parsers import budgets_text
from wirecache.cli._terminal import fail, usage_error, warn

__all__ = ["run_with_proxy"]

GRACE = 5.0  # seconds that calls of the program's children may still take after it has ended


def run_with_proxy(program: Sequence[str], cache: Cache | Cassette, upstreams: Sequence[str]) -> int:
    """Run the program to its end and return its exit status (128 plus the number of the signal that ended it)."""
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        fail("--proxy needs the serve extra: pip install 'wirecache[serve]'")
    logging.getLogger("wirecache.serve").setLevel(logging.CRITICAL)  # the terminal belongs to the program
    try:
        with _proxy(cache, upstreams) as (url, changed):
            status = _run(_with_option(program, url), {**os.environ, **changed})
    except ConfigError as error:
        raise usage_error(str(error)) from None
    stats: Stats = cache.stats
    warn(f"wirecache: {summary_of(stats)}")
    return status


@contextmanager
def _proxy(cache: Cache | Cassette, upstreams: Sequence[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Run a proxy within the block. Yield its URL and the environment variables that lead a program to it."""
    from wirecache._proxy.configuration import configuration_of
    from wirecache._proxy.programs import child_environment
    from wirecache._proxy.server import ProxyServer

    chosen = configuration_of(upstreams=upstreams)
    with bind("127.0.0.1", 0) as bound:
        url = address_of(bound).url
        found = child_environment(url, os.environ)
        app = chosen.app(cache, named={**found.upstreams, **chosen.upstreams})
        with ProxyServer(app, bound, GRACE).in_thread():
            yield url, {**found.variables, **_direct(os.environ), **_budgets(cache, url)}


def _budgets(cache: Cache | Cassette, url: str) -> dict[str, str]:
    """Return the variables that apply the budgets to caches within the program, too; calls through the proxy are counted there."""
    if cache.engine.ledger is None:
        return {}
    return {"WIRECACHE_BUDGET": budgets_text(cache.engine.ledger.budgets), PROXY_VARIABLE: url.removeprefix("http://")}


def _direct(given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that let the program reach the proxy directly even if it uses a proxy to the outside."""
    if not any(name.lower() in ("http_proxy", "all_proxy") and value for name, value in given.items()):
        return {}
    names = ("NO_PROXY", "no_proxy")
    return {name: ",".join(filter(None, (given.get(name), "127.0.0.1"))) for name in names}


def _with_option(program: Sequence[str], url: str) -> list[str]:
    """Return the command line, with the arguments needed by a program that reads no variable."""
    from wirecache._proxy.programs import PROGRAMS

    known = PROGRAMS.get(Path(program[0]).stem)
    option = known.option if known is not None else ()
    return [program[0], *(part.format(openai=f"{url}/openai") for part in option), *program[1:]]


def _run(command_line: Sequence[str], environment: Mapping[str, str]) -> int:
    with _forwarded_signals() as forward_to:
        try:
            child = subprocess.Popen(command_line, env=environment)
        except OSError as error:
            fail(f"cannot run {command_line[0]}: {error.strerror or error}", 127)
        forward_to(child)
        status = child.wait()
    return 128 - status if status < 0 else status


@contextmanager
def _forwarded_signals() -> Iterator[Callable[[subprocess.Popen[Any]], None]]:
    """Yield a function that sets the process to forward signals to; signals that arrived before are then forwarded, too.

    Signals from the keyboard reach the program anyway, as it is in the same process group.
    """
    early: list[int] = []
    children: list[subprocess.Popen[Any]] = []

    def forward(number: int, frame: Any) -> None:
        if number == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty():
            return
        for child in children:
            child.send_signal(number)
        if not children:
            early.append(number)

    def forward_to(child: subprocess.Popen[Any]) -> None:
        children.append(child)
        for number in early:
            child.send_signal(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
    previous = {number: signal.signal(number, forward) for name in names if (number := getattr(signal, name, None)) is not None}
    try:
        yield forward_to
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
