"""The run that a process belongs to: that of all processes that currently use the same store with a budget; the first one begins it.

A run ends with the last of its processes, so that the next program starts with nothing spent. ``WIRECACHE_RUN`` sets the run explicitly.

The members of a run are sums in a counter of the store: ``member|RUN|PROCESS`` is the time when that process was last seen. A process that
finds no living member claims the next run; processes that do so at the same time claim the same one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from wirecache._runtime.forks import reset_after_fork
from wirecache._runtime.processes import is_on_this_machine, is_running, process_id
from wirecache._storage.shared import PerLocation
from wirecache.stores._protocol import Store

__all__ = ["VARIABLE", "Runs", "new_run_id", "runs_of"]

VARIABLE = "WIRECACHE_RUN"
COUNTER = "runs"
KEPT_FOR = 30 * 86_400.0  # seconds
SEEN_EVERY = 60  # seconds
# A process on another machine cannot be checked: it counts as running if it was seen within this time, in seconds.
ALIVE_FOR = 900


def new_run_id() -> str:
    """Return the name of a run that begins now."""
    return os.urandom(8).hex()


class Runs:
    """The run of this process, on the stores of one location."""

    def __init__(self) -> None:
        self._run = 0
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Stay in the parent's run, of which the child becomes a member as soon as it makes a call."""
        self._lock = threading.Lock()
        self._is_member = False
        self._seen = 0  # seconds since the epoch

    def current(self, store: Store) -> str:
        """Return the name of this process's run. Raises what the store raises."""
        if named := os.environ.get(VARIABLE):
            return named
        with self._lock:
            now = int(time.time())
            if not self._is_member or now - self._seen >= SEEN_EVERY:
                self._join(store, now)
            return str(self._run)

    def _join(self, store: Any, now: int) -> None:
        """Join a run, or renew the membership of this process."""
        process = process_id()
        if not self._run:
            totals: dict[str, int] = store.count(COUNTER, {}, ttl=KEPT_FOR)
            latest = max(map(int, _numbers(totals, "claim")), default=0)
            if not latest or not _has_members(totals, latest, now):
                self._begin(store, totals, latest + 1, process, now)
                return
            self._run = latest
        totals = self._note(store, {f"member|{self._run}|{process}": now - self._seen}, now)
        if f"claim|{self._run}" not in totals:  # the counter was lost
            store.count(COUNTER, {f"claim|{self._run}": 1}, ttl=KEPT_FOR)

    def _begin(self, store: Any, before: Mapping[str, int], run: int, process: str, now: int) -> None:
        """Claim a run and join it, in one step, so that a claimed run has a member. The first member removes what earlier runs left."""
        claim = f"claim|{run}"
        totals = self._note(store, {claim: 1, f"member|{run}|{process}": now}, now)
        self._run = run
        if totals.get(claim) == 1:
            store.count(COUNTER, {name: -amount for name, amount in before.items()}, ttl=KEPT_FOR)

    def _note(self, store: Any, amounts: Mapping[str, int], now: int) -> dict[str, int]:
        totals: dict[str, int] = store.count(COUNTER, amounts, ttl=KEPT_FOR)
        self._is_member, self._seen = True, now
        return totals


def _numbers(totals: Mapping[str, int], kind: str) -> list[str]:
    return [number for name in totals if name.startswith(f"{kind}|") and (number := name.split("|")[1]).isdigit()]


def _has_members(totals: Mapping[str, int], run: int, now: int) -> bool:
    """Return whether a process of this run is still running."""
    start = f"member|{run}|"
    for name, seen in totals.items():
        if name.startswith(start):
            process = name.removeprefix(start)
            if is_running(process) if is_on_this_machine(process) else now - seen < ALIVE_FOR:
                return True
    return False


_all = PerLocation(Runs)


def runs_of(store: Store) -> Runs:
    """Return the ``Runs`` object shared by all stores of this store's location."""
    return _all.get(store)
