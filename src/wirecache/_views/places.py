"""What a user names as a place: a directory of cassettes, or a store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wirecache._settings.homes import expanded
from wirecache.stores import DiskStore, Store
from wirecache.stores._memory import MemoryStore

if TYPE_CHECKING:
    from wirecache.cassette import CassetteStore

__all__ = ["NoStoreYet", "cassette_directory", "cassette_store_at", "is_missing"]


def cassette_store_at(place: str | None) -> CassetteStore | None:
    """Return the store on a directory of cassettes, or None if the place is not such a directory."""
    directory = cassette_directory(place)
    if directory is None:
        return None
    from wirecache.cassette import CassetteStore, short_key_of  # not for a store

    return CassetteStore(directory) if any(short_key_of(file.name) for file in directory.iterdir()) else None


def cassette_directory(place: str | None) -> Path | None:
    """Return the directory if the place is one and no disk store, else None."""
    directory = expanded(place) if place and "://" not in place else None
    return None if directory is None or not directory.is_dir() or (directory / "cache.db").exists() else directory


def is_missing(store: Store) -> bool:
    """Return whether it is a disk store that does not exist yet: reading it would create it."""
    # It is asked for each entry that is read: a Path takes much longer.
    return isinstance(store, DiskStore) and not os.path.exists(f"{store.path}/cache.db")


class NoStoreYet(MemoryStore):
    """The empty store that stands for one that does not exist yet; messages name that one."""

    def __init__(self, missing: str) -> None:
        super().__init__()
        self._missing = missing

    def __repr__(self) -> str:
        return f"{self._missing}, which does not exist yet"
