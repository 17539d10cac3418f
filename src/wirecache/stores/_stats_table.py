"""What did a store's caches do, day by day, in whatever process? A table of sums beside diskcache's own.

Each amount is a row of its own, and each process adds to it, in one transaction: so none loses what another counted, and a version
that counts more needs no other table. ``clear``, ``prune`` and the size limit leave it as it is: what was saved was saved. It is bounded
itself: a day has ``Bounds`` rows, whatever the processes; and where there are too many, the oldest days have one row, "other".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeAlias

from wirecache._core.label_bounds import OTHER, Bounds
from wirecache.errors import StoreError
from wirecache.stores._transaction import table_failure, transaction

__all__ = ["SIZE", "STATISTICS", "HistoryError", "Line", "add", "read"]


class _Database(Protocol):
    """What is used here of the database that the table is in."""

    @property
    def _con(self) -> sqlite3.Connection: ...

    @property
    def _sql(self) -> Any: ...


class HistoryError(StoreError):
    """The statistics cannot be kept or read, though the store works otherwise."""


Line: TypeAlias = tuple[object, ...]  # day, host, endpoint, model, namespace, band, name, amount

STATISTICS = "WirecacheHistory"  # the name of the table
_KEY = ("day", "host", "endpoint", "model", "namespace", "band", "name")
# The bytes of the table, about: its texts, what SQLite keeps with a row, and the free part of its pages.
_TEXTS = " + ".join(f"length(CAST({name} AS BLOB))" for name in (*_KEY[1:5], "name"))
SIZE = f"SELECT COALESCE(SUM({_TEXTS} + 32) * 3 / 2, 0) FROM {STATISTICS}"
_MOST_LINES = 100_000  # some years of ordinary use; half a second to read
_COLUMNS = ", ".join(f"{name} NOT NULL" for name in (*_KEY, "amount"))
_CREATE = f"CREATE TABLE IF NOT EXISTS {STATISTICS} ({_COLUMNS}, PRIMARY KEY ({', '.join(_KEY)})) WITHOUT ROWID"
_ADD = f"INSERT INTO {STATISTICS} VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
_LABELS = f"SELECT DISTINCT host, endpoint, model, namespace FROM {STATISTICS} WHERE day = ?"
_COUNT = f"SELECT COUNT(*) FROM {STATISTICS}"
_OLDEST = (
    f"SELECT MIN(day) FROM {STATISTICS} WHERE host != '{OTHER}' OR endpoint != '{OTHER}' OR model != '{OTHER}' OR namespace != '{OTHER}'"
)
_SUMS = (
    f"SELECT day, '{OTHER}', '{OTHER}', '{OTHER}', '{OTHER}', band, name, SUM(amount) FROM {STATISTICS} WHERE day = ? GROUP BY band, name"
)
_SHORT = ", ".join(f"substr({name}, 1, 200)" for name in _KEY[1:5])  # more than a label has now; older versions kept any length
_READ = f"SELECT day, {_SHORT}, band, name, amount FROM {STATISTICS} WHERE typeof(day) = 'integer' AND day >= ? LIMIT {1_000_000}"


def add(cache: _Database, lines: Iterable[Line]) -> None:
    """Add all of the lines, or none; ``HistoryError`` if the table is not one of ours."""
    failure = None
    connection = cache._con
    try:
        with transaction(connection):
            connection.execute(_CREATE)
            connection.executemany(_ADD, _bounded(connection, lines))
            _fold_oldest(connection)
    except sqlite3.OperationalError as error:
        failure = table_failure(error)
    if failure is not None:  # outside the handler, so without a context: a foreign table is no reason to set the whole database aside
        raise HistoryError(f"the statistics could not be kept: {failure}")


def _bounded(connection: sqlite3.Connection, lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines with the labels that they are counted by: what other processes counted that day counts, too."""
    bounds: dict[object, Bounds] = {}
    for day, host, endpoint, model, namespace, *rest in lines:
        if day not in bounds:
            bounds[day] = Bounds(connection.execute(_LABELS, (day,)).fetchall())
        yield day, *bounds[day].labels((str(host), str(endpoint), str(model), str(namespace))), *rest


def _fold_oldest(connection: sqlite3.Connection) -> None:
    """Count all calls of the oldest days as "other" while there are too many lines."""
    while connection.execute(_COUNT).fetchone()[0] > _MOST_LINES:
        day = connection.execute(_OLDEST).fetchone()[0]
        if day is None:
            return
        sums = connection.execute(_SUMS, (day,)).fetchall()
        connection.execute(f"DELETE FROM {STATISTICS} WHERE day = ?", (day,))
        connection.executemany(_ADD, sums)


def read(cache: _Database, since: int) -> list[Line]:
    """Return the lines from that day on; none, if there is no such table."""
    if not cache._sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (STATISTICS,)).fetchone():
        return []
    failure, lines = None, []
    try:
        lines = cache._sql(_READ, (since,)).fetchall()
    except sqlite3.OperationalError as error:
        failure = table_failure(error)
    if failure is not None:
        raise HistoryError(f"the statistics could not be read: {failure}")
    return lines
