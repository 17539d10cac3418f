"""``wirecache rm``: drop entries by their keys."""

from __future__ import annotations

from typing import Annotated

import typer

from wirecache._core.quantity import quantity
from wirecache.cli._options import JsonOption, StoreOption
from wirecache.cli._stores import find_key, open_cache
from wirecache.cli._terminal import print_json, print_text

__all__ = ["command"]


def command(
    keys: Annotated[list[str], typer.Argument(help="Keys of entries, or the first digits of each.", metavar="KEY")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drop entries, so that the next equal call goes to the provider. Drops none if one of the keys is not found."""
    with open_cache(store) as cache:
        removed = list(dict.fromkeys(find_key(cache, key) for key in keys))
        for key in removed:
            cache.engine.source.drop(key)
    if as_json:
        print_json({"removed": removed})
    else:
        print_text(f"{quantity(len(removed), 'entry', 'entries')} dropped.")
