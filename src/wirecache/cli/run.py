"""``wirecache run``: a program, as it is, with the cache under its clients, and under those of the Pythons that it starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from wirecache import Cache, Cassette, CassetteError, ConfigError, Mode, RecordMode

__all__ = ["command"]

CHILD = Path(__file__).with_name("_child")


def command(
    program: Annotated[
        list[str], typer.Argument(help="A script, or a command such as pytest, and its arguments.", metavar="PROGRAM [ARG]...")
    ],
    module: Annotated[bool, typer.Option("-m", help="PROGRAM is a module, as in python -m PROGRAM.")] = False,
    mode: Annotated[Mode | None, typer.Option(help="auto, or offline: answer from the store only.", case_sensitive=False)] = None,
    store: Annotated[str | None, typer.Option(help="The folder of the store.")] = None,
    ttl: Annotated[str | None, typer.Option(help="How long an answer is fresh: 90s, 15m, 12h, 7d, 2w.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Entries of other namespaces are not seen.")] = None,
    cassette: Annotated[str | None, typer.Option(help="A directory of recordings, in place of a store.", metavar="DIR")] = None,
    record: Annotated[RecordMode | None, typer.Option(help="What the cassette does with what it has not; else none.")] = None,
) -> None:
    """Run a Python program with the cache under every httpx and httpx2 client, with no line of it changed.

    wirecache run script.py ARG...  |  wirecache run -m module ARG...  |  wirecache run pytest ARG...

    Options come before PROGRAM, what comes after it is the program's own. Pythons that it starts (workers, kernels, pytest-xdist)
    have the cache too, unless WIRECACHE_INSTALL=0 is set for them.
    """
    if cassette and store:
        raise typer.BadParameter("--cassette and --store: choose one")
    given = {"MODE": mode and mode.value, "STORE": store and _absolute(store), "TTL": ttl, "NAMESPACE": namespace}
    given |= {"CASSETTE": cassette and _absolute(cassette), "RECORD_MODE": record and record.value}
    os.environ.update({f"WIRECACHE_{name}": value for name, value in given.items() if value is not None})
    try:
        Cassette(given["CASSETTE"]) if given["CASSETTE"] else Cache()
    except (ConfigError, CassetteError) as error:
        raise typer.BadParameter(str(error)) from None
    os.environ["WIRECACHE_INSTALL"] = "1"
    others = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder not in ("", str(CHILD))]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(CHILD), *others])
    _become(_command_line(program, module))


def _absolute(store: str) -> str:
    """A path for any working directory; a URL stays as it is."""
    return store if "://" in store else os.path.abspath(store)


def _command_line(program: list[str], module: bool) -> list[str]:
    flags: list[str] = getattr(subprocess, "_args_from_interpreter_flags", list)()  # -W, -X, -O as they are here
    if module:
        return [sys.executable, *flags, "-m", *program]
    if not os.path.exists(program[0]):
        places = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
        if found := shutil.which(program[0], path=places):
            return [found, *program[1:]]
    return [sys.executable, *flags, *program]


def _become(line: list[str]) -> Any:
    """Be that program from here on: its exit status, its signals and its tracebacks are nobody else's."""
    if os.name == "nt":  # exec there ends the process that the shell waits for
        raise SystemExit(subprocess.call(line))
    os.execv(line[0], line)
