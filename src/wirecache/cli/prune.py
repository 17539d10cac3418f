"""``wirecache prune``: drop entries that are too old."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from wirecache import Cache, Entry
from wirecache._core.quantity import quantity
from wirecache._core.rules.freshness import age_of
from wirecache._core.rules.plan import is_fresh
from wirecache.cli._options import JsonOption, StoreOption, duration_seconds
from wirecache.cli._stores import open_cache
from wirecache.cli._terminal import print_json, print_text, with_progress

__all__ = ["command"]


def command(
    older: Annotated[
        str | None,
        typer.Option(help="Drop entries of at least this age (7d, 12h) instead of those past their ttl.", metavar="DURATION"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the entries.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drop the entries that are past their ttl.

    Until they are dropped, they still answer in offline mode, and after an upstream error if stale_if_error allows it.
    """
    least_age = duration_seconds(older, "--older")
    with open_cache(store) as cache:
        keys = [entry.key for entry in with_progress(cache.entries(), "Searching") if _is_too_old(cache, entry, least_age)]
        for key in [] if dry_run else with_progress(keys, "Dropping", len(keys)):
            cache.engine.source.drop(key)
        if as_json:
            print_json({"dropped": 0 if dry_run else len(keys), "found": len(keys)})
        else:
            print_text(f"{quantity(len(keys), 'entry', 'entries')} {'would be ' if dry_run else ''}dropped.")


def _is_too_old(cache: Cache, entry: Entry, least_age: float | None) -> bool:
    return age_of(entry, time.time()) >= least_age if least_age is not None else not is_fresh(entry, cache.plan, time.time())
