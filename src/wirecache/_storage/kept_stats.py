"""Statistics kept in the store: a process's counters are added to the store's in batches, when idle and at exit.

A store takes part if it has ``add_history(lines)`` and ``history(since)``, or, for the hits of each entry, ``add_hits(counts)`` and
``hits()``. What could not be written is tried again, except hits of entries, which do not affect anything.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta

from wirecache._core.stats import Stats, days_of, flat
from wirecache._runtime.exit import AtExit
from wirecache._runtime.forks import reset_after_fork
from wirecache._storage.tally import Tally
from wirecache._storage.write_queue import WriteQueue
from wirecache.stores._protocol import Store

__all__ = ["KeptStats", "days_by_date", "today"]

INTERVAL = 10.0  # seconds between batches under a steady load
DAY = 86_400  # seconds
EPOCH = date(1970, 1, 1)


def today() -> int:
    """Return today as the number of days since 1970-01-01, UTC."""
    return int(time.time()) // DAY


class KeptStats:
    """Writes the counters of one cache to its store. ``on_error``: called with each error."""

    def __init__(self, store: Store, tally: Tally, queue: WriteQueue, on_error: Callable[[Exception], None]) -> None:
        self._store = store
        self._tally = tally
        self._queue = queue
        self._on_error = on_error
        self._add = getattr(store, "add_history", None)
        self._add_hits = getattr(store, "add_hits", None)
        self._takes_part = self._add is not None or self._add_hits is not None
        tally.hits = None if self._add_hits is None else {}
        self._is_pending = False  # is there anything that the store does not have yet?
        self._next_batch = 0.0
        self._lock = threading.Lock()
        reset_after_fork(self)

    def touch(self) -> None:
        """Schedule a save, because something was counted."""
        if not self._takes_part:
            return
        if not self._is_pending:
            self._is_pending = True
            _pending.add(self)
            _at_exit.ensure()
            self._next_batch = time.monotonic() + INTERVAL
            self._queue.when_idle(self.save)
        elif time.monotonic() >= self._next_batch:
            self._next_batch = time.monotonic() + INTERVAL
            self._queue.after(self.save)

    def save(self) -> None:
        """Write what the store does not have yet; if the store fails, it is kept for the next save."""
        if not self._is_pending:
            return
        with self._lock:
            self._is_pending = False
            _pending.discard(self)
            rows = self._tally.drain() if self._add is not None else {}
            try:
                if self._add_hits is not None and (hits := self._tally.drain_hits()):
                    self._add_hits(hits)
                if self._add is not None and rows:
                    self._add(flat(rows))
            except Exception as error:
                self._tally.put_back(rows)
                self._is_pending = True
                _pending.add(self)
                self._on_error(error)

    def hits(self) -> dict[str, int]:
        """Return how often each entry was reused in all processes, by key; empty if the store does not count that."""
        self.save()
        read = getattr(self._store, "hits", None)
        return {} if read is None else read()

    def days(self, last: int | None) -> dict[date, Stats]:
        """Return the statistics of the last days (UTC; None: all), the oldest first; of this process only, if the store keeps none."""
        self.save()
        read = getattr(self._store, "history", None)
        return days_by_date(self._tally, last) if read is None else _by_date(read(_first_day(last)))

    def after_fork(self) -> None:
        """Start afresh: the parent saves what it counted."""
        _pending.discard(self)
        self._lock = threading.Lock()
        self._tally.after_fork()
        self._is_pending = False


def days_by_date(tally: Tally, last: int | None) -> dict[date, Stats]:
    """Return the statistics of this process for the last days (UTC; None: all), the oldest first."""
    since = _first_day(last)
    return _by_date(flat({row: amounts for row, amounts in tally.snapshot().rows.items() if row.day >= since}))


def _first_day(last: int | None) -> int:
    return 0 if last is None else today() - last + 1


def _by_date(lines: Iterable[tuple[object, ...]]) -> dict[date, Stats]:
    days = days_of(lines)
    return {EPOCH + timedelta(days=day): Stats.of(days[day]) for day in sorted(days)}


_pending: set[KeptStats] = set()  # referenced until saved, even if the cache is dropped


def _save_all() -> None:
    for each in list(_pending):
        each.save()


_at_exit = AtExit(_save_all, priority=90)  # after the last writes, which are counted, too
