"""How are entries written without a caller waiting for it? In the order given, by one thread for each store.

An entry waits in memory until it is written, and can be read from there, so a program always sees what it stored.
``flush`` waits for the rest; it runs when a client or cache is closed, before a listing, and at exit.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from wirecache._core import codec
from wirecache._core.messages import Entry
from wirecache._runtime.exit import AtEnd
from wirecache._storage.shared import PerLocation
from wirecache.errors import StoreError
from wirecache.stores._protocol import Store

__all__ = ["Backlog", "Job", "backlog_of"]

logger = logging.getLogger("wirecache")

MAX_WAITING = 256 * 1024 * 1024  # bytes of bodies that may wait; beyond it an answer is not stored
IDLE = 2.0  # seconds without work after which the thread ends
CALM = 10  # writes a second that a sync caller waits for
CALM_WAIT = 0.1  # seconds
TROUBLED = 30.0  # seconds without waiting after a write that took longer
EXIT_WAIT = 10.0  # seconds that the exit of a program waits for the rest


@dataclass(frozen=True, slots=True)
class Job:
    """One entry to be written; it is made by the thread that writes it. ``size``: bytes. ``lasts``: seconds, None for ever.

    ``done`` is told the error, or None.
    """

    key: str
    size: int
    make: Callable[[], Entry]
    lasts: float | None
    done: Callable[[Exception | None], None]


class Backlog:
    """The writes of one store that are still to be done."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self.reset()

    def reset(self) -> None:
        """Begin anew: the writer stayed in the parent of a fork, and writes there what waited."""
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Job | Callable[[], object]] = queue.SimpleQueue()
        self._waiting: dict[str, Job] = {}
        self._resting: list[Callable[[], object]] = []
        self._size = 0
        self._undone = 0
        self._idle = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._calm_again = 0.0
        self._waited = 0

    def get(self, key: str) -> Entry | None:
        """The entry of that key, if it still waits to be written."""
        job = self._waiting.get(key)
        return job.make() if job is not None else None

    def entries(self) -> list[Entry]:
        """The entries that still wait, the newest first."""
        return [job.make() for job in reversed(list(self._waiting.values()))]

    def put(self, job: Job) -> bool:
        """Write it soon; False if too much waits already, or nobody can write it."""
        with self._lock:
            if self._size > MAX_WAITING or not self._has_thread():
                return False
            self._size += job.size
            self._undone += 1
            self._waiting[job.key] = job
            self._jobs.put(job)
        return True

    def at_rest(self, action: Callable[[], object]) -> None:
        """Do it when there was nothing to write for a while; never, if nobody can write."""
        with self._lock:
            if self._has_thread():
                self._resting.append(action)

    def after(self, action: Callable[[], object]) -> None:
        """Do it when what was given so far is written; at once, if nobody can write."""
        with self._lock:
            if waits := self._has_thread():
                self._undone += 1
                self._jobs.put(action)
        if not waits:
            action()

    def _has_thread(self) -> bool:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="wirecache-writer", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no more
                return False
            self._thread = thread
            _at_end.promise()
        return True

    def flush(self, timeout: float = EXIT_WAIT) -> bool:
        """Wait until all is written, ``timeout`` seconds at most; is it?"""
        with self._idle:
            return self._idle.wait_for(lambda: self._undone == 0, timeout)

    def wait_if_calm(self) -> None:
        """Wait for the write that was just given (0.1 ms), but for ``CALM`` of them a second at most, and not for a store in trouble.

        So a script finds on disk what it stored, whatever becomes of it next, and a program of a thousand calls a second waits for none.
        """
        now = time.monotonic()
        if now >= self._calm_again:
            self._calm_again, self._waited = now + 1.0, 0
        if self._waited < CALM:
            self._waited += 1
            if not self.flush(CALM_WAIT):
                self._calm_again, self._waited = now + TROUBLED, CALM

    def forget(self, key: str | None = None) -> None:
        """Wait for the writes, then nothing of that key (or nothing at all) waits any more."""
        self.flush()
        with self._lock:
            if key is None:
                self._waiting.clear()
            else:
                self._waiting.pop(key, None)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE)
            except queue.Empty:
                if self._rest():
                    return
                continue
            if not isinstance(job, Job):
                self._do(job)
                del job
                continue
            error: Exception | None = None
            try:
                assert self._store is not None
                self._store.set(job.key, codec.encode(job.make()), ttl=job.lasts)
            except BaseException as caught:  # whatever it is: if the thread ended here, all would wait for it
                error = caught if isinstance(caught, Exception) else StoreError(repr(caught))
            job.done(error)
            with self._idle:
                if self._waiting.get(job.key) is job:
                    del self._waiting[job.key]
                self._size -= job.size
                self._one_less()
            del job  # an entry must not live on in an idle thread

    def _rest(self) -> bool:
        """Nothing was to be done for a while: do what waited for that; is that all?"""
        with self._lock:
            actions, self._resting = self._resting, []
            if not actions and self._jobs.empty():
                self._thread = None
                return True
            self._undone += len(actions)
        for action in actions:
            self._do(action)
        return False

    def _do(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            logger.debug("wirecache: %r failed", action, exc_info=True)
        with self._idle:
            self._one_less()

    def _one_less(self) -> None:
        self._undone -= 1
        if not self._undone:
            self._idle.notify_all()


_all = PerLocation(Backlog)


def backlog_of(store: Store) -> Backlog:
    """The backlog of a store. Two stores of one location share it, so one sees what the other is about to write."""
    backlog = _all.of(store)
    backlog._store = store  # the newest of them: an older one may be closed
    return backlog


def _flush_all() -> None:
    for backlog in _all.all():
        if not backlog.flush():
            logger.warning("wirecache: some answers could not be stored before the program ended")


_at_end = AtEnd(_flush_all, priority=100)
