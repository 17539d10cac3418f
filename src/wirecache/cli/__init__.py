"""The command line: one module a command, imported when it is called, or when all are told."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from wirecache import __version__

__all__ = ["COMMANDS", "app_for", "main"]

# Each command, and the module that has it, in the order of the help.
COMMANDS = {
    "demo": "demo",
    "ls": "ls",
    "show": "show",
    "inspect": "show",
    "diff": "diff",
    "explain": "explain",
    "rm": "rm",
    "prune": "prune",
    "clear": "clear",
    "export": "export",
    "import": "importing",
    "warm": "warm",
    "doctor": "doctor",
    "scan": "scan",
    "stats": "stats",
    "run": "run",
}
# What follows the program of ``run`` is the program's own, options too. ``inspect`` is another name.
_OPTIONS: dict[str, dict[str, Any]] = {
    "inspect": {"hidden": True},
    "run": {"no_args_is_help": False, "context_settings": {"allow_interspersed_args": False}},
}


def app_for(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line, as far as these arguments need it: a command that is named, else all."""
    app = typer.Typer(
        name="wirecache",
        help="The cache under your LLM SDK: repeated calls are answered from a store, byte for byte, without the network.",
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name in arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS:
        module = importlib.import_module(f"wirecache.cli.{COMMANDS[name]}")
        app.command(name, **_OPTIONS.get(name, {}))(module.command)
    return app


def main(**more: Any) -> None:
    """Run the command that the program was called with."""
    completing = any(name.endswith("_COMPLETE") for name in os.environ)
    app_for(() if completing else sys.argv[1:])(**more)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wirecache {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """The cache under your LLM SDK: repeated calls are answered from a store, byte for byte, without the network."""
