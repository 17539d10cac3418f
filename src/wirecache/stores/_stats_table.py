"""What did a store's caches do, day by day, in whatever process? A table of sums beside diskcache's own.

Each amount is a row of its own, and each process adds to it, in one transaction: so none loses what another counted, and a version
that counts more needs no other table. ``clear``, ``prune`` and the size limit leave it as it is: what was saved was saved.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from wirecache.errors import StoreError

if TYPE_CHECKING:
    from wirecache.stores._safe_disk import SafeCache

__all__ = ["HistoryError", "Line", "add", "read"]


class HistoryError(StoreError):
    """The statistics cannot be kept or read, though the store works otherwise."""


Line = tuple[object, ...]  # day, host, endpoint, model, namespace, band, name, amount

_TABLE = "WirecacheHistory"
_KEY = ("day", "host", "endpoint", "model", "namespace", "band", "name")
_COLUMNS = ", ".join(f"{name} NOT NULL" for name in (*_KEY, "amount"))
_CREATE = f"CREATE TABLE IF NOT EXISTS {_TABLE} ({_COLUMNS}, PRIMARY KEY ({', '.join(_KEY)})) WITHOUT ROWID"
_ADD = f"INSERT INTO {_TABLE} VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
_READ = f"SELECT {', '.join(_KEY)}, amount FROM {_TABLE} WHERE typeof(day) = 'integer' AND day >= ? LIMIT {1_000_000}"


def add(cache: SafeCache, lines: Iterable[Line]) -> None:
    """Add all of the lines, or none; ``HistoryError`` if the table is not one of ours."""
    failure = None
    connection = cache._con
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(_CREATE)
            connection.executemany(_ADD, lines)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        failure = _failure(error)
    if failure is not None:  # outside the handler, so without a context: a foreign table is no reason to set the whole database aside
        raise HistoryError(f"the statistics could not be kept: {failure}")


def read(cache: SafeCache, since: int) -> list[Line]:
    """Return the lines from that day on; none, if there is no such table."""
    if not cache._sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (_TABLE,)).fetchone():
        return []
    failure, lines = None, []
    try:
        lines = cache._sql(_READ, (since,)).fetchall()
    except sqlite3.OperationalError as error:
        failure = _failure(error)
    if failure is not None:
        raise HistoryError(f"the statistics could not be read: {failure}")
    return lines


def _failure(error: sqlite3.OperationalError) -> str:
    """Return SQLite's message; raise what is the trouble of the whole store, such as a lock or a full disk."""
    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
        raise error
    return str(error)
