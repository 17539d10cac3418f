"""A store in memory, which evicts the least recently used entries first."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from wirecache._runtime.forks import reset_after_fork
from wirecache._settings.sizes import parse_size
from wirecache.errors import ConfigError

__all__ = ["MemoryStore"]

OVERHEAD = 300  # bytes that an entry takes besides its value: key, tuple, dict slot


class _Entry(NamedTuple):
    value: bytes
    expires: float  # on the monotonic clock; infinite without a ttl

    @property
    def size(self) -> int:
        """The bytes that the entry takes."""
        return len(self.value) + OVERHEAD


class MemoryStore:
    """Entries in memory; thread-safe, and gone with the process.

    ``max_entries`` and ``max_bytes`` (bytes, or a text such as ``"256MB"``): above either, the least recently used entries are evicted. A
    value larger than ``max_bytes`` is not kept. After a fork, parent and child each continue with their own copy.

    cachetools and cachebox bound a cache by count or by size, and give all entries one lifetime or each its own, but neither does it all.
    """

    def __init__(self, max_entries: int = 10_000, max_bytes: int | str = "256MB") -> None:
        if type(max_entries) is not int or max_entries <= 0:
            raise ConfigError(f"max_entries must be an integer of at least 1, got {max_entries!r}")
        self.max_entries = max_entries
        self.max_bytes = parse_size(max_bytes, "max_bytes")
        self.location = ("memory", object())  # different from any other store's
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._pinned: set[str] = set()
        self._hits: dict[str, int] = {}
        self._size = 0
        self._counters: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()
        reset_after_fork(self)

    def __repr__(self) -> str:
        return f"MemoryStore(max_entries={self.max_entries}, max_bytes={self.max_bytes})"

    def get(self, key: str) -> bytes | None:
        """Return the value under the key, or None."""
        entry = self._find(key)
        return None if entry is None else entry.value

    async def aget(self, key: str) -> bytes | None:
        """Return the value under the key, or None. This takes less than a microsecond, so it runs on the event loop."""
        return self.get(key)

    def get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        entry = self._find(key)
        if entry is None:
            return None
        return entry.value, None if entry.expires == math.inf else entry.expires - time.monotonic()

    async def aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        return self.get_with_ttl(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those keys that have one."""
        return {key: value for key in keys if (value := self.get(key)) is not None}

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key for ``ttl`` seconds (None: for ever)."""
        with self._lock:
            self._put(key, value, ttl)

    def add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Keep the value if there is none under the key. Return whether it was kept."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.expires > time.monotonic():
                return False
            self._put(key, value, ttl)
            return True

    def delete(self, key: str) -> bool:
        """Delete the key. Return whether there was a value."""
        with self._lock:
            return self._remove(key)

    def pin(self, key: str) -> bool:
        """Keep the value of the key, whatever the limits, until it is deleted or replaced. Return whether there is one."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.expires <= time.monotonic():
                return False
            self._entries[key] = entry._replace(expires=math.inf)
            self._pinned.add(key)
            return True

    def add_hits(self, counts: Mapping[str, int]) -> None:
        """Add to how often the value of each key was reused."""
        with self._lock:
            for key, count in counts.items():
                if key in self._entries:
                    self._hits[key] = self._hits.get(key, 0) + count

    def hits(self) -> dict[str, int]:
        """Return how often the value of each key was reused since it was set; none that never was."""
        with self._lock:
            now = time.monotonic()
            return {key: count for key, count in self._hits.items() if self._entries[key].expires > now}

    def keys(self) -> Iterator[str]:
        """Return the keys, the least recently used first."""
        with self._lock:
            keys = list(self._entries)
        return self._unexpired(keys)

    def newest(self) -> Iterator[str]:
        """Return the keys, the most recently used first."""
        with self._lock:
            keys = list(reversed(self._entries))
        return self._unexpired(keys)

    def count(self, counter: str, amounts: Mapping[str, int], *, ttl: float) -> dict[str, int]:
        """Add the amounts to a counter of this process, and return its sums. It is kept as long as the store, whatever the ``ttl``."""
        with self._lock:
            totals = self._counters.setdefault(counter, Counter())
            totals.update(amounts)
            return {name: amount for name, amount in totals.items() if amount}

    def clear(self) -> None:
        """Delete everything but the counters of budgets."""
        with self._lock:
            self._entries.clear()
            self._pinned.clear()
            self._hits.clear()
            self._size = 0

    def close(self) -> None:
        """Do nothing: there is nothing to close, and the entries are kept as long as the store object."""

    def after_fork(self) -> None:
        """Replace the lock and recount: another thread may have held the lock and been changing the counts."""
        self._lock = threading.Lock()
        self._size = sum(entry.size for entry in self._entries.values())

    def _find(self, key: str) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry.expires <= time.monotonic():
                self._remove(key)
                return None
            self._entries.move_to_end(key)
            return entry

    def _unexpired(self, keys: list[str]) -> Iterator[str]:
        now = time.monotonic()
        for key in keys:
            entry = self._entries.get(key)
            if entry is not None and entry.expires > now:
                yield key

    def _put(self, key: str, value: bytes, ttl: float | None) -> None:
        self._remove(key)
        entry = _Entry(value, math.inf if ttl is None else time.monotonic() + ttl)
        if entry.size > self.max_bytes or (ttl is not None and ttl <= 0):
            return
        self._entries[key] = entry
        self._size += entry.size
        while len(self._entries) > self.max_entries or self._size > self.max_bytes:
            unpinned = (other for other in self._entries if other != key and other not in self._pinned)
            if (oldest := next(unpinned, None)) is None:
                return
            self._remove(oldest)

    def _remove(self, key: str) -> bool:
        """Remove the entry. Return whether there was one that had not expired."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._pinned.discard(key)
        self._hits.pop(key, None)
        self._size -= entry.size
        return entry.expires > time.monotonic()
