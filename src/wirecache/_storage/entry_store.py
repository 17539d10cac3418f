"""What is in the store, as entries? A store in trouble has none: nothing here raises because of it, and each cause is told once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from wirecache._core import codec
from wirecache._core.flows.labels import NO_LABELS, Labels
from wirecache._core.messages import Entry
from wirecache._core.privacy.patterns import redacted_text
from wirecache._storage.kept_stats import History, today
from wirecache._storage.leases import Add, Leases, Peek, is_lease
from wirecache._storage.write_queue import Job, backlog_of
from wirecache.errors import ConfigError
from wirecache.stats import Tally
from wirecache.stores import GONE, Store, drop
from wirecache.stores._stats_table import HistoryError

__all__ = ["Shelf"]

logger = logging.getLogger("wirecache")

MOST_WARNINGS = 20  # of one cache: a store may put each key into its message
FLUSH_WAIT = 10.0  # seconds that a listing, or whoever closes the store, waits for writes
BIG = 256 * 1024  # bytes; a larger value is checked in a worker thread under an event loop (0.5 ms a megabyte)


class Shelf:
    """The entries of one store, and those that are about to be written to it."""

    def __init__(self, store: Store, tally: Tally) -> None:
        self.store = store
        self._tally = tally
        self._backlog = backlog_of(store)
        self.history = History(store, tally, self._backlog, self._not_kept)
        self._warned: set[str] = set()
        self._telling = threading.Lock()
        if tell := getattr(store, "tell", None):  # what goes wrong in one of several tiers
            tell(self.trouble)

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, key: str) -> Entry | None:
        """The entry of that key, if there is one that is whole."""
        entry = self._backlog.get(key)
        return entry if entry is not None else self._decoded(key, self._guarded(self.store.get, key))

    async def aget(self, key: str) -> Entry | None:
        """The same on an event loop: by the store's ``aget``, else in a worker thread."""
        entry = self._backlog.get(key)
        if entry is not None:
            return entry
        aget = getattr(self.store, "aget", None)
        try:
            value = await aget(key) if aget is not None else await _in_thread(self.store.get, key)
        except Exception as error:
            self.trouble(error)
            return None
        if type(value) is bytes and len(value) > BIG:
            large: Entry | None = await _in_thread(self._decoded, key, value)
            return large
        return self._decoded(key, value)

    def entries(self) -> Iterator[Entry]:
        """All of them, one after the other; ``ConfigError`` if the store cannot list its keys."""
        self.flush()
        for key in self._method("keys")():
            if not is_lease(key) and (entry := self.get(key)) is not None:
                yield entry

    def newest(self) -> Iterator[Entry]:
        """The newest first where the store can say so; those that still wait to be written before all."""
        yield from self._backlog.entries()
        keys = getattr(self.store, "newest", None) or getattr(self.store, "keys", None)
        for key in keys() if keys is not None else ():
            if not is_lease(key) and (entry := self._decoded(key, self._guarded(self.store.get, key))) is not None:
                yield entry

    # -- writing ------------------------------------------------------------------------------------------------------

    def write(self, key: str, size: int, make: Callable[[], Entry], lasts: float | None, labels: Labels = NO_LABELS) -> bool:
        """Write the entry soon; False if too much waits already. ``lasts``: seconds, None for ever. ``labels``: where it is counted."""
        return self._backlog.put(Job(key, size, make, lasts, partial(self._written, labels)))

    def discard(self, key: str) -> None:
        """Drop the entry of that key."""
        self._backlog.forget(key)
        self._guarded(drop, self.store, key)

    def drop(self, key: str) -> None:
        """The same, where a failure is to be seen."""
        drop(self.store, key)

    def clear(self) -> None:
        """Drop all."""
        self._backlog.forget()
        self._method("clear")()

    def flush(self, timeout: float = FLUSH_WAIT) -> bool:
        """Wait for the writes under way, ``timeout`` seconds at most; are they done?"""
        return self._backlog.flush(timeout)

    def wait_a_moment(self) -> None:
        """Let a sync caller find on disk what was stored, unless calls come thick and fast."""
        self._backlog.wait_if_calm()

    def after_writes(self, action: Callable[[], object]) -> None:
        """Do it in the background, when what was kept so far is written."""
        self._backlog.after(action)

    def close(self) -> None:
        """Finish the writes and close the store; it opens itself again when it is used."""
        self.flush()
        if close := getattr(self.store, "close", None):
            close()

    def lease_turn(self, leases: Leases, turn: Add | Peek) -> Any:
        """Ask for a lease; a store in trouble lets everybody lead."""
        try:
            return leases.turn(turn)
        except Exception as error:
            self.trouble(error)
            return isinstance(turn, Add)

    # -- trouble ------------------------------------------------------------------------------------------------------

    def trouble(self, error: Exception) -> None:
        """Count it, and say so once for each cause."""
        self._tally.add("store_errors", day=today())
        self.history.touched()
        self._say(error)

    def _not_kept(self, error: Exception) -> None:
        """The statistics are kept later; a store that is in trouble says so where an entry is concerned."""
        if isinstance(error, HistoryError):
            self._say(error)

    def _say(self, error: Exception) -> None:
        cause = redacted_text(f"{type(error).__name__}: {error}")  # a store's URL has a password
        with self._telling:  # two threads may wait for the same
            new = cause not in self._warned and len(self._warned) < MOST_WARNINGS
            self._warned |= {cause} if new else set()
        if new:
            logger.warning("wirecache: the store is in trouble, calls go on without it: %s", cause)

    def _written(self, labels: Labels, error: Exception | None) -> None:
        if error is None:
            self._tally.add("stored", labels, today())
            self.history.touched()
        else:
            self.trouble(error)

    def _decoded(self, key: str, value: bytes | None) -> Entry | None:
        if value is None or value == GONE:
            return None
        try:
            return codec.decode(key, value)
        except codec.Damaged as error:
            self.trouble(error)
            return None

    def _guarded(self, action: Callable[..., Any], *arguments: object) -> Any:
        try:
            return action(*arguments)
        except Exception as error:
            self.trouble(error)
            return None

    def _method(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(self.store, name, None)
        if method is None:
            raise ConfigError(f"{type(self.store).__name__} has no {name}(), which this needs")
        return method


async def _in_thread(action: Callable[..., Any], *arguments: Any) -> Any:
    from anyio.to_thread import run_sync

    return await run_sync(action, *arguments)
