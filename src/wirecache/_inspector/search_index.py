"""The index of all exchanges, a database in memory that filters, sorts and searches a hundred thousand of them without delay.

What the list needs is in columns; prompts, answers and tool calls are in a full-text index that does not store the text. A rewritten
exchange gets a new row: rows of the text index are never changed, and orphaned ones are not found.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from wirecache._core.compare.runs import DIGEST
from wirecache._inspector.index_schema import COLUMNS, CREATE, INSERT, IndexRow, place_of
from wirecache._inspector.search_query import match_expression, spaced

__all__ = ["Filters", "Found", "Order", "SearchIndex"]

GLOBS = ("model", "host", "endpoint", "test")
FEW = 2000  # up to this many matches are sorted; more are looked up in the order of the list
MAX_MESSAGES = 500  # of a conversation whose previous call is searched for


class Order(StrEnum):
    """The order of the list; all but ``oldest`` begin with the largest."""

    NEWEST = "newest"
    OLDEST = "oldest"
    TOKENS = "tokens"
    COST = "cost"
    SECONDS = "seconds"
    SIZE = "size"
    HITS = "hits"


_ORDERS = {
    Order.NEWEST: "stored_at DESC, id",
    Order.OLDEST: "stored_at, id DESC",
    Order.TOKENS: "tokens DESC NULLS LAST, stored_at DESC",
    Order.COST: "cost DESC NULLS LAST, stored_at DESC",
    Order.SECONDS: "seconds DESC, stored_at DESC",
    Order.SIZE: "size DESC, stored_at DESC",
    Order.HITS: "hits DESC, stored_at DESC",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """The conditions that an exchange must meet, all of them. ``model``, ``host``, ``endpoint``, ``test``: globs that ignore case.

    ``text``: words, ``"phrases"``, ``begin*``, and ``-without``. ``younger``: the most seconds since it was stored.
    ``between``: the times that it was stored at or after, and before.
    """

    text: str = ""
    source: str = ""
    model: str = ""
    host: str = ""
    endpoint: str = ""
    test: str = ""
    namespace: str | None = None
    status: int | None = None
    fresh: bool | None = None
    younger: float | None = None
    between: tuple[float, float] | None = None


class Found(NamedTuple):
    """A page of rows, and how many there are on all pages."""

    rows: list[IndexRow]
    total: int


class SearchIndex:
    """The index of all sources. Thread-safe: each use locks the only connection for a few milliseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._database.close)
        self._database.executescript(CREATE)
        self._matched = ("", -1)
        self._names: set[tuple[str, str]] = set()  # the columns that have globs, with their values
        self.version = 0  # changes whenever a row does

    # -- writing ------------------------------------------------------------------------------------------------------

    def add(self, rows: Iterable[tuple[IndexRow, tuple[str, str, str]]]) -> None:
        """Add the rows, each with the texts of its prompt, answer and tool calls, replacing those with the same ref."""
        with self._lock:
            self._database.execute("BEGIN")
            for row, texts in rows:
                self._database.execute("DELETE FROM rows WHERE source = ? AND ref = ?", row[:2])
                self._name(row)
                id = self._database.execute(INSERT, [_clean(value) for value in (*row, place_of(row.method, row.url))]).lastrowid
                self._database.execute(
                    "INSERT INTO texts (rowid, prompt, answer, tools) VALUES (?, ?, ?, ?)", (id, *(spaced(_clean(text)) for text in texts))
                )
            self._database.execute("COMMIT")
            self.version += 1

    def _name(self, row: IndexRow) -> None:
        """Store the values that globs are compared with, which are few compared with the rows."""
        names = {(column, getattr(row, column)) for column in GLOBS} - self._names
        if names:
            self._names |= names
            self._database.executemany("INSERT INTO names VALUES (?, ?)", [(column, _clean(value)) for column, value in names])

    def remove(self, source: str, refs: Iterable[str]) -> None:
        """Remove the rows of these refs."""
        with self._lock:
            self._database.executemany("DELETE FROM rows WHERE source = ? AND ref = ?", [(source, ref) for ref in refs])
            self.version += 1

    def unpriced(self, limit: int) -> list[IndexRow]:
        """Return rows whose price has not been looked up yet, the newest first."""
        rows = self.query(f"SELECT {COLUMNS} FROM rows WHERE priced = 0 ORDER BY stored_at DESC LIMIT ?", (limit,))
        return [IndexRow(*row) for row in rows]

    def set_costs(self, costs: Iterable[tuple[float | None, str, str]]) -> None:
        """Set the cost of rows, each given as (dollars, source, ref)."""
        with self._lock:
            self._database.execute("BEGIN")
            self._database.executemany("UPDATE rows SET cost = ?, priced = 1 WHERE source = ? AND ref = ?", costs)
            self._database.execute("COMMIT")
            self.version += 1

    def set_hits(self, source: str, hits: Mapping[str, int]) -> None:
        """Set how often exchanges of the source were reused, by ref; 0 for all others."""
        with self._lock:
            known = dict(self._database.execute("SELECT ref, hits FROM rows WHERE source = ? AND hits > 0", (source,)).fetchall())
            changed = [(hits.get(ref, 0), source, ref) for ref in known.keys() | hits.keys() if known.get(ref, 0) != hits.get(ref, 0)]
            if changed:
                self._database.execute("BEGIN")
                self._database.executemany("UPDATE rows SET hits = ? WHERE source = ? AND ref = ?", changed)
                self._database.execute("COMMIT")

    # -- reading ------------------------------------------------------------------------------------------------------

    def find(self, filters: Filters, order: Order, *, page: int, limit: int, now: float) -> Found:
        """Return the page with this number, from 1."""
        with self._lock:
            few, matching = self._matching(match_expression(filters.text))
            where, values = _conditions(filters, now, matching)
            chosen = f"FROM rows {'' if few else 'INDEXED BY by_time '}{where}"
            total = self._database.execute(f"SELECT count(*) {chosen}", values).fetchone()[0]
            ids = self._database.execute(
                f"SELECT id {chosen} ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?", [*values, limit, (page - 1) * limit]
            ).fetchall()
            rows = [self._database.execute(f"SELECT {COLUMNS} FROM rows WHERE id = ?", id).fetchone() for id in ids]
        return Found([IndexRow(*row) for row in rows], total)

    def _matching(self, match: str) -> tuple[bool, str]:
        """Return whether there are few matches, and the condition that a row is one of the full-text query.

        Its matches are kept until another query or version comes.
        """
        if not match:
            return False, ""
        if self._matched != (match, self.version):
            self._database.execute("DELETE FROM matches")
            self._database.execute("INSERT INTO matches SELECT rowid FROM texts WHERE texts MATCH ?", (match,))
            self._matched = (match, self.version)
        few = self._database.execute(f"SELECT count(*) < {FEW} FROM matches").fetchone()[0]
        return bool(few), f"{'' if few else '+'}id IN (SELECT id FROM matches)"  # with a plus they are looked up in the order of the list

    def all(self, filters: Filters, now: float) -> list[IndexRow]:
        """Return all rows that meet the conditions, the oldest first."""
        with self._lock:
            where, values = _conditions(filters, now, self._matching(match_expression(filters.text))[1])
            rows = self._database.execute(f"SELECT {COLUMNS} FROM rows {where} ORDER BY stored_at, id DESC", values).fetchall()
        return [IndexRow(*row) for row in rows]

    def row(self, source: str, ref: str) -> IndexRow | None:
        """Return the row of the ref, or None."""
        found = self.query(f"SELECT {COLUMNS} FROM rows WHERE source = ? AND ref = ?", (source, ref))
        return IndexRow(*found[0]) if found else None

    def previous_call(self, row: IndexRow) -> IndexRow | None:
        """Return the call whose conversation this one continues (of several, the longest), or None."""
        ends = [row.chain[at - DIGEST : at] for at in range(DIGEST, len(row.chain), DIGEST)]
        if not ends:
            return None
        ends = ends[-MAX_MESSAGES:]
        found = self.query(
            f"SELECT {COLUMNS} FROM rows WHERE chain_end IN ({', '.join('?' * len(ends))}) AND stored_at <= ? AND length(chain) < ?"
            " ORDER BY length(chain) DESC, stored_at DESC LIMIT 1",
            [*ends, row.stored_at, len(row.chain)],
        )
        return IndexRow(*found[0]) if found else None

    def neighbours(self, row: IndexRow) -> tuple[IndexRow | None, IndexRow | None]:
        """Return the exchanges that were stored before and after this one in its source."""
        sides = (("<", "DESC"), (">", "ASC"))
        found = [
            self.query(
                # With a plus the rows are looked up by time: by their source would be all of them.
                f"SELECT {COLUMNS} FROM rows WHERE +source = ? AND stored_at {sign} ? ORDER BY stored_at {way} LIMIT 1",
                (row.source, row.stored_at),
            )
            for sign, way in sides
        ]
        before, after = (IndexRow(*rows[0]) if rows else None for rows in found)
        return before, after

    def stamps(self, source: str) -> dict[str, float]:
        """Return when each exchange of the source was stored, by ref."""
        return dict(self.query("SELECT ref, stored_at FROM rows WHERE source = ?", (source,)))

    def values(self, column: str) -> list[tuple[str, int]]:
        """Return the values of a column and how often each occurs, the most frequent first."""
        assert column in ("model", "host", "endpoint", "test", "source", "namespace")
        return self.query(f"SELECT {column}, count(*) AS n FROM rows GROUP BY {column} ORDER BY n DESC, {column} LIMIT 200")

    def count(self) -> int:
        """Return how many exchanges are in the index."""
        return int(self.query("SELECT count(*) FROM rows")[0][0])

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of an SQL query."""
        with self._lock:
            return self._database.execute(statement, [_clean(value) for value in values]).fetchall()


def _conditions(filters: Filters, now: float, matching: str) -> tuple[str, list[Any]]:
    """Return the WHERE clause and its values. ``matching``: the condition of the full-text search."""
    parts: list[str] = []
    values: list[Any] = []
    for name in GLOBS:
        if pattern := getattr(filters, name):
            parts.append(f"{name} IN (SELECT value FROM names WHERE name = '{name}' AND lower(value) GLOB ?)")
            values.append(pattern.lower())
    for name in ("source", "namespace", "status"):
        if (value := getattr(filters, name)) not in (None, ""):
            parts.append(f"{name} = ?")
            values.append(value)
    if filters.fresh is not None:
        parts.append("(expires_at IS NULL OR expires_at > ?)" if filters.fresh else "expires_at <= ?")
        values.append(now)
    if filters.younger is not None:
        parts.append("stored_at >= ?")
        values.append(now - filters.younger)
    if filters.between is not None:
        parts.append("stored_at >= ? AND stored_at < ?")
        values += filters.between
    if matching:
        parts.append(matching)
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), values


def _clean(value: Any) -> Any:
    """Return a text without lone surrogates, which the database refuses; any other value unchanged."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) and not value.isascii() else value
