"""What did a store's caches do, day by day, whatever process they were in? A table of sums beside diskcache's own.

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
    """Why can a store that works otherwise not keep the statistics?"""


Line = tuple[object, ...]  # day, host, endpoint, model, namespace, band, name, amount

_TABLE = "WirecacheHistory"
_KEY = ("day", "host", "endpoint", "model", "namespace", "band", "name")
_COLUMNS = ", ".join(f"{name} NOT NULL" for name in (*_KEY, "amount"))
_CREATE = f"CREATE TABLE IF NOT EXISTS {_TABLE} ({_COLUMNS}, PRIMARY KEY ({', '.join(_KEY)})) WITHOUT ROWID"
_ADD = f"INSERT INTO {_TABLE} VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
_READ = f"SELECT {', '.join(_KEY)}, amount FROM {_TABLE} WHERE typeof(day) = 'integer' AND day >= ? LIMIT {1_000_000}"


def add(cache: SafeCache, lines: Iterable[Line]) -> None:
    """Add all of the lines, or none; ``HistoryError`` if their table is not one."""
    said = None
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
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:  # a lock, a full disk: the store's own trouble
            raise
        said = str(error)
    if said is not None:  # not in the handler: a table that somebody else made is no reason to set the whole store aside
        raise HistoryError(f"the statistics could not be kept: {said}")


def read(cache: SafeCache, since: int) -> list[Line]:
    """The lines from that day on; none, if there is no such table."""
    if not cache._sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (_TABLE,)).fetchone():
        return []
    said, found = None, []
    try:
        found = cache._sql(_READ, (since,)).fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:  # a lock, a full disk: the store's own trouble
            raise
        said = str(error)
    if said is not None:
        raise HistoryError(f"the statistics could not be read: {said}")
    return found
