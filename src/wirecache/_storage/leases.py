"""Leases in a shared store: of several processes that make a request at once, the one that holds the lease forwards it.

A lease is short and renewed while its holder lives, so that a killed process delays the others for ``TTL`` seconds at most. When the
answer is stored, the lease is deleted; when it will not be, the lease says so for a moment, and the others forward their own requests.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from wirecache._core.flows.effects import Lease
from wirecache._runtime.forks import reset_after_fork
from wirecache.stores._protocol import Store

__all__ = ["Leases", "can_hold_leases", "is_lease"]

TTL = 4.0  # seconds
RENEWED_EVERY = 1.0  # seconds
NOTHING_TO_SHARE = b"alone"  # the value of a lease whose holder will have no answer to share
NOTHING_TO_SHARE_TTL = 2.0  # seconds
PREFIX = "lease-"  # a key space of its own


def is_lease(key: str) -> bool:
    """Return whether this key of a store belongs to a lease and not to an entry."""
    return key.startswith(PREFIX)


class Leases:
    """The leases that this process holds in one store."""

    def __init__(self, store: Store) -> None:
        self._store: Any = _common_store(store)
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Hold no leases: those so far belong to the parent."""
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self._holder = os.urandom(16)
        self._is_renewing = False

    def acquire(self, key: str) -> Lease:
        """Try to acquire the lease of this key. Raises what the store raises."""
        lease = PREFIX + key
        if not self._store.add(lease, self._holder, ttl=TTL):
            return Lease.REFUSED if self._store.get(lease) == NOTHING_TO_SHARE else Lease.BUSY
        with self._lock:
            self._held.add(lease)
            if not self._is_renewing:
                self._is_renewing = True
                threading.Thread(target=self._keep_renewing, name="wirecache-leases", daemon=True).start()
        return Lease.HELD

    def _keep_renewing(self) -> None:
        while True:
            time.sleep(RENEWED_EVERY)
            if not self.renew():
                return

    def renew(self) -> bool:
        """Renew the leases held, and return whether there are any."""
        with self._lock:
            for lease in self._held:
                _try(partial(self._store.set, lease, self._holder, ttl=TTL))
            self._is_renewing = bool(self._held)
            return self._is_renewing

    def release(self, key: str, stored: bool) -> None:
        """Release the lease, if it is held. ``stored``: the answer is in the store."""
        lease = PREFIX + key
        with self._lock:
            if lease not in self._held:
                return
            self._held.discard(lease)
            if stored:
                _try(partial(self._store.delete, lease))
            else:
                _try(partial(self._store.set, lease, NOTHING_TO_SHARE, ttl=NOTHING_TO_SHARE_TTL))


def _try(action: Callable[[], object]) -> None:
    """Run the action and ignore errors, since a lease that cannot be written expires by itself."""
    try:
        action()
    except Exception:
        pass


def _common_store(store: Store) -> Store:
    """Return the store that the processes share: the last of several tiers, without encryption, which leases do not need."""
    while inner := getattr(store, "inner", None) or next(reversed(getattr(store, "tiers", ())), None):
        store = inner
    return store


def can_hold_leases(store: Store) -> bool:
    """Return whether the store has the methods that leases need."""
    common = _common_store(store)
    return hasattr(common, "add") and hasattr(common, "delete")
