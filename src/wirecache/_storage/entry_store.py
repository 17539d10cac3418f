"""The source of a cache: a store, as entries.

A failing store counts as empty: its errors are not raised, except when a user lists or deletes entries, and each cause is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import filterfalse
from typing import Any

from wirecache._core import codec
from wirecache._core.flows.effects import Lease
from wirecache._core.flows.invalidation import is_mark
from wirecache._core.flows.recorder import Decode, Recorder
from wirecache._core.messages import Entry
from wirecache._core.privacy.patterns import redacted_text
from wirecache._core.rules.freshness import effective_ttl
from wirecache._core.rules.plan import Plan
from wirecache._core.unset import UNSET, Ttl
from wirecache._runtime.warn_once import WarnOnce
from wirecache._storage.leases import Leases, is_lease
from wirecache._storage.single_flight import single_flight_of
from wirecache._storage.write_queue import WriteJob, write_queue_of
from wirecache.errors import ConfigError
from wirecache.stores._protocol import GONE, Store, drop
from wirecache.stores._read_only import is_read_only

__all__ = ["Accept", "EntryStore"]

FLUSH_WAIT = 10.0  # seconds to wait for writes before a listing or close
BIG = 256 * 1024  # bytes; a larger value is checked in a worker thread under an event loop (0.5 ms a megabyte)

Accept = Callable[[Entry], bool | str]


class EntryStore:
    """The entries of one store, including those that are still to be written to it.

    ``accept``: makes the final decision on storing. ``shared``: hold leases in the store. ``on_trouble``: called for each failure of it.
    """

    def __init__(self, store: Store, plan: Plan, accept: Accept | None = None, *, shared: bool = False) -> None:
        self.store = store
        self.queue = write_queue_of(store)
        self.single_flight = single_flight_of(store)
        self._leases = Leases(store) if shared else None
        self._plan = plan
        self._longest_ttl = _longest_ttl(plan)
        self._accept = accept
        self.on_trouble: Callable[[], object] = lambda: None
        self.hits: Callable[[], dict[str, int]] = dict  # returns how often each entry was reused, by key
        self._read_only = is_read_only(store)
        self._warn = WarnOnce()
        if add_error_listener := getattr(store, "add_error_listener", None):  # for errors in one of several tiers
            add_error_listener(self.trouble)

    # -- reading ------------------------------------------------------------------------------------------------------

    def look_up(self, key: str) -> Entry | None:
        """Return the entry under the key if it is complete, or None."""
        if key in self.queue.queued and (entry := self.queue.get(key)) is not None:
            return entry
        try:
            value = self.store.get(key)
        except Exception as error:
            self.trouble(error)
            return None
        return None if value is None else self._decoded(key, value)

    async def alook_up(self, key: str) -> Entry | None:
        """Return the entry as ``look_up`` does, on an event loop: with the store's ``aget``, else in a worker thread."""
        if key in self.queue.queued and (entry := self.queue.get(key)) is not None:
            return entry
        aget = getattr(self.store, "aget", None)
        try:
            value = await aget(key) if aget is not None else await _in_thread(self.store.get, key)
        except Exception as error:
            self.trouble(error)
            return None
        if value is None:
            return None
        if type(value) is bytes and len(value) > BIG:
            large: Entry | None = await _in_thread(self._decoded, key, value)
            return large
        return self._decoded(key, value)

    def look_up_items(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the stored entries of several keys, with the store's ``get_many`` if it has that.

        If the store fails, it is not called for the remaining keys.
        """
        queued = {key: entry for key in keys if key in self.queue.queued and (entry := self.queue.get(key)) is not None}
        rest = [key for key in keys if key not in queued]
        get_many = getattr(self.store, "get_many", None)
        try:
            values = get_many(rest) if get_many is not None else {key: self.store.get(key) for key in rest}
        except Exception as error:
            self.trouble(error)
            return queued
        found = {key: self._decoded(key, value) for key, value in values.items() if value is not None}
        return queued | {key: entry for key, entry in found.items() if entry is not None}

    def keys(self) -> Iterator[str]:
        """Return the keys of the entries. Raises ``ConfigError`` if the store cannot list its keys."""
        self.flush()
        return filterfalse(is_lease, self._method("keys")())

    def newest_keys(self) -> Iterator[str]:
        """Return the keys of the entries, the newest first if the store can list them so; none if it cannot list keys."""
        keys = getattr(self.store, "newest", None) or getattr(self.store, "keys", None)
        return filterfalse(is_lease, keys()) if keys is not None else iter(())

    def entries(self) -> Iterator[Entry]:
        """Yield the entries, reading them one by one."""
        for key in self.keys():
            if (entry := self.look_up(key)) is not None and not is_mark(entry):
                yield entry

    def newest(self) -> Iterator[Entry]:
        """Yield the entries, the newest first, beginning with those that are still to be written."""
        yield from filterfalse(is_mark, self.queue.entries())
        for key in self.newest_keys():
            if (entry := self.look_up(key)) is not None and not is_mark(entry):
                yield entry

    def label(self, entry: Entry) -> str:
        """Return the entry's name in messages."""
        return entry.key[:12]

    # -- writing ------------------------------------------------------------------------------------------------------

    def keep(self, recorder: Recorder, decode: Decode, now: float, seconds: float, on_stored: Callable[[], object]) -> str | None:
        """Store a recorded answer, or return why not. ``seconds``: how long upstream took. ``on_stored``: called when it is written."""
        make = partial(recorder.entry, now, seconds)
        reason = recorder.refusal_reason(decode) or (self._accept_reason(make()) if self._accept is not None else None)
        if self._read_only:
            reason = reason or "read-only"
        recording = recorder.recording
        if reason is None and recording.mark is not None:
            self.save(recording.mark)
        size = recorder.size + len(recording.request_body.raw)
        if reason is None and not self._write(recording.key, size, make, recording.ttl, on_stored):
            reason = "backlog"
        return reason

    def keep_items(self, entries: Sequence[Entry], on_stored: Callable[[], object]) -> str | None:
        """Store the entries of several items; return why one of them is not stored. ``on_stored``: called when the last is written."""
        reasons = []
        for place, entry in enumerate(entries, 1):
            reason = self._accept_reason(entry) if self._accept is not None else None
            if reason is None and not self.save(entry, *([on_stored] if place == len(entries) else [])):
                reason = "backlog"
            reasons.append(reason)
        return next(filter(None, reasons), None)

    def save(self, entry: Entry, on_stored: Callable[[], object] = lambda: None) -> bool:
        """Write a ready-made entry; return False if too many writes are queued or the store is read-only."""
        return not self._read_only and self._write(entry.key, len(entry.body), lambda: entry, entry.ttl, on_stored)

    def pin(self, entry: Entry) -> None:
        """Keep the entry for ever: it never becomes stale, and if the store supports it, is exempt from the store's limits."""
        self.save(entry._replace(ttl=None))
        self.flush()
        if (pin := getattr(self.store, "pin", None)) is not None:
            pin(entry.key)

    def _write(self, key: str, size: int, make: Callable[[], Entry], own_ttl: Ttl, on_stored: Callable[[], object]) -> bool:
        fresh = effective_ttl(own_ttl, self._longest_ttl)
        keep_stale = None if self._plan.keep_stale is None else max(self._plan.keep_stale, self._plan.stale_if_error)
        ttl = None if fresh is None or keep_stale is None else fresh + keep_stale
        return self.queue.put(WriteJob(key, size, make, ttl, partial(self._on_written, on_stored)))

    def _on_written(self, on_stored: Callable[[], object], error: Exception | None) -> None:
        if error is None:
            on_stored()
        else:
            self.trouble(error)

    def _accept_reason(self, entry: Entry) -> str | None:
        assert self._accept is not None
        try:
            verdict = self._accept(entry)
        except Exception:
            self._warn("accept", "wirecache: accept= raised; the answer is not stored", exc_info=True)
            return "accept-error"
        return verdict if isinstance(verdict, str) and verdict else None if verdict else "accept"

    def discard(self, key: str) -> None:
        """Delete the entry under the key, unless the store is read-only."""
        if self._read_only:
            return
        self.queue.forget(key)
        try:
            drop(self.store, key)
        except Exception as error:
            self.trouble(error)

    def reject(self, key: str) -> None:
        """Delete an answer that was useless to its caller."""
        self.discard(key)

    def drop(self, key: str) -> None:
        """Delete the entry under the key. Raises what the store raises."""
        self.queue.forget(key)
        drop(self.store, key)

    def clear(self) -> None:
        """Delete all entries."""
        self.queue.forget()
        self._method("clear")()

    def flush(self, timeout: float = FLUSH_WAIT) -> bool:
        """Wait for pending writes for up to ``timeout`` seconds, and return whether they are done."""
        return self.queue.flush(timeout)

    def flush_if_cheap(self, call_seconds: float) -> None:
        """Wait until the answer is on disk, for a sync caller, if that is short compared with the time its calls take."""
        self.queue.flush_if_cheap(call_seconds)

    def close(self) -> None:
        """Finish the writes and close the store, which reopens when it is used again."""
        self.flush()
        if close := getattr(self.store, "close", None):
            close()

    # -- leases -------------------------------------------------------------------------------------------------------

    def acquire_lease(self, key: str) -> Lease:
        """Try to acquire the lease of this key; a failing store lets everybody forward."""
        assert self._leases is not None
        try:
            return self._leases.acquire(key)
        except Exception as error:
            self.trouble(error)
            return Lease.HELD

    def release_lease(self, key: str, stored: bool) -> None:
        """Release the lease in the background, once the pending writes are done."""
        if self._leases is not None:
            self.queue.after(partial(self._leases.release, key, stored))

    # -- trouble ------------------------------------------------------------------------------------------------------

    def trouble(self, error: Exception) -> None:
        """Count a failure of the store, and report it once for each cause."""
        self.on_trouble()
        self.report(error)

    def report(self, error: Exception) -> None:
        """Log a failure of the store once for each cause."""
        cause = redacted_text(f"{type(error).__name__}: {error}")  # a store's URL may contain a password
        self._warn(cause, "wirecache: the store is in trouble, calls go on without it: %s", cause)

    def _decoded(self, key: str, value: bytes) -> Entry | None:
        if value == GONE:
            return None
        try:
            return codec.decode(key, value)
        except codec.Damaged as error:
            self.trouble(error)
            return None

    def _method(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(self.store, name, None)
        if method is None:
            raise ConfigError(f"{type(self.store).__name__} has no {name}(), which this needs")
        return method


def _longest_ttl(plan: Plan) -> float | None:
    """Return the longest ttl of the cache and its rules, in seconds; None for ever."""
    ttls = [plan.ttl, *(rule.ttl_seconds for rule in plan.rules if rule.ttl_seconds is not UNSET)]
    return None if None in ttls else max(float(seconds) for seconds in ttls if isinstance(seconds, (int, float)))


async def _in_thread(action: Callable[..., Any], *arguments: Any) -> Any:
    from wirecache._runtime.beside_loop import run_beside_loop

    return await run_beside_loop(action, *arguments)
