"""``wirecache run``: run an unchanged program with the cache under its clients, and under those of the Python processes it starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from wirecache import Cache, Cassette, CassetteError, ConfigError, samples
from wirecache.cli._budget import MaxCallsOption, MaxCostOption, begin_run
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
    check_fork,
    open_cache_or_cassette,
)
from wirecache.cli._run_proxy import run_with_proxy
from wirecache.cli._terminal import usage_error, warn

__all__ = ["command"]

CHILD = Path(__file__).with_name("_child")  # its ``sitecustomize`` installs the cache in each process


def command(
    program: Annotated[
        list[str], typer.Argument(help="A script, or a command such as pytest, with its arguments.", metavar="PROGRAM [ARG]...")
    ],
    module: Annotated[bool, typer.Option("-m", help="PROGRAM is a module, as in python -m PROGRAM.")] = False,
    mode: ModeOption = None,
    store: CacheStoreOption = None,
    ttl: TtlOption = None,
    namespace: NamespaceOption = None,
    cassette: CassetteOption = None,
    record: RecordOption = None,
    from_step: FromOption = None,
    child: ChildOption = None,
    streams: StreamsOption = None,
    proxy: Annotated[bool, typer.Option("--proxy", help="Run a program of any language, with a proxy that its base URLs lead to.")] = False,
    max_cost: MaxCostOption = None,
    max_calls: MaxCallsOption = None,
    sample: Annotated[
        bool, typer.Option("--samples", help="Number equal calls: each repetition is a sample of its own. With --proxy in all processes.")
    ] = False,
    normalize: NormalizeOption = None,
    upstream: Annotated[list[str] | None, typer.Option(help="With --proxy: a further upstream.", metavar="NAME=URL")] = None,
) -> None:
    """Run a Python program with the cache under every httpx and httpx2 client, without changing the program.

    wirecache run script.py ARG...  |  wirecache run -m module ARG...  |  wirecache run --proxy -- npm test

    Options go before PROGRAM; what follows it belongs to the program. Python processes that it starts (workers, kernels, pytest-xdist)
    have the cache, too, unless WIRECACHE_INSTALL=0 is set for them. With --proxy the program may be of any language: its environment
    gets the base URLs of a proxy that ends with it; base URLs that are set already become the upstreams.
    """
    if cassette and store:
        raise usage_error("--cassette and --store cannot be combined: choose one")
    begin_run(max_cost, max_calls)
    if proxy:
        chosen = Chosen(store, cassette, record, from_step, child, mode, ttl, namespace, streams, normalize)
        with samples() if sample else nullcontext(), open_cache_or_cassette(chosen) as cache:
            line = (
                _command_line(program, module) if module or program[0].endswith(".py") else [_found(program[0]) or program[0], *program[1:]]
            )
            status = run_with_proxy(line, cache, upstream or ())
        raise typer.Exit(status)
    if upstream or normalize:
        raise usage_error("--upstream and --normalize need --proxy")
    check_fork(record, from_step, child)
    settings = {
        "WIRECACHE_MODE": mode and mode.value,
        "WIRECACHE_STORE": store and _absolute(store),
        "WIRECACHE_TTL": ttl,
        "WIRECACHE_NAMESPACE": namespace,
        "WIRECACHE_STREAMS": streams and streams.value,
        "WIRECACHE_CASSETTE": cassette and _absolute(cassette),
        "WIRECACHE_RECORD_MODE": record and record.value,
        "WIRECACHE_FROM_STEP": None if from_step is None else str(from_step),
        "WIRECACHE_SAMPLES": "1" if sample else None,
    }
    os.environ.update({name: value for name, value in settings.items() if value is not None})
    _check_settings(settings["WIRECACHE_CASSETTE"], child)
    os.environ["WIRECACHE_INSTALL"] = "1"
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry not in ("", str(CHILD))]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(CHILD), *path])
    _exec(_command_line(program, module))


def _check_settings(cassette: str | None, child: str | None) -> None:
    """End the command if the program could not open its cache or cassette; let all of its processes write to one fork."""
    try:
        opened = Cassette(cassette, child=child and _absolute(child)) if cassette else Cache()
    except (ConfigError, CassetteError) as error:
        raise usage_error(str(error)) from None
    if isinstance(opened, Cassette) and opened.child is not None:
        os.environ["WIRECACHE_CHILD"] = opened.child
        warn(f"wirecache: the run is written to {opened.child}")


def _absolute(store: str) -> str:
    """Return the absolute path, valid in any working directory; a URL is returned unchanged."""
    return store if "://" in store else os.path.abspath(store)


def _command_line(program: list[str], module: bool) -> list[str]:
    """Return the program's command line: a script or module run by this Python with its flags, or a command."""
    flags: list[str] = getattr(subprocess, "_args_from_interpreter_flags", list)()  # -W, -X, -O of this process
    if module:
        return [sys.executable, *flags, "-m", *program]
    if not os.path.exists(program[0]) and (found := _found(program[0])):
        return [found, *program[1:]]
    return [sys.executable, *flags, *program]


def _found(name: str) -> str | None:
    """Return the path of a command, preferring this Python's own scripts, or None."""
    return shutil.which(name, path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]))


def _exec(command_line: list[str]) -> NoReturn:
    """Replace this process with the program, so that it gets the signals and the shell gets its exit status."""
    if os.name == "nt":  # exec on Windows ends the process that the shell waits for
        raise SystemExit(subprocess.call(command_line))
    os.execv(command_line[0], command_line)
