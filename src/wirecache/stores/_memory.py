"""How are entries kept in this process only? In a dictionary, the least recently used leaving first."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator

from wirecache._settings.sources import parse_size
from wirecache.errors import ConfigError

__all__ = ["MemoryStore"]

OVERHEAD = 300  # bytes that an entry costs besides its value: key, tuple, dictionary slot


class MemoryStore:
    """Entries in memory; safe for many threads, and gone with the process.

    ``max_entries`` and ``max_bytes`` (bytes, or a text such as ``"256MB"``): above either, the least recently used entries leave. A value
    that is larger than ``max_bytes`` by itself is not kept. After a fork parent and child go on with a copy each.

    cachetools and cachebox bound a cache by count or by size, and give entries one lifetime or each its own, but none does all of it.
    """

    def __init__(self, max_entries: int = 10_000, max_bytes: int | str = "256MB") -> None:
        if type(max_entries) is not int or max_entries <= 0:
            raise ConfigError(f"max_entries= is {max_entries!r}; allowed: a number from 1 on")
        self.max_entries = max_entries
        self.max_bytes = parse_size(max_bytes, "max_bytes=")
        self.location = ("memory", object())  # no other store is this one
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()  # the value, and when it ends (monotonic clock)
        self._size = 0
        self._lock = threading.Lock()
        _stores.add(self)

    def __repr__(self) -> str:
        return f"MemoryStore(max_entries={self.max_entries}, max_bytes={self.max_bytes})"

    def get(self, key: str) -> bytes | None:
        """The value under the key, or None."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            if found[1] <= time.monotonic():
                self._drop(key)
                return None
            self._entries.move_to_end(key)
            return found[0]

    async def aget(self, key: str) -> bytes | None:
        """The same on an event loop: it takes less than a microsecond."""
        return self.get(key)

    def get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """The value and the seconds that are left to it (None: for ever), or None."""
        value = self.get(key)
        with self._lock:
            found = self._entries.get(key)
        if value is None or found is None:
            return None
        return found[0], None if found[1] == math.inf else found[1] - time.monotonic()

    async def aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """The same on an event loop."""
        return self.get_with_ttl(key)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key."""
        with self._lock:
            self._put(key, value, ttl)

    def add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Keep the value if there is none under the key; was there none?"""
        with self._lock:
            found = self._entries.get(key)
            if found is not None and found[1] > time.monotonic():
                return False
            self._put(key, value, ttl)
            return True

    def delete(self, key: str) -> bool:
        """Drop the key; was there one?"""
        with self._lock:
            return self._drop(key)

    def keys(self) -> Iterator[str]:
        """The keys, the least recently used first."""
        with self._lock:
            keys = list(self._entries)
        yield from self._alive(keys)

    def newest(self) -> Iterator[str]:
        """The keys, the most recently used first."""
        with self._lock:
            keys = list(reversed(self._entries))
        yield from self._alive(keys)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self._size = 0

    def close(self) -> None:
        """Nothing is open: the entries stay until the store itself goes."""

    def _alive(self, keys: list[str]) -> Iterator[str]:
        now = time.monotonic()
        for key in keys:
            found = self._entries.get(key)
            if found is not None and found[1] > now:
                yield key

    def _put(self, key: str, value: bytes, ttl: float | None) -> None:
        self._drop(key)
        size = len(value) + OVERHEAD
        if size > self.max_bytes or (ttl is not None and ttl <= 0):
            return
        self._entries[key] = value, math.inf if ttl is None else time.monotonic() + ttl
        self._size += size
        while len(self._entries) > self.max_entries or self._size > self.max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> bool:
        found = self._entries.pop(key, None)
        if found is None:
            return False
        self._size -= len(found[0]) + OVERHEAD
        return found[1] > time.monotonic()


_stores: weakref.WeakSet[MemoryStore] = weakref.WeakSet()


def _after_fork() -> None:
    """Whoever held the lock in the parent, perhaps in the middle of a change, is not in the child."""
    for store in list(_stores):
        store._lock = threading.Lock()
        store._size = sum(len(value) + OVERHEAD for value, _ in store._entries.values())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
