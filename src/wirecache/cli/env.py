"""``wirecache env``: what to set so that a program uses the proxy."""

from __future__ import annotations

import json
import shlex
from typing import Annotated

import typer

from wirecache.cli._terminal import print_text, usage_error, warn

__all__ = ["command"]


def command(
    program: Annotated[str | None, typer.Argument(help="claude, codex, gemini, goose, aider, ... Default: all variables.")] = None,
    url: Annotated[str, typer.Option(help="The URL of the proxy.")] = "http://127.0.0.1:4141",
    powershell: Annotated[bool, typer.Option("--powershell", help="Print for PowerShell.")] = False,
    toml: Annotated[bool, typer.Option("--toml", help="Print for a TOML file.")] = False,
) -> None:
    """Print what to set so that PROGRAM uses the proxy that 'wirecache serve' runs.

    eval "$(wirecache env claude)"  |  wirecache env codex  |  wirecache env --powershell
    """
    from wirecache._proxy.programs import PROGRAMS, VARIABLES, Program, environment

    if program is not None and program not in PROGRAMS:
        raise usage_error(f"PROGRAM must be one of {', '.join(PROGRAMS)}, got {program!r}")
    if powershell and toml:
        raise usage_error("--powershell and --toml cannot be combined: choose one")
    chosen = PROGRAMS[program] if program is not None else Program(tuple(variable.name for variable in VARIABLES))
    variables = {**environment(url.rstrip("/"), chosen.variables), **(chosen.others or {})}
    for name, value in variables.items():
        print_text(_line(name, value, powershell=powershell, toml=toml))
    if chosen.option:
        option, setting = (part.format(openai=f"{url.rstrip('/')}/openai") for part in chosen.option)
        print_text(setting.replace("=", " = ", 1) if toml else f"# {program} {option} {shlex.quote(setting)}")
    for note in chosen.notes:
        warn(f"# {note}")


def _line(name: str, value: str, *, powershell: bool, toml: bool) -> str:
    if powershell:
        return f"$env:{name} = '{value.replace(chr(39), chr(39) * 2)}'"
    return f"{name} = {json.dumps(value)}" if toml else f"export {name}={shlex.quote(value)}"
