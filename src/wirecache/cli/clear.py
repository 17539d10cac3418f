"""``wirecache clear``: drop all entries."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from wirecache._storage.leases import is_lease
from wirecache.cli._stores import Store, cache_of
from wirecache.cli._terminal import AsJson, counted, print_json

__all__ = ["command"]


def command(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Drop all entries of the store, after asking."""
    with cache_of(store) as cache:
        number = sum(not is_lease(key) for key in getattr(cache.store, "keys")())  # noqa: B009  # optional in the contract
        told = f"{counted(number, 'entry', 'entries')} of {cache.store!r}"
        if number and not yes:
            if as_json or not sys.stdin.isatty():
                raise typer.BadParameter(f"this would drop {told}; say --yes where nobody can be asked")
            typer.confirm(f"Drop {told}?", abort=True)
        if number:
            cache.clear()
    if as_json:
        print_json({"dropped": number})
    else:
        typer.echo(f"{counted(number, 'entry', 'entries')} dropped.")
