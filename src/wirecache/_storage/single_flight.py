"""Who forwards a request that several ask for at once? The first of them; the others wait for its answer.

A leader settles its claim when its answer is stored, or will not be. Whoever followed one that is not stored goes on by itself, at
once: none waits for a second leader. A claim that is forgotten (its response was dropped unread) is settled, too.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

from wirecache._storage.shared import PerLocation
from wirecache.stores._protocol import Store

__all__ = ["Claims", "Here", "Lead", "Pending", "claims_of", "here"]


class Here(NamedTuple):
    """Where code runs: its thread, and the task in it (None: synchronous code)."""

    thread: int
    task: object


class Pending:
    """A forward under way; ``done`` becomes true (it is stored) or false (it will not be)."""

    def __init__(self, leader: Here) -> None:
        self.leader = leader
        self.done: Future[bool] = Future()

    def waits_for_itself(self, follower: Here) -> bool:
        """Would whoever is here wait for what only it can finish? A synchronous call holds up all that its thread runs."""
        if follower.thread != self.leader.thread:
            return False
        return follower.task is None or self.leader.task is None or follower.task is self.leader.task

    def wait(self, seconds: float | None) -> bool:
        """Wait for it; ``TimeoutError`` after ``seconds``."""
        return self.done.result(seconds)

    async def await_it(self, seconds: float | None) -> bool:
        """The same under asyncio and trio; whoever leads may be in another thread."""
        from anyio import Event, fail_after

        over, wake = Event(), _waker()
        self.done.add_done_callback(lambda _: wake(over.set))
        with fail_after(seconds):
            await over.wait()
        return self.done.result()


class Lead:
    """The right to forward, and the duty to say how that went."""

    def __init__(self, claims: Claims, key: str, pending: Pending) -> None:
        self._claims = claims
        self._key = key
        self._pending = pending
        self.then: Callable[[bool], object] | None = None  # told, too

    def settle(self, stored: bool) -> None:
        """The answer is stored, or will not be. Only the first time counts."""
        then, self.then = self.then, None
        self._claims.settle(self._key, self._pending, stored)
        if then is not None:
            then(stored)

    def __del__(self) -> None:
        self.settle(False)


class Claims:
    """The forwards under way for the stores of one location."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew: those who lead are in the parent of a fork."""
        self._lock = threading.RLock()  # a lead that is forgotten settles itself, perhaps in the middle of this
        self._pending: dict[str, Pending] = {}
        self.stored = 0  # how many ended with an answer in the store

    def join(self, key: str) -> Lead | Pending:
        """Lead the forward of that key, or follow whoever does."""
        with self._lock:
            pending = self._pending.get(key)
            if pending is not None:
                return pending
            pending = self._pending[key] = Pending(here())
        return Lead(self, key, pending)

    def settle(self, key: str, pending: Pending, stored: bool) -> None:
        """End it, and tell those who wait."""
        with self._lock:
            if self._pending.get(key) is pending:
                del self._pending[key]
            if not pending.done.done():
                self.stored += stored
                pending.done.set_result(stored)


def here() -> Here:
    """Where does this code run?"""
    thread = threading.get_ident()
    try:
        return Here(thread, _asyncio().current_task())
    except (KeyError, RuntimeError):
        trio = sys.modules.get("trio")
        inside = trio is not None and trio.lowlevel.in_trio_task()
        return Here(thread, trio.lowlevel.current_task() if trio is not None and inside else None)


def _asyncio() -> Any:
    """The module, if anybody uses it: it takes 15 ms to import. ``KeyError`` if nobody does."""
    return sys.modules["asyncio"]


def _waker() -> Callable[[Callable[[], Any]], Any]:
    """What runs a function in this event loop, from whatever thread; nothing if the loop is closed by then."""
    try:
        wake: Callable[[Callable[[], Any]], Any] = _asyncio().get_running_loop().call_soon_threadsafe
    except (KeyError, RuntimeError):
        wake = sys.modules["trio"].lowlevel.current_trio_token().run_sync_soon

    def safely(action: Callable[[], Any]) -> None:
        try:
            wake(action)
        except RuntimeError:  # closed, or finished: nobody waits there any more
            pass

    return safely


_all = PerLocation(Claims)


def claims_of(store: Store) -> Claims:
    """The forwards under way for this store, and for all others of its location."""
    return _all.of(store)
