"""How do all processes on a store count together? Each adds its amounts to sums in the store, and reads the totals back.

What is not urgent is added a moment later, by the thread that writes, or together with the next sums that somebody needs at once. A counter
that was lost (a Redis that began anew, a directory that was deleted) gets back what each of the processes that still run had added.
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

ADDITIONS = "additions"  # the sum that only grows: how often somebody added something
MOST = 64  # counters of which it is known what this process added; the oldest leave


def can_count(store: Store) -> bool:
    """Return whether the store can keep counters."""
    return hasattr(store, "count")


class _Own:
    """What this process has to do with one counter."""

    def __init__(self) -> None:
        self.added: Counter[str] = Counter()
        self.pending: Counter[str] = Counter()  # still to be added
        self.totals: dict[str, int] = {}  # of all processes, when they were seen last


class Counters:
    """The counters in the stores of one location. Sums are whole numbers by name."""

    def __init__(self) -> None:
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew: what the parent counted is the parent's to add."""
        self._lock = threading.Lock()  # of the additions, which are made one after the other
        self._pending_lock = threading.Lock()
        self._own: dict[str, _Own] = {}

    def add(self, store: Store, counter: str, amounts: Mapping[str, int], ttl: float) -> dict[str, int]:
        """Add the amounts, and what is pending; return the sums of all processes. Raises what the store raises: nothing is added then."""
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
        if totals.get(ADDITIONS, 0) <= own.totals.get(ADDITIONS, 0) and own.added:  # it was lost
            totals = store.count(counter, dict(own.added), ttl=ttl)
        own.added = Counter(_sum(own.added, {**amounts, ADDITIONS: 1}))
        own.totals = totals
        return totals

    def last_seen(self, counter: str) -> Mapping[str, int]:
        """Return the sums of all processes as they were when this one added something last."""
        return self._of(counter).totals

    def add_later(
        self, store: Store, counter: str, amounts: Mapping[str, int], ttl: float, on_added: Callable[[dict[str, int]], None]
    ) -> None:
        """Add the amounts soon, in another thread; ``on_added`` is called there with the sums. It takes no time, and raises nothing."""
        own = self._of(counter)
        with self._pending_lock:
            own.pending = Counter(_sum(own.pending, amounts))

        def add() -> None:
            if own.pending:  # else somebody needed the sums meanwhile
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
    """Return both together; what is 0 is left out."""
    return {name: amount for name in {**one, **other} if (amount := one.get(name, 0) + other.get(name, 0))}


_all = PerLocation(Counters)


def counters_of(store: Store) -> Counters:
    """Return the counters of this store, and of all others of its location."""
    return _all.get(store)
