"""The targets of imports and exports: a cassette directory or a store, without duplicating what is there already."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from wirecache._caches.cache import Cache
from wirecache._core.flows.rekey import import_refusal_reason, recomputed_key, rekeyed, split_entry
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.rules.freshness import age_of, effective_ttl
from wirecache._core.rules.plan import Embeddings
from wirecache.cassette import from_text, to_text
from wirecache.cassette._directory import Directory

__all__ = ["CassetteTarget", "StoreTarget"]

MILLISECOND = 0.001  # seconds; the resolution of recording times in cassette files


class CassetteTarget:
    """A cassette directory that entries are written to. ``written`` and ``already_there`` count the entries."""

    def __init__(self, path: Path, options: KeyOptions = DEFAULT_KEY) -> None:
        self.written = 0
        self.already_there = 0
        self._directory = Directory(path, options)
        self._options = options
        # By key: the recorded answers that have not yet been matched by an entry of this cassette.
        self._unmatched: dict[str, Counter[tuple[int, bytes, bool]]] = {}

    def begin_cassette(self) -> None:
        """Start on another cassette: answers that it shares with an earlier one are not written again."""
        self._unmatched.clear()

    def add(self, entry: Entry) -> None:
        """Write the entry as the next answer of its sequence, unless it is there already."""
        readable = self._as_read(entry)
        unmatched = self._unmatched.get(readable.key)
        if unmatched is None:
            recorded = [self._directory.read(name) for name in self._directory.of(readable.key)]
            unmatched = self._unmatched[readable.key] = Counter(entry.answer for entry in recorded)
        answer = readable.answer
        if unmatched[answer] > 0:
            unmatched[answer] -= 1
            self.already_there += 1
        else:
            self._write(entry, readable.key)

    def add_newest(self, entry: Entry) -> None:
        """Write the entry in place of an older answer to its request, unless there is an equal or newer one."""
        readable = self._as_read(entry)
        names = self._directory.of(readable.key)
        recorded = self._directory.read(names[-1]) if names else None
        if recorded is not None and (
            recorded.answer == readable.answer or (recorded.stored_at >= entry.stored_at - MILLISECOND and not recorded.ended_by_reader)
        ):
            self.already_there += 1
        else:
            self._write(entry, readable.key, replacing=names[-1] if names else None)

    def _as_read(self, entry: Entry) -> Entry:
        """Return the entry as its file will be read: redacted, under the key of the redacted request."""
        readable = from_text(to_text(entry, self._directory.redactor), "an entry").entry
        return readable._replace(key=recomputed_key(readable, self._options))

    def _write(self, entry: Entry, key: str, replacing: str | None = None) -> None:
        if replacing is not None:
            self._directory.replace(replacing, entry._replace(key=key))
        else:
            self._directory.add(entry._replace(key=key))
        self.written += 1


class StoreTarget:
    """A store that entries made elsewhere are written to, if a cache would have stored them.

    ``written`` and ``already_there`` count entries, ``stale`` the written ones that are past their ttl, and ``left_out`` the reasons why
    entries were left out. ``fresh``: count the age of entries from ``now`` instead of from when they were recorded.
    """

    def __init__(self, cache: Cache, now: float, *, fresh: bool) -> None:
        self.written = 0
        self.already_there = 0
        self.stale = 0
        self.left_out: Counter[str] = Counter()
        self._cache = cache
        self._now = now
        self._fresh = fresh

    def begin_cassette(self) -> None:
        """Do nothing: a store has one answer per request, whichever cassette it comes from."""

    def add(self, entry: Entry) -> str | None:
        """Write the entry unless there is an equal or newer one; return the reason if a cache would not have stored it."""
        if reason := import_refusal_reason(entry):
            self.left_out[reason] += 1
            return reason
        plan = self._cache.plan
        items = split_entry(entry, plan.key, plan.namespace) if plan.embeddings is Embeddings.ITEMS else None
        if isinstance(items, str):
            self.left_out[items] += 1
            return items
        for own in items or [rekeyed(entry, plan.key, plan.namespace)]:
            self._write(own)
        return None

    def _write(self, own: Entry) -> None:
        plan = self._cache.plan
        stored = self._cache.get(own.key)
        if stored is not None and (stored.answer == own.answer or stored.stored_at >= own.stored_at):
            self.already_there += 1
            return
        if self._fresh:
            own = own._replace(stored_at=self._now)
        while not self._cache.engine.source.save(own):  # the queue of writes is full
            self._cache.flush()
        lifetime = effective_ttl(own.ttl, plan.ttl)
        self.stale += lifetime is not None and age_of(own, self._now) > lifetime
        self.written += 1
