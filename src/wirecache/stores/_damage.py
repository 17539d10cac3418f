"""Recognition of errors that mean that a database is damaged, by SQLite's error codes and messages."""

from __future__ import annotations

import sqlite3

__all__ = ["is_damage", "root_cause"]


def root_cause(error: BaseException) -> BaseException:
    """Return SQLite's own error, which diskcache hides behind a ``Timeout`` or a failed rollback."""
    while isinstance(error.__context__, sqlite3.Error):
        error = error.__context__
    return error


def is_damage(error: BaseException, *, opening: bool = False) -> bool:
    """Return whether SQLite says that the file is not a database or a damaged one; while ``opening``, also that it is not diskcache's."""
    cause = root_cause(error)
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return True
    if opening:
        return code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH) or isinstance(
            cause, (TypeError, ValueError)
        )
    return code == sqlite3.SQLITE_ERROR and any(message in str(cause) for message in ("no such table", "no such column", "has no column"))
