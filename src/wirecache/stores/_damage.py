"""Does an error mean that the database itself is broken? Read off SQLite's own codes and words."""

from __future__ import annotations

import sqlite3

__all__ = ["cause_of", "is_damage"]


def cause_of(error: BaseException) -> BaseException:
    """SQLite's own words: diskcache hides them behind a ``Timeout``, or behind the failure of a rollback."""
    while isinstance(error.__context__, sqlite3.Error):
        error = error.__context__
    return error


def is_damage(error: BaseException, *, opening: bool = False) -> bool:
    """Does SQLite say that the file is no database, or a broken one? While opening also: not one of diskcache's."""
    cause = cause_of(error)
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return True
    if opening:
        return code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH) or isinstance(
            cause, (TypeError, ValueError)
        )
    return code == sqlite3.SQLITE_ERROR and any(words in str(cause) for words in ("no such table", "no such column"))
