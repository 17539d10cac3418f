"""What do all stores of one place share, in this process? One object for each location, forgotten when nobody uses it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from wirecache.stores._protocol import Store

__all__ = ["PerLocation"]


class _Resets(Protocol):
    """What can begin anew in the child of a fork."""

    def reset(self) -> None:
        """What was under way stayed in the parent."""
        ...


T = TypeVar("T", bound=_Resets)


class PerLocation(Generic[T]):
    """One ``T`` for each location: two stores of one place get the same."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._known: weakref.WeakValueDictionary[object, T] = weakref.WeakValueDictionary()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def of(self, store: Store) -> T:
        """The one of this store's location."""
        location = getattr(store, "location", None) or id(store)
        with self._lock:
            known = self._known.get(location)
            if known is None:
                known = self._known[location] = self._make()
            return known

    def all(self) -> list[T]:
        """All that are in use."""
        return list(self._known.values())

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        for known in self.all():
            known.reset()
