"""The write queue: entries are written in order by one thread per store, so that callers need not wait.

A queued entry can be read from memory until it is written, so a program always sees what it stored.
``flush`` waits for pending writes; it is called when a client or cache is closed, before a listing, and at exit.
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

MAX_QUEUED = 256 * 1024 * 1024  # bytes of bodies; beyond this, answers are not stored
IDLE = 2.0  # seconds without work after which the thread ends
SHARE = 0.05  # the share of its calls' time that a sync caller may wait for writes
FIRST_WAITS = 0.01  # seconds that it may wait initially
LONGEST_WAIT = 0.1  # seconds
MOST_TOGETHER = 64  # jobs that are written in one transaction
TOGETHER = 4 * 1024 * 1024  # bytes above which no further job is added to the transaction
AT_ONCE = 64 * 1024  # bytes; larger entries are not written by the caller, which may be an event loop
EXIT_WAIT = 10.0  # seconds to wait for pending writes at exit


class WriteJob(NamedTuple):
    """One entry to be written, which the writing thread makes.

    ``size``: bytes of answer and request. ``ttl``: how many seconds the store is to keep it, None for ever. ``on_done``: called with the
    error, or None.
    """

    key: str
    size: int
    make: Callable[[], Entry]
    ttl: float | None
    on_done: Callable[[Exception | None], None]


class WaitLimit:
    """Limits how long callers wait for their writes: ``SHARE`` of the time that their calls take."""

    def __init__(self) -> None:
        self._left = FIRST_WAITS  # seconds; negative after a wait that took longer

    def may_wait(self, call_seconds: float) -> bool:
        """Return whether the caller may wait after a call that took ``call_seconds``."""
        self._left = min(self._left + call_seconds * SHARE, LONGEST_WAIT)
        return self._left > 0

    def waited(self, seconds: float) -> None:
        """Subtract the seconds that have been waited."""
        self._left -= seconds


class WriteQueue:
    """The pending writes of one store."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self.after_fork()

    def after_fork(self) -> None:
        """Start afresh: the parent's thread writes what was queued."""
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
        """Queue the job, and return whether that was possible: not if too much is queued already or no thread can be started.

        The calling thread itself writes to a store in memory, which is quicker than handing the job to another thread; and while the
        interpreter exits, since Python 3.12 then starts no more threads.
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
        """Call the action when there has been nothing to write for a while; never, if no thread can be started."""
        with self._lock:
            if self._has_thread():
                self._when_idle.append(action)

    def after(self, action: Callable[[], object]) -> None:
        """Call the action when everything queued now is written; at once, if no thread can be started."""
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
        """Wait until everything is written, for up to ``timeout`` seconds, and return whether it is."""
        with self._idle:
            return self._idle.wait_for(lambda: self._unfinished == 0, timeout)

    def flush_if_cheap(self, call_seconds: float) -> None:
        """Wait for the write that was just queued (0.3 ms), if that is within ``SHARE`` of the calls' time.

        So what a script stored is on disk even if it crashes next, and a program whose upstream answers within a millisecond waits for
        few writes. ``call_seconds``: how long the call took.
        """
        if self._waits.may_wait(call_seconds):
            started = time.monotonic()
            self.flush(LONGEST_WAIT)
            self._waits.waited(time.monotonic() - started)

    def forget(self, key: str | None = None) -> None:
        """Wait for the writes, then remove what is still queued under the key, or everything."""
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
            del job  # an idle thread must not keep an entry alive
            if action is not None:
                self._call(action)
                del action

    def _write_with_next(self, job: WriteJob) -> Callable[[], object] | None:
        """Write the job, together with the next ones if the store can do that. Return the next queued item that is not a job, or None."""
        jobs, size, together = [job], job.size, "set_many" in vars(type(self._store))  # not inherited: a subclass may override ``set``
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
        """Return whether all could be written in one transaction; if not, each is then tried alone, to find the one at fault."""
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
        except BaseException as caught:  # of any kind: if the thread ended here, callers would wait for it forever
            return caught if isinstance(caught, Exception) else StoreError(repr(caught))
        return None

    def _is_done(self) -> bool:
        """Run the actions that wait for an empty queue, and return whether the thread may end."""
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
    """Return the queue of a store. Stores of one location share it, so that one sees what another is about to write."""
    found = _all.get(store)
    found._store = store  # the newest store, since an older one may be closed
    return found


def _flush_all() -> None:
    for each in _all.all():
        if not each.flush():
            logger.warning("wirecache: some answers could not be stored before the program ended")


_at_exit = AtExit(_flush_all, priority=100)
