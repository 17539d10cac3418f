"""How do threads and forks get along with SQLite?

Each thread has a connection of its own, which ends with the thread. None is open across a fork: SQLite would believe that the child
holds the parent's locks (then writes are lost, or the database is damaged: sqlite.org/howtocorrupt.html, section 2.6), and a mutex that
another thread held at that moment would stay locked in the child for ever. So a fork waits until the connections rest and closes them;
parent and child open new ones when they next need one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref

__all__ = ["Connection"]

FORK_WAIT = 2.0  # seconds that a fork waits for work under way


class Connection:
    """One thread's connection, while it is open; whoever uses it holds ``lock``."""

    __slots__ = ("__weakref__", "lock", "opened")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.opened: sqlite3.Connection | None = None
        with _making:
            _all.add(self)

    def close(self) -> None:
        """Close it, after the work under way; the next use opens it again."""
        with self.lock:
            opened, self.opened = self.opened, None
            if opened is not None:
                opened.close()

    def __del__(self) -> None:
        """The thread has ended, or its store is gone. Not if it is in use: at the interpreter's end that thread stands still."""
        if self.lock.acquire(blocking=False):
            self.close()
            self.lock.release()


_making = threading.RLock()
_all: weakref.WeakSet[Connection] = weakref.WeakSet()
_resting: list[Connection] = []
_busy: list[Connection] = []


def _before_fork() -> None:
    _making.acquire()
    deadline = time.monotonic() + FORK_WAIT
    for connection in list(_all):
        if connection.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            _resting.append(connection)
            connection.close()
        else:
            _busy.append(connection)


def _after_fork() -> None:
    while _resting:
        _resting.pop().lock.release()
    _making.release()


def _in_parent() -> None:
    _after_fork()
    _busy.clear()


def _in_child() -> None:
    """What was busy has no thread any more, and closing it might wait for ever: it is kept, and left alone."""
    for connection in _busy:
        _all.discard(connection)
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
