"""When is a server that does not answer asked again? By one thread in the background, so that no call pays for it.

unknown  it was never asked, or nobody has wanted it for a while: the first call waits for it, ``wait`` seconds at most
up       calls go to it; the first one that finds it gone says so
down     calls are refused at once, with the same words each time, while the thread asks again and again
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from wirecache.errors import StoreError

__all__ = ["Breaker", "Line"]

Client = TypeVar("Client")

FIRST_PAUSE = 0.5  # seconds before a server that failed is asked again
LONGEST_PAUSE = 3.0  # seconds; the pauses double up to here
IDLE = 60.0  # seconds after which a server that nobody wants is not asked any more


class Line(Generic[Client]):
    """A client that worked, until it fails. The one after it is another, so that a late failure does not count against that."""

    __slots__ = ("client",)

    def __init__(self, client: Client) -> None:
        self.client = client


class Breaker(Generic[Client]):
    """``connect`` gives a client whose server has just answered; it may take its time. ``told`` says in words why it failed."""

    def __init__(self, connect: Callable[[], Client], told: Callable[[BaseException | None], str], wait: float) -> None:
        self._connect = connect
        self._told = told
        self._wait = wait
        self._begin()

    def _begin(self) -> None:
        self.current: Line[Client] | None = None
        self._lock = threading.Lock()
        self._down: str | None = None
        self._asking: Future[Line[Client]] | None = None
        self._ending = threading.Event()  # set for the thread that asks for an earlier one
        self._wanted = 0.0

    def reset(self) -> Line[Client] | None:
        """Begin anew; the line that was open is the caller's to close."""
        self._ending.set()
        return self.reset_after_fork()

    def reset_after_fork(self) -> Line[Client] | None:
        """The same in a child, where the thread that asks is not, but may have left a lock."""
        line = self.current
        self._begin()
        return line

    def line(self) -> Line[Client]:
        """The open line; ``StoreError`` if there is none, after ``wait`` seconds at most."""
        if (line := self.current) is not None:
            return line
        self.raise_if_down()
        with self._lock:
            if (line := self.current) is not None:
                return line
            if self._asking is None and not self._ask(pause=0.0):
                raise StoreError(self._told(RuntimeError("no thread can be started")))
            asking = self._asking
        assert asking is not None
        try:
            return asking.result(self._wait)
        except TimeoutError:
            error = self.failed(None, None)
        raise error

    def raise_if_down(self) -> None:
        """``StoreError`` if the server is known not to answer."""
        if (down := self._down) is not None:
            self._wanted = time.monotonic()
            raise StoreError(down)

    def failed(self, line: Line[Client] | None, error: BaseException | None) -> StoreError:
        """The server failed on that line (None: there was none yet); what to raise. Of one outage the first words count."""
        with self._lock:
            told = self._down or self._told(error)
            if self.current is line:
                self.current = None
                if self._asking is not None or self._ask(FIRST_PAUSE):
                    self._down = told
            return StoreError(told)

    def _ask(self, pause: float) -> bool:
        """Begin to ask; False if the system has no thread for it, so that the next call must."""
        self._wanted = time.monotonic()
        answer: Future[Line[Client]] = Future()
        arguments = (self._ending, answer, pause)
        try:
            threading.Thread(target=self._keep_asking, args=arguments, name="wirecache-redis", daemon=True).start()
        except RuntimeError:
            return False
        self._asking = answer
        return True

    def _keep_asking(self, ending: threading.Event, answer: Future[Line[Client]], pause: float) -> None:
        while not ending.wait(pause):
            try:
                line = Line(self._connect())
            except Exception as error:
                with self._lock:
                    if ending.is_set() or self._is_unwanted():
                        break
                    self._down = self._down or self._told(error)
                    if not answer.done():
                        answer.set_exception(StoreError(self._down))
            else:
                with self._lock:
                    if ending.is_set():
                        break
                    self.current, self._down, self._asking = line, None, None
                    if not answer.done():
                        answer.set_result(line)
                return
            pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
        if not answer.done():
            answer.set_exception(StoreError("the store was closed"))

    def _is_unwanted(self) -> bool:
        """Has nobody asked for it for a while? Then it is unknown again."""
        if time.monotonic() - self._wanted <= IDLE:
            return False
        self._down = self._asking = None
        return True
