"""The counters of budgets, shared by all processes: a table beside diskcache's own, with named integer sums per counter.

``clear``, ``prune`` and the size limit do not affect it: what was spent was spent. Counters that are unused for long are deleted.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import Protocol

from wirecache.errors import StoreError
from wirecache.stores._transaction import table_failure, transaction

__all__ = ["CounterError", "add"]

_TABLE = "WirecacheBudgets"
_CREATE = (
    f"CREATE TABLE IF NOT EXISTS {_TABLE} "
    "(counter NOT NULL, name NOT NULL, amount NOT NULL, expires NOT NULL, PRIMARY KEY (counter, name)) WITHOUT ROWID"
)
_READ = f"SELECT name, amount FROM {_TABLE} WHERE counter = ?"
_WRITE = f"INSERT OR REPLACE INTO {_TABLE} VALUES (?, ?, ?, ?)"
_DELETE_ZEROS = f"DELETE FROM {_TABLE} WHERE counter = ? AND amount = 0"
_EXPIRED = f"SELECT counter FROM {_TABLE} GROUP BY counter HAVING MAX(expires) < ?"
_DELETE_EXPIRED = f"DELETE FROM {_TABLE} WHERE counter IN ({_EXPIRED})"
_LARGEST = 2**63 - 1  # the largest integer that SQLite stores


class CounterError(StoreError):
    """A counter cannot be read, although the store works otherwise."""


class _Database(Protocol):
    """The part of the database's interface that is used here."""

    @property
    def _con(self) -> sqlite3.Connection: ...


def add(cache: _Database, counter: str, amounts: Mapping[str, int], ttl: float) -> dict[str, int]:
    """Add the amounts to the counter, all or none, and return its sums. The counter is kept for ``ttl`` seconds from now."""
    connection = cache._con
    now = time.time()
    try:
        with transaction(connection):
            connection.execute(_CREATE)
            totals = _sums(connection, counter)
            if not totals:
                connection.execute(_DELETE_EXPIRED, (now,))
            for name, amount in amounts.items():
                totals[name] = totals.get(name, 0) + amount
            if any(abs(totals[name]) > _LARGEST for name in amounts):
                raise CounterError(f"a counter of a budget is full: {counter}")
            connection.executemany(_WRITE, [(counter, name, totals[name], now + ttl) for name in amounts])
            connection.execute(_DELETE_ZEROS, (counter,))
    except sqlite3.OperationalError as error:
        failure = table_failure(error)
    else:
        return {name: amount for name, amount in totals.items() if amount}
    raise CounterError(f"a counter of a budget could not be kept: {failure}")  # without a context: a foreign table is no damage


def _sums(connection: sqlite3.Connection, counter: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, amount in connection.execute(_READ, (counter,)):
        if type(name) is not str or type(amount) is not int:
            raise CounterError(f"a counter of a budget has a value that is not an integer: {str(name)[:100]!r}")
        sums[name] = amount
    return sums
