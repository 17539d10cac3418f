"""``wirecache run``: run an unchanged program with the cache under its clients, and under those of the Python processes it starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from wirecache import Cache, Cassette, CassetteError, ConfigError, Mode, RecordMode
from wirecache.cli._terminal import usage_error

__all__ = ["command"]

CHILD = Path(__file__).with_name("_child")  # its ``sitecustomize`` installs the cache in each process


def command(
    program: Annotated[
        list[str], typer.Argument(help="A script, or a command such as pytest, with its arguments.", metavar="PROGRAM [ARG]...")
    ],
    module: Annotated[bool, typer.Option("-m", help="PROGRAM is a module, as in python -m PROGRAM.")] = False,
    mode: Annotated[Mode | None, typer.Option(help="The cache mode; offline answers from the store only.", case_sensitive=False)] = None,
    store: Annotated[str | None, typer.Option(help="The store: a path or a URL.")] = None,
    ttl: Annotated[str | None, typer.Option(help="How long an answer is fresh: 90s, 15m, 12h, 7d, 2w.")] = None,
    namespace: Annotated[str | None, typer.Option(help="The namespace; entries of other namespaces are not used.")] = None,
    cassette: Annotated[str | None, typer.Option(help="A cassette directory to use instead of a store.", metavar="DIR")] = None,
    record: Annotated[RecordMode | None, typer.Option(help="The record mode of the cassette. Default: none.")] = None,
) -> None:
    """Run a Python program with the cache under every httpx and httpx2 client, without changing the program.

    wirecache run script.py ARG...  |  wirecache run -m module ARG...  |  wirecache run pytest ARG...

    Options go before PROGRAM; what follows it belongs to the program. Python processes that it starts (workers, kernels, pytest-xdist)
    have the cache too, unless WIRECACHE_INSTALL=0 is set for them.
    """
    if cassette and store:
        raise usage_error("--cassette and --store cannot be combined: choose one")
    settings = {
        "WIRECACHE_MODE": mode and mode.value,
        "WIRECACHE_STORE": store and _absolute(store),
        "WIRECACHE_TTL": ttl,
        "WIRECACHE_NAMESPACE": namespace,
        "WIRECACHE_CASSETTE": cassette and _absolute(cassette),
        "WIRECACHE_RECORD_MODE": record and record.value,
    }
    os.environ.update({name: value for name, value in settings.items() if value is not None})
    _check_settings(settings["WIRECACHE_CASSETTE"])
    os.environ["WIRECACHE_INSTALL"] = "1"
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry not in ("", str(CHILD))]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(CHILD), *path])
    _exec(_command_line(program, module))


def _check_settings(cassette: str | None) -> None:
    """End the command if the program could not open its cache or cassette."""
    try:
        Cassette(cassette) if cassette else Cache()
    except (ConfigError, CassetteError) as error:
        raise usage_error(str(error)) from None


def _absolute(store: str) -> str:
    """Return the absolute path, which holds in any working directory; a URL is returned as it is."""
    return store if "://" in store else os.path.abspath(store)


def _command_line(program: list[str], module: bool) -> list[str]:
    """Return the command line of the program: a script or module under this Python with its flags, or a command of its own."""
    flags: list[str] = getattr(subprocess, "_args_from_interpreter_flags", list)()  # -W, -X, -O of this process
    if module:
        return [sys.executable, *flags, "-m", *program]
    if not os.path.exists(program[0]):
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
        if found := shutil.which(program[0], path=path):
            return [found, *program[1:]]
    return [sys.executable, *flags, *program]


def _exec(command_line: list[str]) -> NoReturn:
    """Replace this process with the program, so that it gets the signals and the shell gets its exit status."""
    if os.name == "nt":  # exec on Windows ends the process that the shell waits for
        raise SystemExit(subprocess.call(command_line))
    os.execv(command_line[0], command_line)
