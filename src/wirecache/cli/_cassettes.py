"""What becomes of entries that go into a cassette directory, or come from files into a store? The same twice is there once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from wirecache import Cache, Entry
from wirecache._core.flows.rekey import import_refusal_reason, recomputed_key, rekeyed
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.rules.freshness import age_of, effective_ttl
from wirecache.cassette import from_text, to_text
from wirecache.cassette._directory import Directory
from wirecache.cassette._file_names import SCHEMA_NAME, short_key_of
from wirecache.cassette._importers.detect import read_any

__all__ = ["Shelved", "Stored", "cassette_files", "read_any"]

MILLISECOND = 0.001  # seconds; a file's time is no finer
SUFFIXES = frozenset({".json", ".yaml", ".yml", ".toml"})


def cassette_files(path: Path) -> Iterator[Path]:
    """The files that may be cassettes: the one that is named, or all below a directory, each sequence in its order."""
    if not path.is_dir():
        yield path
        return
    for here, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names, key=lambda name: (short_key_of(name) or (name, 0), name)):
            if Path(name).suffix.lower() in SUFFIXES and name != SCHEMA_NAME and not name.startswith("."):
                yield Path(here, name)


class Shelved:
    """A cassette directory that takes entries."""

    def __init__(self, path: Path, options: KeyOptions = DEFAULT_KEY) -> None:
        self._directory = Directory(path, options)
        self._options = options
        self._there: dict[str, Counter[tuple[int, bytes]]] = {}
        self.written = self.already = 0

    def put(self, entry: Entry) -> None:
        """Write it as the next of its sequence, if it is not there."""
        made, what = self._as_read(entry)
        there = self._there.get(made.key)
        if there is None:
            there = self._there[made.key] = Counter(_what(self._directory.read(name)) for name in self._directory.of(made.key))
        if there[what] > 0:
            there[what] -= 1
            self.already += 1
        else:
            self._directory.add(made)
            self.written += 1

    def begin(self) -> None:
        """What comes now is another cassette: what it has in common with those before is not there twice."""
        self._there.clear()

    def renew(self, entry: Entry) -> None:
        """Write it, in place of an older answer to the same request, unless there is one that is as new."""
        made, what = self._as_read(entry)
        names = self._directory.of(made.key)
        there = self._directory.read(names[-1]) if names else None
        if there is not None and (_what(there) == what or there.stored_at >= made.stored_at - MILLISECOND):
            self.already += 1
            return
        if names:
            self._directory.replace(names[-1], made)
        else:
            self._directory.add(made)
        self.written += 1

    def _as_read(self, entry: Entry) -> tuple[Entry, tuple[int, bytes]]:
        """The entry, with the key that a reader of its file will compute (without its secrets), and what will be read of it."""
        told = from_text(to_text(entry, self._directory.redactor), "an entry").entry
        return entry._replace(key=recomputed_key(told, self._options)), _what(told)


def _what(entry: Entry) -> tuple[int, bytes]:
    return entry.status, entry.body


class Stored:
    """A store that takes entries which were made elsewhere, as far as a cache would have stored them."""

    def __init__(self, cache: Cache, now: float, *, fresh: bool) -> None:
        self._cache = cache
        self._now = now
        self._fresh = fresh
        self.written = self.already = self.stale = 0
        self.left_out: Counter[str] = Counter()

    def begin(self) -> None:
        """What comes now is another cassette: to a store it is all the same."""

    def put(self, entry: Entry) -> None:
        """Store it, unless a cache would not have, or there is one that is as new."""
        if reason := import_refusal_reason(entry):
            self.left_out[reason] += 1
            return
        plan = self._cache.plan
        made = rekeyed(entry, plan.key, plan.namespace)
        there = self._cache.get(made.key)
        if there is not None and ((there.status, there.body) == (made.status, made.body) or there.stored_at >= made.stored_at):
            self.already += 1
            return
        if self._fresh:
            made = made._replace(stored_at=self._now)
        while not self._cache.save(made):  # too much waits to be written
            self._cache.flush()
        lifetime = effective_ttl(made.ttl, plan.ttl)
        self.stale += lifetime is not None and age_of(made, self._now) > lifetime
        self.written += 1
