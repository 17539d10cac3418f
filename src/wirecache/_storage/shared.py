"""Objects that all stores of one location share within a process: one per location, dropped when no longer used."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from wirecache._runtime.forks import Forkable, reset_after_fork
from wirecache.stores._protocol import Store

__all__ = ["PerLocation"]

T = TypeVar("T", bound=Forkable)


class PerLocation(Generic[T]):
    """One ``T`` per location: two stores of one location get the same object."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._objects: weakref.WeakValueDictionary[object, T] = weakref.WeakValueDictionary()
        reset_after_fork(self)

    def get(self, store: Store) -> T:
        """Return the object of this store's location."""
        location = getattr(store, "location", None) or id(store)
        with self._lock:
            found = self._objects.get(location)
            if found is None:
                found = self._objects[location] = self._make()
            return found

    def all(self) -> list[T]:
        """Return all objects that are in use."""
        return list(self._objects.values())

    def after_fork(self) -> None:
        """Replace the lock, and reset each object."""
        self._lock = threading.Lock()
        for each in self.all():
            each.after_fork()
