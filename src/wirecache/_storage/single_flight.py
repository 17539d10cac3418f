"""Single flight within a process: of concurrent equal calls the first one leads, and the others wait for its answer.

A leader settles when its answer is stored, or will not be. If it is not stored, each follower at once forwards its own request: none
waits for a second leader.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

from wirecache._storage.shared import PerLocation
from wirecache.stores._protocol import Store

__all__ = ["InFlight", "Leader", "SingleFlight", "single_flight_of"]


class _Position(NamedTuple):
    """Where code runs: its thread, and the task in it (None: synchronous code)."""

    thread: int
    task: object


class InFlight:
    """A forward in progress. ``stored`` becomes True when the answer is stored, or False when it will not be."""

    def __init__(self) -> None:
        self._leader = _position()
        self.stored: Future[bool] = Future()

    def waits_for_this_caller(self, *, is_sync: bool) -> bool:
        """Return whether the leader cannot proceed while this caller waits, since a synchronous call blocks everything in its thread.

        ``is_sync``: this call is synchronous, perhaps within a task.
        """
        here, leader = _position(), self._leader
        if here.thread != leader.thread:
            return False
        return is_sync or here.task is None or leader.task is None or here.task is leader.task

    def wait(self, seconds: float) -> bool:
        """Wait for the leader, and return whether its answer is stored. Raises ``TimeoutError`` after ``seconds``."""
        return self.stored.result(seconds)

    async def await_(self, seconds: float) -> bool:
        """Wait as ``wait`` does, under asyncio or trio; the leader may be in another thread."""
        from anyio import Event, fail_after

        settled, run_in_loop = Event(), _threadsafe_runner()
        self.stored.add_done_callback(lambda _: run_in_loop(settled.set))
        with fail_after(seconds):
            await settled.wait()
        return self.stored.result()


class Leader:
    """The right to forward, and the duty to settle. A leader that is garbage collected settles as not stored."""

    def __init__(self, flights: SingleFlight, key: str, in_flight: InFlight) -> None:
        self._flights: SingleFlight | None = flights  # until it settles
        self._key = key
        self._in_flight = in_flight
        self.on_settled: Callable[[bool], object] | None = None

    def settle(self, stored: bool) -> None:
        """End the flight, with whether the answer is stored. Later calls do nothing."""
        flights, self._flights = self._flights, None
        on_settled, self.on_settled = self.on_settled, None
        if flights is not None:
            flights.settle(self._key, self._in_flight, stored)
        if on_settled is not None:
            on_settled(stored)

    def __del__(self) -> None:
        if self._flights is not None:
            self.settle(False)


class SingleFlight:
    """The forwards in progress for the stores of one location."""

    def __init__(self) -> None:
        self.after_fork()

    def after_fork(self) -> None:
        """Start afresh: the leaders are in the parent."""
        self._lock = threading.RLock()  # re-entrant: a leader may be collected, and so settle, while it is held
        self._in_flight: dict[str, InFlight] = {}
        self.stored = 0  # the number of flights that ended with a stored answer

    def join(self, key: str) -> Leader | InFlight:
        """Return a ``Leader`` for this key, or the flight that is already in progress."""
        with self._lock:
            in_flight = self._in_flight.get(key)
            if in_flight is not None:
                return in_flight
            in_flight = self._in_flight[key] = InFlight()
        return Leader(self, key, in_flight)

    def settle(self, key: str, in_flight: InFlight, stored: bool) -> None:
        """End a flight and wake its followers."""
        with self._lock:
            if self._in_flight.get(key) is in_flight:
                del self._in_flight[key]
            if not in_flight.stored.done():
                self.stored += stored
                in_flight.stored.set_result(stored)


def _position() -> _Position:
    thread = threading.get_ident()
    try:
        return _Position(thread, _asyncio().current_task())
    except (KeyError, RuntimeError):
        trio = sys.modules.get("trio")
        inside = trio is not None and trio.lowlevel.in_trio_task()
        return _Position(thread, trio.lowlevel.current_task() if trio is not None and inside else None)


def _asyncio() -> Any:
    """Return the module asyncio if it was imported already (it takes 15 ms). Raises ``KeyError`` if not."""
    return sys.modules["asyncio"]


def _threadsafe_runner() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that runs another one in this event loop from any thread; it does nothing once the loop is closed."""
    try:
        run: Callable[[Callable[[], Any]], Any] = _asyncio().get_running_loop().call_soon_threadsafe
    except (KeyError, RuntimeError):
        run = sys.modules["trio"].lowlevel.current_trio_token().run_sync_soon

    def run_if_open(action: Callable[[], Any]) -> None:
        try:
            run(action)
        except RuntimeError:  # the loop is closed, so nobody is waiting there
            pass

    return run_if_open


_all = PerLocation(SingleFlight)


def single_flight_of(store: Store) -> SingleFlight:
    """Return the ``SingleFlight`` shared by all stores of this store's location."""
    return _all.get(store)
