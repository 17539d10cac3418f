"""When is a database or server that failed tried again? Seldom enough that no call waits for it twice.

unknown  it was never connected, or nobody has used it for a while: the first call connects, and waits ``wait`` seconds at most
up       calls use what ``connect`` returned
down     calls are refused at once, with the same message each time

What ends an outage: a thread that connects again and again (``polls``), or the first call after ``RETRY_AFTER`` seconds. A server is
polled. A directory is not: opening a database writes to the disk, which nobody expects while nobody uses it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from wirecache.errors import StoreError

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Breaker"]

Resource = TypeVar("Resource")

FIRST_PAUSE = 0.5  # seconds before a server that failed is polled
LONGEST_PAUSE = 3.0  # seconds; the pauses double up to here
POLLS_FOR = 60.0  # seconds after the last call
RETRY_AFTER = 5.0  # seconds before a call tries again, where nothing is polled


class _Outage(NamedTuple):
    message: str
    ends: float  # on the monotonic clock, when a call may try again; infinite while a thread polls


class Breaker(Generic[Resource]):
    """Connects in a thread, so that a caller can stop waiting, and refuses calls during an outage.

    ``connect`` returns a resource (a client, an open database) that works; it may take its time. ``describe`` returns the message for the
    error that it raised, or for None: it did not return in time. ``current`` is the resource while it works: a new object after each
    outage, so that a late failure of an old one is not held against the new one.
    """

    def __init__(
        self,
        connect: Callable[[], Resource],
        describe: Callable[[BaseException | None], str],
        *,
        wait: float,
        polls: bool,
        thread_name: str,
    ) -> None:
        self._connect = connect
        self._describe = describe
        self._wait = wait
        self._polls = polls
        self._thread_name = thread_name
        self.current: Resource | None = None
        self.after_fork()

    def after_fork(self) -> None:
        """Forget all but ``current``: the thread that connects is the parent's, and may have held the lock."""
        self._lock = threading.RLock()  # reentrant, since at interpreter exit the caller itself connects
        self._outage: _Outage | None = None
        self._connecting: Future[Resource] | None = None
        self._stop = threading.Event()  # for the thread that connects
        self._last_call = 0.0

    def reset(self) -> Resource | None:
        """Go back to unknown. Return the resource that was in use, which the caller closes."""
        self._stop.set()
        resource, self.current = self.current, None
        self.after_fork()
        return resource

    def get(self) -> Resource:
        """Return the resource; ``StoreError`` if there is none, after ``wait`` seconds at most."""
        if (resource := self.current) is not None:
            return resource
        self.raise_if_down()
        with self._lock:
            if (resource := self.current) is not None:
                return resource
            connecting = self._connecting or self._start(pause=0.0)
        try:
            return connecting.result(self._wait)
        except TimeoutError:
            error = self.failed(None, None)
        raise error

    def raise_if_down(self) -> None:
        """Raise ``StoreError`` during an outage."""
        if (outage := self._outage) is not None and time.monotonic() < outage.ends:
            self._last_call = time.monotonic()
            raise StoreError(outage.message)

    def failed(self, resource: Resource | None, error: BaseException | None) -> StoreError:
        """Begin an outage because that resource failed (None: it was not there in time). Return the error to raise."""
        with self._lock:
            message = self._message(error)
            if self.current is resource:
                self.current = None
                self._outage = self._new_outage(error)
                if self._polls and self._connecting is None:
                    self._start(FIRST_PAUSE)
            return StoreError(message)

    def discard(self, resource: Resource) -> None:
        """Connect again at the next call, because that resource is of no use any more, though nothing is out of order."""
        with self._lock:
            if self.current is resource:
                self.current = None

    def _message(self, error: BaseException | None) -> str:
        """Return the first message of an outage: one that changed each time would be logged each time."""
        outage = self._outage
        return outage.message if outage is not None and time.monotonic() < outage.ends else self._describe(error)

    def _new_outage(self, error: BaseException | None) -> _Outage:
        return _Outage(self._message(error), math.inf if self._polls else time.monotonic() + RETRY_AFTER)

    # -- the thread that connects ----------------------------------------------------------------------------------

    def _start(self, pause: float) -> Future[Resource]:
        from concurrent.futures import Future

        self._last_call = time.monotonic()
        connecting = self._connecting = Future[Resource]()
        arguments = (self._stop, connecting, pause)
        try:
            threading.Thread(target=self._run, args=arguments, name=self._thread_name, daemon=True).start()
        except RuntimeError:  # at interpreter exit no thread can be started any more
            self._attempt(self._stop, connecting)
        return connecting

    def _run(self, stop: threading.Event, connecting: Future[Resource], pause: float) -> None:
        while not stop.wait(pause):
            if not self._attempt(stop, connecting):
                return
            pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
        if not connecting.done():
            connecting.set_exception(StoreError("the store was closed"))

    def _attempt(self, stop: threading.Event, connecting: Future[Resource]) -> bool:
        """Connect. Return whether another attempt is to follow."""
        try:
            resource = self._connect()
        except Exception as error:
            return self._attempt_failed(stop, connecting, error)
        with self._lock:
            if not stop.is_set():
                self.current, self._outage, self._connecting = resource, None, None
            if not connecting.done():
                connecting.set_result(resource)
        return False

    def _attempt_failed(self, stop: threading.Event, connecting: Future[Resource], error: Exception) -> bool:
        message = self._message(error)
        with self._lock:
            again = self._polls and not stop.is_set() and time.monotonic() - self._last_call <= POLLS_FOR
            if not stop.is_set():
                self._outage = self._new_outage(error) if again or not self._polls else None
                self._connecting = connecting if again else None
            if not connecting.done():
                connecting.set_exception(StoreError(message))
        return again
