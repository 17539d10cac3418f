"""The command line: each command has a module of its own, which is imported when the command is called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from wirecache import __version__

__all__ = ["COMMANDS", "app_for", "main"]

# The module of each command, in the order of the help.
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
_TYPER_OPTIONS: dict[str, dict[str, Any]] = {
    "inspect": {"hidden": True},  # an alias of show
    "run": {"no_args_is_help": False, "context_settings": {"allow_interspersed_args": False}},  # options after PROGRAM are its own
}


def app_for(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the application with the command that the arguments name, or with all commands if they name none."""
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
        app.command(name, **_TYPER_OPTIONS.get(name, {}))(module.command)
    return app


def main(**options: Any) -> None:
    """Run the command that the program was called with. ``options`` go to click's ``main``."""
    completing = any(name.endswith("_COMPLETE") for name in os.environ)
    app_for(() if completing else sys.argv[1:])(**options)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"wirecache {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """The cache under your LLM SDK: repeated calls are answered from a store, byte for byte, without the network."""
