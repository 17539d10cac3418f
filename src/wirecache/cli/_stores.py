"""The store that a command works on, and the selection of its entries."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from wirecache import Cache, ConfigError, Entry, WirecacheError
from wirecache._core.compare.query import Selection
from wirecache._views.places import NoStoreYet, cassette_store_at, is_missing
from wirecache.cli._terminal import fail, usage_error, with_progress

__all__ = ["entry_keys", "find_entry", "find_key", "is_key", "open_cache", "selected_entries"]

_KEY = re.compile(r"[0-9a-f]{1,64}")


@contextmanager
def open_cache(store: str | None, *, create: bool = False, **settings: Any) -> Iterator[Cache]:
    """Yield the cache on the store. Ends the command if that fails: with 2 if a setting is invalid, else with 1.

    ``create``: create a disk store that does not exist; otherwise a missing store counts as empty.
    """
    try:
        with Cache(cassette_store_at(store) or store, **settings) as cache:
            if not create and is_missing(cache.store):
                with Cache(NoStoreYet(repr(cache.store)), **settings) as empty:
                    yield empty
            else:
                yield cache
            if cache.stats.store_errors:  # they were logged when they occurred
                raise typer.Exit(1)
    except ConfigError as error:
        raise usage_error(str(error)) from None
    except WirecacheError as error:
        fail(str(error))


def selected_entries(cache: Cache, selection: Selection, description: str) -> Iterator[Entry]:
    """Yield the matching entries, newest first, read one by one. ``description``: the text beside the progress bar."""
    now = time.time()
    entries = cache.engine.source.newest()
    return (entry for entry in (with_progress(entries, description) if selection else entries) if selection.matches(entry, now))


def entry_keys(cache: Cache) -> Iterator[str]:
    """Yield the keys of the entries."""
    return cache.engine.source.keys()


def is_key(text: str) -> bool:
    """Return whether the text is a key or the beginning of one."""
    return _KEY.fullmatch(text.strip().lower()) is not None


def find_key(cache: Cache, prefix: str) -> str:
    """Return the only key that begins with the prefix. Ends the command with 1 if there is none, with 2 if there are several."""
    start = prefix.strip().lower()
    if not is_key(start):
        raise usage_error(f"{prefix!r} is not a key: a key has 64 hexadecimal digits and may be abbreviated to its first few")
    found = list(dict.fromkeys(key for key in entry_keys(cache) if key.startswith(start)))
    if len(found) > 1:
        shown = ", ".join(key[:16] for key in found[:5])
        raise usage_error(f"{len(found)} keys begin with {start}: {shown}{', ...' if len(found) > 5 else ''}; give more digits")
    if not found:
        fail(f"no key begins with {start}; wirecache ls lists the keys")
    return found[0]


def find_entry(cache: Cache, prefix: str) -> Entry:
    """Return the entry whose key begins with the prefix. Ends the command if there is none or it cannot be read."""
    key = find_key(cache, prefix)
    entry = cache.get(key)
    if entry is None:
        fail(f"the entry {key[:16]} cannot be read: it is damaged, or has just been dropped")
    return entry
