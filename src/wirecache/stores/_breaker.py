"""A circuit breaker for databases and servers: a failed one is retried so seldom that calls do not keep waiting for it.

unknown  never connected, or unused for a while: the first call connects, and waits ``wait`` seconds at most
up       calls use what ``connect`` returned
down     calls are refused at once, with the same message each time

An outage is ended by a thread that keeps connecting (``polls``), or by the first call after ``RETRY_AFTER`` seconds. Servers are polled.
Directories are not: opening a database writes to the disk, which nobody expects while it is not in use.
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
RETRY_AFTER = 5.0  # seconds before a call tries again, if nothing is polled


class _Outage(NamedTuple):
    message: str
    ends: float  # when a call may try again (monotonic clock); infinite while a thread polls


class Breaker(Generic[Resource]):
    """Connects in a thread, so that a caller can stop waiting, and refuses calls during an outage.

    ``connect``: returns a working resource (a client, an open database); it may block. ``describe``: returns the message for an error that
    ``connect`` raised, or for None if it did not return in time. ``current``: the working resource; a new object after each outage, so
    that a late failure of an old one does not count against the new one.
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
        """Forget everything but ``current``: the connecting thread is in the parent, and may have held the lock."""
        self._lock = threading.RLock()  # re-entrant, since at interpreter exit the caller itself connects
        self._outage: _Outage | None = None
        self._connecting: Future[Resource] | None = None
        self._stop = threading.Event()  # tells the connecting thread to stop
        self._last_call = 0.0

    def reset(self) -> Resource | None:
        """Return to the state unknown. Return the resource that was in use, for the caller to close."""
        self._stop.set()
        resource, self.current = self.current, None
        self.after_fork()
        return resource

    def get(self) -> Resource:
        """Return the resource. Raises ``StoreError`` if there is none, after ``wait`` seconds at most."""
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
        """Begin an outage because this resource failed (None: it was not available in time). Return the error to raise."""
        with self._lock:
            message = self._message(error)
            if self.current is resource:
                self.current = None
                self._outage = self._new_outage(error)
                if self._polls and self._connecting is None:
                    self._start(FIRST_PAUSE)
            return StoreError(message)

    def discard(self, resource: Resource) -> None:
        """Connect again on the next call, because this resource is no longer usable, although nothing has failed."""
        with self._lock:
            if self.current is resource:
                self.current = None

    def _message(self, error: BaseException | None) -> str:
        """Return the outage's first message, since messages that change would each be logged."""
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
        except RuntimeError:  # at interpreter exit no thread can be started
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
