"""How is a table of our own, beside diskcache's, changed? All at once or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["table_failure", "transaction"]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A block whose statements take effect together at its end, or not at all; meanwhile nobody else writes."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def table_failure(error: sqlite3.OperationalError) -> str:
    """Return SQLite's message; raise what is the trouble of the whole store, such as a lock or a full disk."""
    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
        raise error
    return str(error)
