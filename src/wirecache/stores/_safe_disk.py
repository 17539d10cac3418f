"""How is diskcache kept from executing what it reads?

diskcache lets the row choose how a value is read (CVE-2025-69872): pickled rows run code, file names leave the directory.
Here keys are text, values are bytes in the row, and every other kind of row is refused as if it were absent.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import diskcache
from diskcache.core import MODE_RAW

if TYPE_CHECKING:  # diskcache has no types, and what can be guessed of them is not what it allows
    _Disk: Any = object
else:
    _Disk = diskcache.Disk

__all__ = ["REFUSED_KEY", "SETTINGS", "SafeDisk", "open_safely"]

REFUSED_KEY = object()  # what a foreign key row reads as

# All settings, named at every open: what another program wrote into the file does not count.
# mmap is off: a file cut short by somebody else would kill the process instead of raising an error.
SETTINGS: dict[str, Any] = {
    "statistics": 0,
    "tag_index": 0,
    "eviction_policy": "least-recently-stored",
    "cull_limit": 10,
    "sqlite_auto_vacuum": 1,
    "sqlite_cache_size": 2**13,
    "sqlite_journal_mode": "wal",
    "sqlite_mmap_size": 0,
    "sqlite_synchronous": 1,
    "disk_min_file_size": 2**62,
    "disk_pickle_protocol": 0,
}


class SafeDisk(_Disk):  # type: ignore[misc]  # see above
    """Text keys and bytes values, both in the database row; nothing else is read."""

    def put(self, key: object) -> tuple[str, bool]:
        """The row's key."""
        if type(key) is not str:
            raise TypeError(f"keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> object:
        """The key of a row, or ``REFUSED_KEY``."""
        return key if raw and type(key) is str else REFUSED_KEY

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, None, memoryview]:
        """The columns of a value."""
        if type(value) is not bytes or read:
            raise TypeError(f"values are bytes, not {type(value).__name__}")
        return 0, MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:
        """The value of a row; for a row of any other kind nothing, which no frame is."""
        if mode != MODE_RAW or filename is not None or type(value) is not bytes or read:
            return b""
        return value

    def remove(self, file_path: object) -> None:
        """Values are never in files, so a file that a row names is not ours to delete."""

    def filename(self, key: object = None, value: object = None) -> NoReturn:
        """Values are never in files."""
        raise TypeError("values are kept in the database")


def open_safely(directory: Path, timeout: float, size_limit: int) -> Any:
    """Open diskcache on a directory, with this disk and these settings; ``timeout`` in seconds, ``size_limit`` in bytes."""
    options: dict[str, Any] = {"timeout": timeout, "disk": SafeDisk, "size_limit": size_limit, **SETTINGS}
    return diskcache.Cache(str(directory), **options)
