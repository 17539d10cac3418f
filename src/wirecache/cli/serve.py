"""``wirecache serve``: the cache as a reverse proxy, for programs in any language."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from wirecache import Cache, Cassette, ConfigError, MemoryStore, samples
from wirecache._runtime.listening import address_of, is_loopback
from wirecache.cli._budget import MaxCallsOption, MaxCostOption, begin_run
from wirecache.cli._listen import listen
from wirecache.cli._options import ChildOption, FromOption
from wirecache.cli._proxy_cache import (
    CacheStoreOption,
    CassetteOption,
    Chosen,
    ModeOption,
    NamespaceOption,
    NormalizeOption,
    RecordOption,
    StreamsOption,
    TtlOption,
    open_cache_or_cassette,
)
from wirecache.cli._terminal import fail, print_text, usage_error, warn

if TYPE_CHECKING:
    from wirecache._proxy.app import App
    from wirecache._proxy.server import ProxyServer

__all__ = ["command"]

TOKEN_VARIABLE = "WIRECACHE_SERVE_TOKEN"


def command(
    host: Annotated[str | None, typer.Option(help="The address to listen on. Default: 127.0.0.1, this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one. Default: 4141.", min=0, max=65535)] = None,
    store: CacheStoreOption = None,
    cassette: CassetteOption = None,
    record: RecordOption = None,
    from_step: FromOption = None,
    child: ChildOption = None,
    mode: ModeOption = None,
    ttl: TtlOption = None,
    namespace: NamespaceOption = None,
    streams: StreamsOption = None,
    max_cost: MaxCostOption = None,
    max_calls: MaxCallsOption = None,
    normalize: NormalizeOption = None,
    upstream: Annotated[list[str] | None, typer.Option(help="A further upstream, or another URL of one.", metavar="NAME=URL")] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="A host that /to/HOST/ leads to; * is a wildcard.", metavar="HOST")] = None,
    cors_origin: Annotated[list[str] | None, typer.Option(help="An origin whose pages may use the proxy.", metavar="ORIGIN")] = None,
    server_name: Annotated[list[str] | None, typer.Option(help="A further name of this server (Host header).", metavar="NAME")] = None,
    inject_key: Annotated[
        list[str] | None,
        typer.Option(
            help="Put the key in variable ENV into calls to upstream NAME that send 'wirecache' as their key.", metavar="NAME=ENV"
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that serve. They share the store, and equal calls.", min=1, max=64)] = 1,
    sample: Annotated[
        bool, typer.Option("--samples", help="Number equal calls: each repetition is a sample of its own, for the life of the server.")
    ] = False,
    no_token: Annotated[bool, typer.Option("--no-token", help="Require no token even on an address that other machines reach.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no line for each call.")] = False,
) -> None:
    """Serve the cache as a reverse proxy: programs in any language use it by a base URL, with the entries of Python's clients.

    wirecache serve  |  wirecache serve --cassette tests/cassettes --record once  |  wirecache serve --upstream lab=http://10.0.0.5:8000

    Prints the variables to export. On an address that other machines reach, callers send the token of WIRECACHE_SERVE_TOKEN (or one that
    is generated and printed). SIGTERM and Ctrl-C stop it when the open calls have ended; SIGHUP reloads the settings file.
    """
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        fail("serve needs the serve extra: pip install 'wirecache[serve]'")
    given: dict[str, Any] = {
        "host": host, "port": port, "upstreams": upstream or (), "allow_hosts": allow_host or (), "cors_origins": cors_origin or (),
        "server_names": server_name or (), "inject_keys": inject_key or (),
    }  # fmt: skip
    chosen = Chosen(store, cassette, record, from_step, child, mode, ttl, namespace, streams, normalize)
    if sample and workers > 1:
        raise usage_error("--samples cannot be combined with --workers: each process would count for itself")
    begin_run(max_cost, max_calls)
    with open_cache_or_cassette(chosen, _shared(cassette) if workers > 1 else None) as cache:
        if workers > 1 and isinstance(cache, Cache) and isinstance(cache.store, MemoryStore):
            raise usage_error("--workers needs a store that processes share: a path, or a redis:// URL")
        try:
            with samples() if sample else nullcontext():
                _serve(cache, given, workers=workers, no_token=no_token, quiet=quiet)
        except ConfigError as error:
            raise usage_error(str(error)) from None


def _shared(cassette: str | None) -> Literal["shared"]:
    """Return how the caches of several workers collapse equal calls. Ends the command with 2 if several workers are not possible."""
    from wirecache._proxy.workers import can_fork

    if cassette:
        raise usage_error("--workers cannot be combined with --cassette: its sequences are those of one process")
    if not can_fork():
        raise usage_error("--workers needs a system that can fork")
    return "shared"


def _serve(cache: Cache | Cassette, given: dict[str, Any], *, workers: int, no_token: bool, quiet: bool) -> None:
    """Serve until a signal stops it. ``given``: the arguments of ``configuration_of``. Raises ``ConfigError`` for an invalid one."""
    from wirecache._proxy.configuration import configuration_of
    from wirecache._proxy.server import ProxyServer, raise_file_limit

    chosen = configuration_of(**given)
    with listen(chosen.host, chosen.port) as bound:
        token = _token(needed=not is_loopback(bound) and not no_token)
        app = chosen.app(cache, token)
        server = ProxyServer(app, bound, chosen.grace_seconds)
        _handle_signals(lambda: configuration_of(**given).reload(app), server.stop)
        _print_start(address_of(bound).url, token, chosen.upstreams)
        _log_calls(quiet)
        raise_file_limit()
        if workers == 1:
            server.run()
        else:
            _run_workers(workers, cache, app, server, bound)


def _run_workers(workers: int, cache: Cache | Cassette, app: App, server: ProxyServer, bound: socket.socket) -> None:
    from wirecache._proxy.workers import run_workers

    with TemporaryDirectory(prefix="wirecache-serve-") as folder:

        def serve(number: int) -> None:
            with cache:
                metrics = app.control.share(Path(folder), number)
                server.run()
                metrics.publish()

        run_workers(workers, serve, server, bound)


def _token(*, needed: bool) -> str | None:
    return os.environ.get(TOKEN_VARIABLE) or (secrets.token_urlsafe(24) if needed else None)


def _print_start(url: str, token: str | None, upstreams: Iterable[str]) -> None:
    """Print the variables to export, on standard output so that a script may read them. ``upstreams``: their names."""
    from wirecache._proxy.programs import environment
    from wirecache._proxy.upstreams import PROVIDERS

    print_text(f"# wirecache serve: {url}" + (f" (token: {token})" if token else ""))
    base = f"{url}/token/{token}" if token else url
    for name, value in environment(base).items():
        print_text(f"export {name}={value}")
    for name in upstreams:
        if name not in PROVIDERS:
            print_text(f"# upstream {name}: {base}/{name}")
    sys.stdout.flush()


def _handle_signals(reload: Callable[[], None], stop: Callable[[], None]) -> None:
    """Let SIGTERM and Ctrl-C end the command with 0 once the server has stopped, and SIGHUP reload (or stop, if the terminal is gone).

    While the server runs, uvicorn handles the first two, and raises them again at the end. One that comes earlier stops it, too.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: stop() if sys.stdin is not None and sys.stdin.isatty() else _reload(reload))


def _reload(reload: Callable[[], None]) -> None:
    try:
        reload()
        warn("wirecache: the settings were reloaded")
    except ConfigError as error:
        warn(f"wirecache: the settings were not reloaded: {error}")


def _log_calls(quiet: bool) -> None:
    """Print a line for each call on standard error."""
    logger = logging.getLogger("wirecache.serve")
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
