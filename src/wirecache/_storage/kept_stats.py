"""How do the counters of a process come into the store's own, which stay? In batches, when there is time, and at exit.

A store takes part if it has ``add_history(lines)`` and ``history(since)``. What one could not take is given to it again.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from datetime import date, timedelta

from wirecache._runtime.exit import AtEnd
from wirecache._storage.write_queue import Backlog
from wirecache.stats import Stats, Tally, days_of, flat
from wirecache.stores import Store

__all__ = ["History", "today"]

EVERY = 10.0  # seconds between two batches, while calls come thick and fast
DAY = 86_400
EPOCH = date(1970, 1, 1)


def today() -> int:
    """Days since 1970-01-01, UTC."""
    return int(time.time()) // DAY


class History:
    """The counters of one cache, and those that its store keeps. ``trouble`` is told what goes wrong."""

    def __init__(self, store: Store, tally: Tally, backlog: Backlog, trouble: Callable[[Exception], None]) -> None:
        self._store = store
        self._tally = tally
        self._backlog = backlog
        self._trouble = trouble
        self._add = getattr(store, "add_history", None)
        self.waits = False  # is there something that the store does not have yet?
        self._next = 0.0
        self._lock = threading.Lock()
        _histories.add(self)

    def touched(self) -> None:
        """Something was counted: see to it that it is kept, soon."""
        if self._add is None:
            return
        if not self.waits:
            self.waits = True
            _unsaved.add(self)
            _at_end.promise()
            self._next = time.monotonic() + EVERY
            self._backlog.at_rest(self.save)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            self._backlog.after(self.save)

    def save(self) -> None:
        """Give the store what it does not have yet; a store in trouble has it later."""
        if self._add is None or not self.waits:
            return
        with self._lock:
            self.waits = False
            _unsaved.discard(self)
            rows = self._tally.drain()
            try:
                if rows:
                    self._add(flat(rows))
            except Exception as error:
                self._tally.put_back(rows)
                self.waits = True
                _unsaved.add(self)
                self._trouble(error)

    def days(self, last: int | None) -> dict[date, Stats]:
        """What the store has, by day (UTC), the oldest first; that of this process alone, if it keeps nothing."""
        self.save()
        read = getattr(self._store, "history", None)
        since = 0 if last is None else today() - last + 1
        rows = self._tally.snapshot().rows
        lines = read(since) if read is not None else (line for line in flat(rows) if line[0] >= since)  # type: ignore[operator]
        days = days_of(lines)
        return {EPOCH + timedelta(days=day): Stats.of(days[day]) for day in sorted(days)}

    def forked(self) -> None:
        """Begin anew in the child."""
        self._lock = threading.Lock()
        self._tally.forked()
        self.waits = False


_unsaved: set[History] = set()  # held until it is saved, even if the cache is forgotten
_histories: weakref.WeakSet[History] = weakref.WeakSet()


def _save_all() -> None:
    for history in list(_unsaved):
        history.save()


def _after_fork() -> None:
    _unsaved.clear()
    for history in list(_histories):
        history.forked()


_at_end = AtEnd(_save_all, priority=90)  # after the last writes, which are counted
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
