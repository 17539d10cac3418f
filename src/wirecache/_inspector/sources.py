"""What do the pages show? Stores and directories of cassettes, as lists of exchanges that can be read one by one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from wirecache._caches.cache import Cache
from wirecache._caches.cassette import Cassette
from wirecache._caches.explain import Explanation, FindNearest, explain_request
from wirecache._core.messages import Entry
from wirecache._core.rules.plan import time_left
from wirecache._engine.miss_log import Miss, MissLog
from wirecache._inspector.source import Source
from wirecache._views.places import NoStoreYet, cassette_directory, is_missing
from wirecache.cassette import from_text, short_key_of, to_text
from wirecache.cassette._directory import Directory
from wirecache.errors import CassetteError, ConfigError
from wirecache.stores import DiskStore, Store

__all__ = ["Cassettes", "Place", "StoreSource", "open_sources"]

Place: TypeAlias = Cache | Cassette | Store | str | os.PathLike[str]

SKIPPED = frozenset({".git", ".hg", ".tox", ".nox", ".venv", "venv", "__pycache__", "node_modules"})


class StoreSource:
    """The entries of a cache's store."""

    is_cassette = False

    def __init__(self, id: str, cache: Cache) -> None:
        self.id = id
        self.name = repr(cache.store)
        self._cache = cache
        self._nothing: Cache | None = None  # that of a store which is not there, made when it is needed
        self._miss_log = MissLog()
        cache.engine.observe(self._miss_log)

    @property
    def cache(self) -> Cache:
        """The cache; an empty one while its store is not there, or not there any more: reading would create it."""
        if not is_missing(self._cache.store):
            return self._cache
        if self._nothing is None:
            self._nothing = Cache(NoStoreYet(repr(self._cache.store)))
        return self._nothing

    def refs(self) -> Iterator[str]:
        """Yield the keys, the newest first where the store can list them so; those that are still to be written before all."""
        cache = self.cache
        cache.flush()
        return cache.engine.source.newest_keys()

    def read(self, ref: str) -> Entry | None:
        """Return the entry, or None."""
        return self.cache.get(ref)

    def test_of(self, ref: str) -> str:
        """Return an empty text."""
        return ""

    def expires_at(self, entry: Entry, now: float) -> float | None:
        """Return when the entry becomes stale, by the settings of the cache."""
        left = time_left(entry, self.cache.plan, now)
        return None if left is None else now + left

    def hits(self) -> dict[str, int]:
        """Return how often each entry was reused, by key."""
        hits: dict[str, int] = self.cache.engine.source.hits()
        return hits

    def misses(self) -> list[Miss]:
        """Return what the cache missed of late in this process."""
        return self._miss_log.misses()

    def explain(self, request: Any, find_nearest: FindNearest) -> Explanation:
        """Return what the cache would do with the request."""
        engine = self.cache.engine
        return explain_request(engine, request, None, engine.source.look_up, find_nearest)

    def drop(self, ref: str) -> None:
        """Drop the entry."""
        self.cache.engine.source.drop(ref)

    def pin(self, ref: str, entry: Entry) -> None:
        """Keep the entry for ever."""
        self.cache.engine.source.pin(entry)

    def put(self, ref: str, entry: Entry) -> None:
        """Store the entry."""
        self.cache.engine.source.save(entry)
        self.cache.flush()


class Cassettes:
    """The recordings in a directory and below it."""

    is_cassette = True

    def __init__(self, id: str, root: Path) -> None:
        self.id = id
        self.root = root.expanduser().absolute()
        self.name = str(root)
        self._lock = threading.Lock()

    def refs(self) -> Iterator[str]:
        """Yield the paths of the recordings below the root, those written last first."""
        found = [(_mtime(path), path) for path in _recordings(self.root)]
        return (path.relative_to(self.root).as_posix() for _, path in sorted(found, reverse=True))

    def path_of(self, ref: str) -> Path | None:
        """Return the path of a recording; None if the ref leads out of the root or names no recording."""
        path = self.root / ref
        if ".." in Path(ref).parts or Path(ref).is_absolute() or short_key_of(path.name) is None:
            return None
        return path if path.resolve().is_relative_to(self.root.resolve()) else None

    def text_of(self, ref: str) -> str | None:
        """Return the text of the file, or None."""
        path = self.path_of(ref)
        try:
            return path.read_text("utf-8") if path is not None else None
        except (OSError, UnicodeDecodeError):
            return None

    def read(self, ref: str) -> Entry | None:
        """Return the recording, or None."""
        text = self.text_of(ref)
        try:
            return from_text(text, ref).entry if text is not None else None
        except CassetteError:
            return None

    def test_of(self, ref: str) -> str:
        """Return the directory of the recording below the root; the root's own name for one directly in it."""
        return ref.rpartition("/")[0] or self.root.name

    def expires_at(self, entry: Entry, now: float) -> float | None:
        """Return None: recordings do not expire."""
        return None

    def hits(self) -> dict[str, int]:
        """Return nothing: replays are not counted."""
        return {}

    def misses(self) -> list[Miss]:
        """Return none: who replays is another process."""
        return []

    def explain(self, request: Any, find_nearest: FindNearest) -> Explanation:
        """Return what the cassette that fits best would do with the request: one that has it, else the one with the nearest recording."""
        folders = sorted({path.parent for path in _recordings(self.root)}) or [self.root]
        explanations = [Cassette(folder, "none").explain(request) for folder in folders]
        return min(explanations, key=_misfit)

    def drop(self, ref: str) -> None:
        """Remove the file."""
        if (path := self.path_of(ref)) is not None:
            Directory(path.parent).remove(path.name)

    def pin(self, ref: str, entry: Entry) -> None:
        """Do nothing: a recording is never stale, and stays until somebody removes it."""

    def put(self, ref: str, entry: Entry) -> None:
        """Write the file, without the secrets of the entry."""
        self.put_text(ref, to_text(entry))

    def put_text(self, ref: str, text: str) -> None:
        """Write the text of a file, whole or not at all."""
        if (path := self.path_of(ref)) is not None:
            with self._lock:
                temporary = path.with_name(f".{path.name}.tmp")
                temporary.write_text(text, "utf-8", newline="\n")
                os.replace(temporary, path)


def _misfit(explanation: Explanation) -> tuple[bool, int]:
    """Return how far the nearest recording is from the request; less is nearer."""
    return explanation.reason is not None, len(explanation.nearest.differences) if explanation.nearest else 1000


def _recordings(root: Path) -> Iterator[Path]:
    """Yield the files below the root that have the name of a recording; links to directories are not followed."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED)
        yield from (Path(folder, name) for name in names if short_key_of(name) is not None)


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def open_sources(places: Place | Sequence[Place] | None, *, read_only: bool = False) -> list[Source]:
    """Return the sources at these places: caches, cassettes, stores, paths and URLs; None: the store that ``Cache()`` uses.

    ``read_only``: disk stores are opened so that nothing in their directories is written.
    """
    if places is None or (isinstance(places, Sequence) and not isinstance(places, str) and not places):
        return [StoreSource("0", _opened(None, read_only))]
    given = list(places) if isinstance(places, (list, tuple)) else [places]
    return [_source(str(number), place, read_only) for number, place in enumerate(given)]


def _source(id: str, place: Any, read_only: bool) -> Source:
    if isinstance(place, Cache):
        return StoreSource(id, place)
    if isinstance(place, Cassette):
        return Cassettes(id, Path(place.path))
    if isinstance(place, (str, os.PathLike)):
        text = os.fspath(place)
        directory = cassette_directory(text)
        if directory is not None and next(_recordings(directory), None) is not None:
            return Cassettes(id, directory)
        if directory is None and "://" not in text and Path(text).expanduser().is_file():
            raise ConfigError(f"{text} is a file; name the directory of a store or of cassettes, or the URL of a store")
    return StoreSource(id, _opened(place, read_only))


def _opened(place: Any, read_only: bool) -> Cache:
    cache = Cache(place)
    if read_only and isinstance(cache.store, DiskStore) and not cache.store.read_only:
        return Cache(DiskStore(cache.store.path, read_only=True))
    return cache
