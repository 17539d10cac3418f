"""Which of several processes forwards a request that all ask for at once? The one that holds the lease in their common store.

A lease is short and renewed while its holder lives, so that one that was killed holds up the others for ``LASTS`` seconds at most. When
the answer is stored, the lease is dropped; when it will not be, it says so for a moment, and all others go on by themselves.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from wirecache._core.messages import Entry
from wirecache.stores._protocol import Store

__all__ = ["Add", "Leases", "Look", "Peek", "Wait", "can_hold_leases", "common_store", "is_lease"]

LASTS = 4.0  # seconds
RENEWED_EVERY = 1.0  # seconds
ALONE = b"alone"  # in place of a lease: there will be no answer to share
ALONE_FOR = 2.0  # seconds
FIRST_WAIT, LONGEST_WAIT = 0.01, 0.1  # seconds between two looks
PREFIX = "lease-"


class Look(NamedTuple):
    """Is the answer in the store? Answered with the entry, or None."""

    key: str


class Add(NamedTuple):
    """Keep the value if there is none. Answered with whether there was none."""

    key: str
    value: bytes
    ttl: float


class Peek(NamedTuple):
    """What is under the key? Answered with the value, or None."""

    key: str


class Wait(NamedTuple):
    """Let some time pass."""

    seconds: float


_Turn: TypeAlias = Look | Add | Peek | Wait


def is_lease(key: str) -> bool:
    """Is this key of a store one of ours, rather than an entry's?"""
    return key.startswith(PREFIX)


class Leases:
    """The leases that this process holds in one store."""

    def __init__(self, store: Store) -> None:
        self._store: Any = common_store(store)
        self.reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Hold none: those of the parent of a fork are the parent's."""
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self._mine = os.urandom(16)
        self._renewing = False

    def turn(self, turn: Add | Peek) -> Any:
        """Ask the store."""
        return self._store.add(turn.key, turn.value, ttl=turn.ttl) if isinstance(turn, Add) else self._store.get(turn.key)

    def acquire(self, key: str, than: float | None, patience: float) -> Generator[_Turn, Any, Entry | None]:
        """Wait until the answer is stored, or until this process may forward: then None.

        ``than``: when the entry that is there already was stored; only another one is an answer. ``patience``: seconds; ``TimeoutError``.
        """
        lease, wait, waited = PREFIX + key, FIRST_WAIT, 0.0
        while not (yield Add(lease, self._mine, LASTS)):
            if (yield Peek(lease)) == ALONE:
                return None
            if waited > patience:
                raise TimeoutError
            yield Wait(wait)
            waited, wait = waited + wait, min(wait * 1.5, LONGEST_WAIT)
            entry: Entry | None = yield Look(key)
            if entry is not None and entry.stored_at != than:
                return entry
        self._hold(lease)
        entry = yield Look(key)  # it may have been stored between the caller's first look and now
        if entry is not None and entry.stored_at != than:
            self.release(key, True)
            return entry
        return None

    def _hold(self, lease: str) -> None:
        with self._lock:
            self._held.add(lease)
            if not self._renewing:
                self._renewing = True
                threading.Thread(target=self._renew, name="wirecache-leases", daemon=True).start()

    def _renew(self) -> None:
        while True:
            time.sleep(RENEWED_EVERY)
            with self._lock:
                if not self._held:
                    self._renewing = False
                    return
                for lease in self._held:
                    _try(partial(self._store.set, lease, self._mine, ttl=LASTS))

    def release(self, key: str, stored: bool) -> None:
        """The answer is in the store, or will not be: tell the others."""
        lease = PREFIX + key
        with self._lock:
            if lease not in self._held:
                return
            self._held.discard(lease)
            if stored:
                _try(partial(self._store.delete, lease))
            else:
                _try(partial(self._store.set, lease, ALONE, ttl=ALONE_FOR))


def _try(action: Callable[[], object]) -> None:
    """A lease that cannot be written ends by itself."""
    try:
        action()
    except Exception:
        pass


def common_store(store: Store) -> Store:
    """The store that the processes have in common: the last of several tiers; a lease needs no encryption."""
    while inner := getattr(store, "inner", None) or next(reversed(getattr(store, "tiers", ())), None):
        store = inner
    return store


def can_hold_leases(store: Store) -> bool:
    """Has the store what leases need?"""
    common = common_store(store)
    return hasattr(common, "add") and hasattr(common, "delete")
