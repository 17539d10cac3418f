"""``wirecache prune``: drop what is too old."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from wirecache import Cache, Entry
from wirecache._core.rules.freshness import age_of
from wirecache.cli._stores import Store, cache_of, selection
from wirecache.cli._terminal import AsJson, counted, followed, print_json

__all__ = ["command"]


def command(
    older: Annotated[
        str | None, typer.Option(help="Drop those at least as old (7d, 12h), instead of those past their ttl.", metavar="DURATION")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Drop the entries that are past their ttl. They would still answer offline, and after an upstream error if that is allowed."""
    oldest = selection("", "", "", "", None, older).older
    with cache_of(store) as cache:
        keys = [entry.key for entry in followed(cache.entries(), "Looking") if _too_old(cache, entry, oldest)]
        for key in [] if dry_run else followed(keys, "Dropping", len(keys)):
            cache.shelf.drop(key)
        if as_json:
            print_json({"dropped": 0 if dry_run else len(keys), "found": len(keys)})
        else:
            typer.echo(f"{counted(len(keys), 'entry', 'entries')} {'would be ' if dry_run else ''}dropped.")


def _too_old(cache: Cache, entry: Entry, oldest: float | None) -> bool:
    return age_of(entry, time.time()) >= oldest if oldest is not None else not cache.is_fresh(entry)
