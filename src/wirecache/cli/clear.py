"""``wirecache clear``: drop all entries."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from wirecache._core.quantity import quantity
from wirecache.cli._options import JsonOption, StoreOption
from wirecache.cli._stores import entry_keys, open_cache
from wirecache.cli._terminal import print_json, print_text, usage_error

__all__ = ["command"]


def command(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drop all entries of the store, after asking for confirmation."""
    with open_cache(store) as cache:
        number = sum(1 for _ in entry_keys(cache))
        entries = quantity(number, "entry", "entries")
        if number and not yes:
            if as_json or not sys.stdin.isatty():
                raise usage_error(f"this would drop {entries} of {cache.store!r}; confirm it with --yes")
            typer.confirm(f"Drop {entries} of {cache.store!r}?", abort=True)
        if number:
            cache.clear()
    if as_json:
        print_json({"dropped": number})
    else:
        print_text(f"{entries} dropped.")
