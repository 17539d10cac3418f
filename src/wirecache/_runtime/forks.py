"""Forks of the process: objects with locks, threads or sockets get new ones in the child, since the old ones belong to the parent.

An object registers itself and is held weakly. SQLite connections must also be closed before the fork (``before``).
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

__all__ = ["Forkable", "ModuleLock", "at_fork", "keep_for_parent", "reset_after_fork"]


class Forkable(Protocol):
    """An object that is reset in the child of a fork."""

    def after_fork(self) -> None:
        """Replace locks, threads and sockets. Only this thread runs; a lock that another thread of the parent held is never released."""
        ...


_objects: weakref.WeakSet[Forkable] = weakref.WeakSet()
_before: list[Callable[[], object]] = []
_in_parent: list[Callable[[], object]] = []
_in_child: list[Callable[[], object]] = []
_of_parent: list[object] = []


def reset_after_fork(forkable: Forkable) -> None:
    """Call ``forkable.after_fork()`` in each child, as long as the object exists."""
    _objects.add(forkable)


class ModuleLock:
    """A re-entrant lock for the state of a module: free in each child, whatever the parent's other threads were doing."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        reset_after_fork(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def after_fork(self) -> None:
        """Replace the lock."""
        self._lock = threading.RLock()


def at_fork(*, before: Callable[[], object], in_parent: Callable[[], object], in_child: Callable[[], object]) -> None:
    """Call these functions of a module around each fork; ``in_child`` before any object is reset."""
    _before.append(before)
    _in_parent.append(in_parent)
    _in_child.append(in_child)


def keep_for_parent(value: object) -> None:
    """Keep the parent's sockets open in the child: closing them might lock what another thread of the parent held."""
    _of_parent.append(value)


def _run(actions: list[Callable[[], object]]) -> None:
    for action in actions:
        action()


def _after_in_child() -> None:
    _run(_in_child)
    for forkable in list(_objects):
        forkable.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lambda: _run(_before), after_in_parent=lambda: _run(_in_parent), after_in_child=_after_in_child)
