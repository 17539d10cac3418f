"""How are entries written without making a caller wait? In the order given, by one thread for each store.

An entry waits in memory until it is written, and can be read from there, so a program always sees what it stored.
``flush`` waits for the rest; it is called when a client or cache is closed, before a listing, and at exit.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wirecache._core import codec
from wirecache._core.messages import Entry
from wirecache._runtime.exit import AtExit
from wirecache._storage.shared import PerLocation
from wirecache.errors import StoreError
from wirecache.stores._memory import MemoryStore
from wirecache.stores._protocol import Store

__all__ = ["WaitLimit", "WriteJob", "WriteQueue", "write_queue_of"]

logger = logging.getLogger("wirecache")

MAX_QUEUED = 256 * 1024 * 1024  # bytes of bodies; beyond it an answer is not stored
IDLE = 2.0  # seconds without work after which the thread ends
SHARE = 0.05  # of the time that its calls take, a sync caller may wait for writes beside
FIRST_WAITS = 0.01  # seconds that it may wait before its calls have taken any
LONGEST_WAIT = 0.1  # seconds
MOST_TOGETHER = 64  # jobs that are written in one transaction
TOGETHER = 4 * 1024 * 1024  # bytes after which no further one is written along
AT_ONCE = 64 * 1024  # bytes; what is larger is not written by its caller, which may be an event loop
EXIT_WAIT = 10.0  # seconds that the exit of a program waits for the rest


class WriteJob(NamedTuple):
    """One entry to be written; it is made by the thread that writes it.

    ``size``: bytes of answer and request. ``ttl``: how long the store shall keep it, in seconds, None for ever. ``on_done``: called with
    the error, or None.
    """

    key: str
    size: int
    make: Callable[[], Entry]
    ttl: float | None
    on_done: Callable[[Exception | None], None]


class WaitLimit:
    """How long may callers wait for their writes? ``SHARE`` of the time that their calls take, whatever the store does."""

    def __init__(self) -> None:
        self._left = FIRST_WAITS  # seconds; below zero after a wait that took longer

    def may_wait(self, call_seconds: float) -> bool:
        """Return whether the caller may wait after a call that took so long."""
        self._left = min(self._left + call_seconds * SHARE, LONGEST_WAIT)
        return self._left > 0

    def waited(self, seconds: float) -> None:
        """Subtract the seconds that have been waited."""
        self._left -= seconds


class WriteQueue:
    """The writes of one store that are still to be done."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self.after_fork()

    def after_fork(self) -> None:
        """Begin anew: the writing thread stayed in the parent, and writes there what was queued."""
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[WriteJob | Callable[[], object]] = queue.SimpleQueue()
        self.queued: dict[str, WriteJob] = {}
        self._when_idle: list[Callable[[], object]] = []
        self._size = 0
        self._unfinished = 0
        self._idle = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._waits = WaitLimit()

    def get(self, key: str) -> Entry | None:
        """Return the entry under the key, if it is still to be written."""
        job = self.queued.get(key)
        return job.make() if job is not None else None

    def entries(self) -> list[Entry]:
        """Return the entries that are still to be written, the newest first."""
        return [job.make() for job in reversed(list(self.queued.values()))]

    def put(self, job: WriteJob) -> bool:
        """Queue the job, and return whether that was possible: not if too much is queued already, or no thread can be started.

        This thread writes by itself to a store in memory, which takes less than the way to another thread; and while the interpreter
        exits, for then Python 3.12 starts no thread any more.
        """
        with self._lock:
            if self._size > MAX_QUEUED:
                return False
            writes_here = not self._unfinished and job.size <= AT_ONCE and type(self._store) is MemoryStore
            has_thread = not writes_here and self._has_thread()
            if not (writes_here or has_thread) and threading.main_thread().is_alive():
                return False
            self._size += job.size
            self._unfinished += 1
            self.queued[job.key] = job
            if has_thread:
                self._jobs.put(job)
        if not has_thread:
            self._write(job)
        return True

    def when_idle(self, action: Callable[[], object]) -> None:
        """Call the action when there was nothing to write for a while; never, if no thread can be started."""
        with self._lock:
            if self._has_thread():
                self._when_idle.append(action)

    def after(self, action: Callable[[], object]) -> None:
        """Call the action when all that is queued now is written; at once, if no thread can be started."""
        with self._lock:
            if is_queued := self._has_thread():
                self._unfinished += 1
                self._jobs.put(action)
        if not is_queued:
            action()

    def _has_thread(self) -> bool:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="wirecache-writer", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no more
                return False
            self._thread = thread
            _at_exit.ensure()
        return True

    def flush(self, timeout: float = EXIT_WAIT) -> bool:
        """Wait until all is written, ``timeout`` seconds at most, and return whether it is."""
        with self._idle:
            return self._idle.wait_for(lambda: self._unfinished == 0, timeout)

    def flush_if_cheap(self, call_seconds: float) -> None:
        """Wait for the write that was just queued (0.3 ms), if the time of calls allows it.

        So a script finds on disk what it stored, whatever becomes of it next, and a program whose upstream answers within a millisecond
        waits for few. ``call_seconds``: how long the call took whose answer it is.
        """
        if self._waits.may_wait(call_seconds):
            started = time.monotonic()
            self.flush(LONGEST_WAIT)
            self._waits.waited(time.monotonic() - started)

    def forget(self, key: str | None = None) -> None:
        """Wait for the writes, then drop what is still queued under the key, or all of it."""
        self.flush()
        with self._lock:
            if key is None:
                self.queued.clear()
            else:
                self.queued.pop(key, None)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE)
            except queue.Empty:
                if self._is_done():
                    return
                continue
            action = self._write_with_next(job) if isinstance(job, WriteJob) else job
            del job  # an entry must not live on in an idle thread
            if action is not None:
                self._call(action)
                del action

    def _write_with_next(self, job: WriteJob) -> Callable[[], object] | None:
        """Write the job, with those that wait behind it if the store can do that. Return what came next and is no job, or None."""
        jobs, size, together = [job], job.size, "set_many" in vars(type(self._store))  # a subclass may have a ``set`` of its own
        action: Callable[[], object] | None = None
        while together and len(jobs) < MOST_TOGETHER and size < TOGETHER and action is None:
            try:
                following = self._jobs.get_nowait()
            except queue.Empty:
                break
            if isinstance(following, WriteJob):
                jobs.append(following)
                size += following.size
            else:
                action = following
        self._write(*jobs)
        return action

    def _write(self, *jobs: WriteJob) -> None:
        is_written = len(jobs) > 1 and self._set_together(jobs)
        for job in jobs:
            job.on_done(None if is_written else self._set(job))
            with self._idle:
                if self.queued.get(job.key) is job:
                    del self.queued[job.key]
                self._size -= job.size
                self._finish_one()

    def _set_together(self, jobs: Sequence[WriteJob]) -> bool:
        """Return whether all could be written in one transaction; if not, each is tried by itself, which shows whose error it is."""
        set_many: Callable[[dict[str, tuple[bytes, float | None]]], None] = getattr(self._store, "set_many")  # noqa: B009  # it is optional
        try:
            set_many({job.key: (codec.encode(job.make()), job.ttl) for job in jobs})
        except BaseException:  # as below
            return False
        return True

    def _set(self, job: WriteJob) -> Exception | None:
        """Write the entry; return the error, if there is one."""
        try:
            assert self._store is not None
            self._store.set(job.key, codec.encode(job.make()), ttl=job.ttl)
        except BaseException as caught:  # whatever it is: if the thread ended here, all would wait for it
            return caught if isinstance(caught, Exception) else StoreError(repr(caught))
        return None

    def _is_done(self) -> bool:
        """Call what waits for an empty queue, and return whether the thread may end."""
        with self._lock:
            actions, self._when_idle = self._when_idle, []
            if not actions and self._jobs.empty():
                self._thread = None
                return True
            self._unfinished += len(actions)
        for action in actions:
            self._call(action)
        return False

    def _call(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            logger.debug("wirecache: %r failed", action, exc_info=True)
        with self._idle:
            self._finish_one()

    def _finish_one(self) -> None:
        self._unfinished -= 1
        if not self._unfinished:
            self._idle.notify_all()


_all = PerLocation(WriteQueue)


def write_queue_of(store: Store) -> WriteQueue:
    """Return the queue of a store. Two stores of one location share it, so that one sees what the other is about to write."""
    found = _all.get(store)
    found._store = store  # the newest of them: an older one may be closed
    return found


def _flush_all() -> None:
    for each in _all.all():
        if not each.flush():
            logger.warning("wirecache: some answers could not be stored before the program ended")


_at_exit = AtExit(_flush_all, priority=100)
