"""SQLite connections per thread, closed across forks.

Each thread has a connection of its own, which is closed when the thread ends. None stays open across a fork: SQLite would believe that the
child holds the parent's locks (so that writes are lost or the database is damaged: sqlite.org/howtocorrupt.html, section 2.6), and a mutex
that another thread held at that moment would stay locked in the child for ever. So a fork waits until the connections are idle and closes
them; parent and child open new ones when needed.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref

from wirecache._runtime.forks import at_fork

__all__ = ["ThreadConnection"]

FORK_WAIT = 2.0  # seconds that a fork waits for work in progress


class ThreadConnection:
    """The connection of one thread, open or not; it is used while holding ``lock``."""

    __slots__ = ("__weakref__", "handle", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.handle: sqlite3.Connection | None = None
        with _adding:
            _connections.add(self)

    def close(self) -> None:
        """Close the connection after the work in progress. The next use opens it again."""
        with self.lock:
            handle, self.handle = self.handle, None
            if handle is not None:
                handle.close()

    def __del__(self) -> None:
        """Close the connection, since its thread or store is gone; unless it is in use, by a thread that stopped at interpreter exit."""
        if self.lock.acquire(blocking=False):
            self.close()
            self.lock.release()


_adding = threading.RLock()
_connections: weakref.WeakSet[ThreadConnection] = weakref.WeakSet()
_locked: list[ThreadConnection] = []  # closed, and locked until after the fork
_busy: list[ThreadConnection] = []


def _before_fork() -> None:
    _adding.acquire()
    deadline = time.monotonic() + FORK_WAIT
    for connection in list(_connections):
        if connection.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            _locked.append(connection)
            connection.close()
        else:
            _busy.append(connection)


def _unlock() -> None:
    while _locked:
        _locked.pop().lock.release()
    _adding.release()


def _in_parent() -> None:
    _unlock()
    _busy.clear()


def _in_child() -> None:
    """Leave busy connections alone: their threads are in the parent, and closing them might block for ever."""
    for connection in _busy:
        _connections.discard(connection)
    _unlock()


at_fork(before=_before_fork, in_parent=_in_parent, in_child=_in_child)
