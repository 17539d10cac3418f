"""The running counters of one cache, in memory; what the store does not have yet is kept separately."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from itertools import compress

from wirecache._core.flows.labels import NO_LABELS, Labels
from wirecache._core.label_bounds import Bounds
from wirecache._core.messages import Entry, Usage
from wirecache._core.stats import BILLED, SAVED, Amounts, Row, Stats, band_of
from wirecache._core.status import CacheStatus

__all__ = ["Tally"]


MOST_KEYS = 10_000  # entries whose hits are counted between two batches

# The counters that each outcome adds to; a bypass is counted by its reason.
_COUNTERS = {"hit": ("hits",), "stale": ("hits", "stale"), "collapsed": ("collapsed",), "miss": ("misses",)}


class Tally:
    """The running counters behind ``Stats``. Thread-safe, at 1 µs per hit; memory is bounded (see ``Bounds``).

    ``day``: days since 1970-01-01, UTC. What was counted since the last ``drain`` is kept separately, to be written to the store.
    """

    def __init__(self) -> None:
        self.hits: dict[str, int] | None = None  # by key, since the last ``drain_hits``; None: they are not counted
        self._lock = threading.Lock()
        self._kept: dict[Row, Amounts] = {}
        self._new: dict[Row, Amounts] = {}
        self._bounds = Bounds()

    def answered(self, status: CacheStatus, entry: Entry | None = None, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count an exchange whose head is known. ``entry``: the reused one."""
        usage, outcome = entry.usage if entry is not None else None, status.outcome
        with self._lock:
            row = self._row(labels, day, band_of(usage) if usage is not None else 0)
            for name in _COUNTERS.get(outcome) or (self._bounds.name(f"bypassed:{status.detail or ''}"),):
                row[name] = row.get(name, 0) + 1
            if entry is not None:
                if (hits := self.hits) is not None and (len(hits) < MOST_KEYS or entry.key in hits):
                    hits[entry.key] = hits.get(entry.key, 0) + 1
                row["seconds_saved"] = row.get("seconds_saved", 0.0) + entry.seconds
                if usage is not None:
                    _add_usage(row, "saved", SAVED, usage)

    def paid(self, usage: Usage | None, seconds: float, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count the time and usage of upstream's answer. ``usage``: None if it is not known."""
        with self._lock:
            row = self._row(labels, day, band_of(usage))
            row["seconds_spent"] = row.get("seconds_spent", 0.0) + seconds
            if usage is not None:
                _add_usage(row, "billed", BILLED, usage)
            else:
                row["untold"] = row.get("untold", 0) + 1

    def spent(self, seconds: float, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count the time of an upstream exchange that cost nothing."""
        with self._lock:
            row = self._row(labels, day, 0)
            row["seconds_spent"] = row.get("seconds_spent", 0.0) + seconds

    def refused(self, reason: str, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count an answer that was not stored."""
        self.add(f"refused:{reason}", labels, day)

    def add(self, name: str, labels: Labels = NO_LABELS, day: int = 0) -> None:
        """Count one of ``stored`` or ``store_errors``."""
        with self._lock:
            row, name = self._row(labels, day, 0), self._bounds.name(name)
            row[name] = row.get(name, 0) + 1

    def snapshot(self) -> Stats:
        """Return the current counters."""
        with self._lock:
            rows = {row: dict(amounts) for row, amounts in self._kept.items()}
            _merge(rows, self._new.items())
        return Stats.of(rows)

    def drain(self) -> dict[Row, Amounts]:
        """Return what was counted since the last drain."""
        with self._lock:
            new, self._new = self._new, {}
            _merge(self._kept, new.items())
        return new

    def drain_hits(self) -> dict[str, int]:
        """Return how often each entry was reused since the last drain, by key."""
        with self._lock:
            hits, self.hits = self.hits, {}
        return hits or {}

    def put_back(self, rows: Mapping[Row, Amounts]) -> None:
        """Put back what was drained but could not be written, so that the next ``drain`` returns it again."""
        with self._lock:
            _merge(self._new, rows.items())
            _merge(self._kept, ((row, {name: -amount for name, amount in amounts.items()}) for row, amounts in rows.items()))

    def after_fork(self) -> None:
        """Start afresh in the child: the parent keeps what it counted."""
        self._lock = threading.Lock()
        _merge(self._kept, self._new.items())
        self._new = {}
        self.hits = None if self.hits is None else {}

    def _row(self, labels: Labels, day: int, band: int) -> Amounts:
        key = (day, *labels, band)
        row: Amounts | None = self._new.get(key)  # type: ignore[call-overload]  # a plain tuple equals the named one, and is cheaper
        if row is None:
            row = self._new.setdefault(Row(day, *self._bounds.labels(labels), band), {})
        return row


def _add_usage(row: Amounts, calls: str, names: tuple[str, ...], usage: Usage) -> None:
    row[calls] = row.get(calls, 0) + 1
    for name, count in compress(zip(names, usage, strict=True), usage):  # most of the seven are 0
        row[name] = row.get(name, 0) + count


def _merge(rows: dict[Row, Amounts], more: Iterable[tuple[Row, Mapping[str, float]]]) -> None:
    for row, amounts in more:
        have = rows.setdefault(row, {})
        for name, amount in amounts.items():
            have[name] = have.get(name, 0) + amount
