"""Counters shared by all processes on a store: each adds its amounts to sums in the store, and reads the totals back.

Amounts that are not urgent are added a moment later by the writing thread, or together with the next urgent ones. If a counter is lost (a
Redis that was restarted, a directory that was deleted), each process that still runs adds again what it had added.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from wirecache._runtime.forks import reset_after_fork
from wirecache._storage.shared import PerLocation
from wirecache._storage.write_queue import write_queue_of
from wirecache.stores._protocol import Store

__all__ = ["Counters", "can_count", "counters_of"]

ADDITIONS = "additions"  # a sum that only grows: the number of additions
MOST = 64  # counters for which this process's own amounts are remembered; the oldest are forgotten


def can_count(store: Store) -> bool:
    """Return whether the store can keep counters."""
    return hasattr(store, "count")


class _Own:
    """This process's share in one counter."""

    def __init__(self) -> None:
        self.added: Counter[str] = Counter()
        self.pending: Counter[str] = Counter()  # still to be added
        self.totals: dict[str, int] = {}  # of all processes, as last seen


class Counters:
    """The counters in the stores of one location. A counter has integer sums by name."""

    def __init__(self) -> None:
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Start afresh: the parent adds what it counted."""
        self._lock = threading.Lock()  # held during additions, which are made one at a time
        self._pending_lock = threading.Lock()
        self._own: dict[str, _Own] = {}

    def add(self, store: Store, counter: str, amounts: Mapping[str, int], ttl: float) -> dict[str, int]:
        """Add the amounts and what is pending; return the sums of all processes. Raises what the store raises, having added nothing."""
        with self._lock:
            own = self._of(counter)
            with self._pending_lock:
                pending, own.pending = own.pending, Counter()
            try:
                return self._add(store, counter, own, _sum(pending, amounts), ttl)
            except BaseException:
                with self._pending_lock:
                    own.pending = Counter(_sum(own.pending, pending))
                raise

    def _add(self, store: Any, counter: str, own: _Own, amounts: Mapping[str, int], ttl: float) -> dict[str, int]:
        totals: dict[str, int] = store.count(counter, {**amounts, ADDITIONS: 1}, ttl=ttl)
        if totals.get(ADDITIONS, 0) <= own.totals.get(ADDITIONS, 0) and own.added:  # the counter was lost
            totals = store.count(counter, dict(own.added), ttl=ttl)
        own.added = Counter(_sum(own.added, {**amounts, ADDITIONS: 1}))
        own.totals = totals
        return totals

    def last_seen(self, counter: str) -> Mapping[str, int]:
        """Return the sums of all processes as of this process's last addition."""
        return self._of(counter).totals

    def add_later(
        self, store: Store, counter: str, amounts: Mapping[str, int], ttl: float, on_added: Callable[[dict[str, int]], None]
    ) -> None:
        """Add the amounts soon, in another thread, where ``on_added`` is called with the sums. Does not block or raise."""
        own = self._of(counter)
        with self._pending_lock:
            own.pending = Counter(_sum(own.pending, amounts))

        def add() -> None:
            if own.pending:  # otherwise they were added with urgent ones meanwhile
                on_added(self.add(store, counter, {}, ttl))

        write_queue_of(store).after(add)

    def _of(self, counter: str) -> _Own:
        with self._pending_lock:
            own = self._own.get(counter)
            if own is None:
                own = self._own[counter] = _Own()
                while len(self._own) > MOST:
                    del self._own[next(iter(self._own))]
            return own


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return the sum of both, without zeros."""
    return {name: amount for name in {**one, **other} if (amount := one.get(name, 0) + other.get(name, 0))}


_all = PerLocation(Counters)


def counters_of(store: Store) -> Counters:
    """Return the ``Counters`` shared by all stores of this store's location."""
    return _all.get(store)
