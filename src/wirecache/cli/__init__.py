"""The command line: each command has a module of its own, which is imported when the command is called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import typer

from wirecache import __version__

__all__ = ["COMMANDS", "Command", "app_for", "main"]


class Command(NamedTuple):
    """The module of a command, its line in the list of commands (the first sentence of its help), and its settings in typer."""

    module: str
    summary: str
    settings: Mapping[str, Any] = MappingProxyType({})


# In the order of the help. The summaries are here since the list of commands is printed without importing them all.
COMMANDS = {
    "demo": Command("demo", "Show the cache at work with the OpenAI SDK: sync, async and streaming, then without the provider."),
    "ls": Command("ls", "List entries of the store, newest first: key, age, model, endpoint, host, tokens, size, prompt."),
    "show": Command(
        "show", "Show an entry: prompt and answer as a conversation, tool calls, parameters, headers, timings and token usage."
    ),
    "inspect": Command("show", "", {"hidden": True}),  # an alias of show, which the help does not list
    "diff": Command("diff", "Compare two entries: their requests (why the second was not a hit on the first) and their answers."),
    "compare": Command(
        "compare", "Compare two recorded runs step by step: requests, answers, tool calls and their arguments, tokens, cost, time."
    ),
    "explain": Command("explain", "Explain whether a request would be a hit: by which rule and key, and if not, why."),
    "rm": Command("rm", "Drop entries, so that the next equal call goes to the provider."),
    "prune": Command("prune", "Drop the entries that are past their ttl."),
    "clear": Command("clear", "Drop all entries of the store, after asking for confirmation."),
    "export": Command("export", "Write entries of the store into DIR as cassette files, without their secrets."),
    "import": Command(
        "importing",
        "Import cassettes of wirecache, vcrpy, pytest-recording and cassetter into the store, or with --to into a cassette directory.",
    ),
    "warm": Command("warm", "Send the calls of FILE through the cache, so that they are hits later."),
    "doctor": Command(
        "doctor", "Check the installation: SDKs and their HTTP libraries, settings and where each comes from, and whether the store works."
    ),
    "scan": Command(
        "scan", "Search cassettes and other text files for secrets: keys and tokens by their shape, members and headers by their name."
    ),
    "stats": Command("stats", "Show what the cache did and what that saved: calls, time, tokens and money."),
    "guide": Command("guide", "Show a page of the guide, or the list of its pages."),
    # Options after PROGRAM are its own.
    "run": Command(
        "run",
        "Run a Python program with the cache under every httpx and httpx2 client, without changing the program.",
        {"no_args_is_help": False, "context_settings": {"allow_interspersed_args": False}},
    ),
    "ui": Command("ui", "Show stores and cassettes in a browser: conversations, search, why a call missed, what was saved."),
    "serve": Command(
        "serve", "Serve the cache as a reverse proxy: programs in any language use it by a base URL, with the entries of Python's clients."
    ),
    "env": Command("env", "Print what to set so that PROGRAM uses the proxy that 'wirecache serve' runs."),
}


def app_for(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the application with the commands that the arguments need.

    That is the one that they begin with; the list of all where they are options only, as in ``--help``; else all.
    """
    app = typer.Typer(
        name="wirecache",
        help="The cache under your LLM SDK: repeated calls are answered from a store, byte for byte, without the network.",
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    listed = bool(arguments) and all(argument.startswith("-") for argument in arguments)
    for name in arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS:
        command = COMMANDS[name]
        if listed:
            app.command(name, help=command.summary, **command.settings)(_not_imported)
        else:
            app.command(name, **command.settings)(importlib.import_module(f"wirecache.cli.{command.module}").command)
    return app


def _not_imported() -> None:
    """Placeholder of a command that is listed but not called."""


def main(**options: Any) -> None:
    """Run the command that the program was called with. ``options`` go to click's ``main``."""
    completing = any(name.endswith("_COMPLETE") for name in os.environ)
    app_for(() if completing else sys.argv[1:] or ["--help"])(**options)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"wirecache {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """The cache under your LLM SDK: repeated calls are answered from a store, byte for byte, without the network."""
