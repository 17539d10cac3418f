"""How often did the cache answer, and what did that save? A fold over ``CacheStatus``."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from wirecache._core.messages import Entry
from wirecache._core.status import CacheStatus

__all__ = ["Stats", "Tally"]


@dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot of one cache's counters, in this process.

    ``hits`` were answered from an entry (``stale`` of them past their ttl), ``misses`` went upstream (or were refused, offline),
    ``collapsed`` were answered by an equal request that was under way, ``bypassed`` were never looked up; ``reasons`` counts why
    (bypassed or refused to store), by detail.
    ``seconds_saved`` is the time that upstream took for the entries that were reused, ``tokens`` what they had cost.
    """

    hits: int = 0
    misses: int = 0
    bypassed: int = 0
    stale: int = 0
    collapsed: int = 0
    stored: int = 0
    refused: int = 0
    store_errors: int = 0
    seconds_saved: float = 0.0
    tokens: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict[str, int])


class Tally:
    """The running counters behind ``Stats``; safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hits = self._misses = self._bypassed = self._stale = self._tokens = 0
        self._seconds = 0.0
        self._others: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def answered(self, status: CacheStatus, entry: Entry | None = None) -> None:
        """Count an exchange whose head is known; ``entry`` is the one it was answered from."""
        with self._lock:
            if status.hit:
                self._hits += 1
                if status.ttl is not None and status.ttl <= 0:
                    self._stale += 1
            elif status.collapsed:
                self._others["collapsed"] += 1
            elif status.fwd == "bypass":
                self._bypassed += 1
                self._reasons[status.detail or ""] += 1
            else:
                self._misses += 1
            if entry is not None:
                self._seconds += entry.seconds
                if entry.usage is not None:
                    self._tokens += entry.usage.total

    def refused(self, reason: str) -> None:
        """Count an answer that was not taken into the store."""
        with self._lock:
            self._others["refused"] += 1
            self._reasons[reason] += 1

    def add(self, name: str) -> None:
        """Count one of ``stored`` or ``store_errors``."""
        with self._lock:
            self._others[name] += 1

    def snapshot(self) -> Stats:
        """The counters now."""
        with self._lock:
            return Stats(
                hits=self._hits,
                misses=self._misses,
                bypassed=self._bypassed,
                stale=self._stale,
                seconds_saved=self._seconds,
                tokens=self._tokens,
                reasons=MappingProxyType(dict(self._reasons)),
                **self._others,
            )
