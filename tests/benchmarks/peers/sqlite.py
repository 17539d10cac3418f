"""Many rows like the one that is there, without waiting for whoever would write them one by one."""

from __future__ import annotations

import sqlite3


def copied_rows(database: sqlite3.Connection, table: str, key: str, count: int) -> None:
    """Fill the table up to so many rows: copies of its first, each with a key of its own (64 hex digits, in no order)."""
    columns = [name for _, name, _, _, _, is_key in database.execute(f"PRAGMA table_info({table})") if not (is_key and name == "rowid")]
    there = database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
    made = ", ".join("lower(hex(randomblob(32)))" if name == key else f'"{name}"' for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    database.execute(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
        f"INSERT INTO {table} ({names}) SELECT {made} FROM (SELECT * FROM {table} LIMIT 1), n",
        (max(1, count - there),),
    )
