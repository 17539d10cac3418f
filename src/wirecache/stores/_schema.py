"""Is a database already as diskcache would leave it after opening it? Then nothing need be written to open it.

diskcache writes each of its settings whenever it opens a file, twice, and waits for each as for any write: that takes longer than all else
that opening takes, and a lock that another process holds would keep a process that begins from reading.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from diskcache.core import METADATA

from wirecache.stores._transaction import table_failure

__all__ = ["delete_foreign_settings", "has_schema"]

_OBJECTS = frozenset(
    {
        *(("table", name) for name in ("Settings", "Cache")),
        *(("index", name) for name in ("Cache_key_raw", "Cache_expire_time", "Cache_store_time")),
        *(("trigger", f"Settings_{name}") for name in ("count_insert", "count_delete", "size_insert", "size_update", "size_delete")),
    }
)
_TAG_INDEX = ("index", "Cache_tag_rowid")  # diskcache drops it


def has_schema(connection: sqlite3.Connection, settings: Mapping[str, Any]) -> bool:
    """Return whether the database has diskcache's tables, indexes and triggers, exactly these settings, and a journal in WAL mode."""
    objects = _objects(connection)
    if not objects >= _OBJECTS or _TAG_INDEX in objects:
        return False
    try:
        stored = dict(connection.execute("SELECT key, value FROM Settings").fetchall())
    except sqlite3.OperationalError as error:
        table_failure(error)  # a table of another kind: diskcache says what is wrong with it
        return False
    is_wal = connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    return is_wal and stored.keys() == settings.keys() | METADATA and all(stored[name] == value for name, value in settings.items())


def delete_foreign_settings(connection: sqlite3.Connection, known: frozenset[str]) -> None:
    """Delete settings that diskcache does not know: it would make them attributes or arguments of its own."""
    if not any(name == "Settings" for _, name in _objects(connection)):
        return
    foreign = f"FROM Settings WHERE key IS NULL OR key NOT IN ({','.join('?' * len(known))})"
    if connection.execute(f"SELECT 1 {foreign}", tuple(known)).fetchone():
        connection.execute(f"DELETE {foreign}", tuple(known))


def _objects(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(connection.execute("SELECT type, name FROM sqlite_master").fetchall())
