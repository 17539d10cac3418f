"""Which store does a command work on, and which of its entries are meant?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from wirecache import Cache, CassetteStore, ConfigError, DiskStore, Entry, MemoryStore, WirecacheError
from wirecache._core.compare.query import Selection
from wirecache._core.rules.freshness import parse_ttl
from wirecache._storage.leases import is_lease
from wirecache.cassette import short_key_of
from wirecache.cli._terminal import fail, followed

__all__ = ["Age", "Endpoint", "Host", "Model", "Older", "Store", "Text", "cache_of", "chosen", "entry_of", "key_of", "selection"]

Store = Annotated[
    str | None,
    typer.Option(help="The store: a path, a URL, or a cassette directory. Default: that of Cache(), so WIRECACHE_STORE or your settings."),
]
Model = Annotated[str, typer.Option(help="Only of this model; * and ? are wildcards.", show_default=False)]
Host = Annotated[str, typer.Option(help="Only of this host; * and ? are wildcards.", show_default=False)]
Endpoint = Annotated[str, typer.Option(help="Only of this endpoint (chat, responses, messages, ...).", show_default=False)]
Text = Annotated[str, typer.Option(help="Only those with this text in prompt or answer.", show_default=False)]
Age = Annotated[str | None, typer.Option("--age", help="Only those at most as old: 90s, 15m, 12h, 7d, 2w.", metavar="DURATION")]
Older = Annotated[str | None, typer.Option("--older", help="Only those at least as old: 90s, 15m, 12h, 7d, 2w.", metavar="DURATION")]
_KEY = re.compile(r"[0-9a-f]{1,64}")


def selection(model: str, host: str, endpoint: str, text: str, age: str | None, older: str | None) -> Selection:
    """What the filters of a command line say."""
    return Selection(model, host, endpoint, text, _seconds(age, "--age"), _seconds(older, "--older"))


def _seconds(duration: str | None, option: str) -> float | None:
    try:
        return None if duration is None else parse_ttl(duration)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from None


@contextmanager
def cache_of(store: str | None, *, reads: bool = True, **settings: Any) -> Iterator[Cache]:
    """The cache on that store; what the store says of itself ends the command, with 2 if a setting is wrong, else with 1.

    ``reads``: nothing is written, so a store that is not there is not made.
    """
    try:
        with Cache(_cassettes(store) or store, **settings) as cache:
            if reads and isinstance(cache.store, DiskStore) and not (cache.store.path / "cache.db").exists():
                with Cache(MemoryStore(), **settings) as empty:
                    yield empty
            else:
                yield cache
            if cache.stats.store_errors:  # told already, when they were met
                raise typer.Exit(1)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    except WirecacheError as error:
        fail(str(error))


def _cassettes(store: str | None) -> CassetteStore | None:
    """The directory as a store, if it is one of cassettes."""
    folder = Path(store).expanduser() if store and "://" not in store else None
    if folder is None or not folder.is_dir() or (folder / "cache.db").exists():
        return None
    return CassetteStore(folder) if any(short_key_of(file.name) for file in folder.iterdir()) else None


def chosen(cache: Cache, wanted: Selection, what: str) -> Iterator[Entry]:
    """The entries that are meant, the newest first; one after the other, however many there are."""
    now = time.time()
    entries = cache.shelf.newest()
    return (entry for entry in (followed(entries, what) if wanted else entries) if wanted.holds(entry, now))


def key_of(cache: Cache, given: str) -> str:
    """The key that begins so. Ends the command if none does (1), or more than one (2)."""
    start = given.strip().lower()
    if not _KEY.fullmatch(start):
        raise typer.BadParameter(f"{given!r} is no key: a key is 64 hexadecimal digits, and its first ones are enough")
    keys = getattr(cache.store, "keys")()  # noqa: B009  # optional in the contract
    found = list(dict.fromkeys(key for key in keys if key.startswith(start) and not is_lease(key)))
    if len(found) > 1:
        shown = ", ".join(key[:16] for key in found[:5])
        raise typer.BadParameter(f"{len(found)} keys begin with {start}: {shown}{', ...' if len(found) > 5 else ''}. Give more digits")
    if not found:
        fail(f"no entry's key begins with {start}; wirecache ls lists them")
    return str(found[0])


def entry_of(cache: Cache, given: str) -> Entry:
    """The entry whose key begins so; ends the command if there is none that is whole."""
    key = key_of(cache, given)
    entry = cache.get(key)
    if entry is None:
        fail(f"the entry {key[:16]} cannot be read: it is damaged, or has just been dropped")
    return entry
