"""``wirecache rm``: drop entries by their keys."""

from __future__ import annotations

from typing import Annotated

import typer

from wirecache.cli._stores import Store, cache_of, key_of
from wirecache.cli._terminal import AsJson, counted, print_json

__all__ = ["command"]


def command(
    keys: Annotated[list[str], typer.Argument(help="Keys of entries, or the first digits of each.", metavar="KEY")],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Drop entries, so that the next equal call goes to the provider. Drops none if one of the keys is not found."""
    with cache_of(store) as cache:
        removed = list(dict.fromkeys(key_of(cache, key) for key in keys))
        for key in removed:
            cache.shelf.drop(key)
    if as_json:
        print_json({"removed": removed})
    else:
        typer.echo(f"{counted(len(removed), 'entry', 'entries')} dropped.")
