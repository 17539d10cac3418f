"""The default store: one SQLite database in a private directory, by way of diskcache."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from wirecache._settings import parse_size
from wirecache.errors import StoreError

__all__ = ["DiskStore", "default_directory"]

logger = logging.getLogger("wirecache")
T = TypeVar("T")

DATABASE = "cache.db"
OPEN_WAIT = 1.0  # seconds; opening takes 1 to 15 ms, but a lock held by another process can hold it up for a minute
RETRY_AFTER = 5.0  # seconds before a store that could not be opened is tried again
KNOWN_SETTINGS = frozenset({"count", "size", "hits", "misses", "size_limit"})


def default_directory() -> Path:
    """Where is the default store? In ``WIRECACHE_DIR``, else in the user's cache directory."""
    if named := os.environ.get("WIRECACHE_DIR"):
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("wirecache", appauthor=False)


class DiskStore:
    """Entries in a directory that is this user's alone (mode 0700); safe for many threads and processes.

    ``size_limit``: bytes, or a text such as ``"4GB"``; above it, each write drops the ten entries that were stored longest ago.
    ``lock_wait``: seconds that a write waits for another process's write. Reads wait for nobody (SQLite's WAL mode).
    A database that cannot be read is renamed to ``cache.db.corrupt-<time>`` and a fresh one begun. Raises ``StoreError``.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, size_limit: int | str = "4GB", lock_wait: float = 5.0) -> None:
        self.path = Path(path).expanduser().absolute() if path is not None else default_directory().absolute()
        self.size_limit = parse_size(size_limit, "size_limit=")
        self.lock_wait = lock_wait
        self._lock = threading.Lock()
        self._cache: Any = None
        self._trouble: tuple[float, StoreError] | None = None

    def __repr__(self) -> str:
        return f"DiskStore({str(self.path)!r})"

    @property
    def location(self) -> str:
        """Where the entries are: two stores of one location are one store."""
        return str(self.path)

    def get(self, key: str) -> bytes | None:
        """The value under the key, or None."""
        return self._run(_get, key)

    async def aget(self, key: str) -> bytes | None:
        """The same on an event loop: a read takes 11 µs, a thread 90 to 650; only opening is left to a thread."""
        if self._cache is None and self._trouble is None:
            from anyio.to_thread import run_sync

            await run_sync(self._open_or_recall)
        return self.get(key)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key."""
        self._run(lambda cache, key: cache.set(key, value, expire=ttl), key)

    def delete(self, key: str) -> bool:
        """Drop the key; was there one?"""
        return bool(self._run(lambda cache, key: cache.delete(key), key))

    def keys(self) -> Iterator[str]:
        """The keys, in the order in which they were first stored."""
        return self._listed(iter)

    def newest(self) -> Iterator[str]:
        """The keys, those stored last first."""
        return self._listed(reversed)

    def _listed(self, order: Callable[[Any], Iterator[object]]) -> Iterator[str]:
        cache = self._open_or_recall()
        try:
            yield from (key for key in order(cache) if type(key) is str)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def clear(self) -> None:
        """Drop everything."""
        self._run(lambda cache, _: cache.clear(), "")

    def close(self) -> None:
        """Close this thread's connection; the next use opens it again."""
        with self._lock:
            cache, self._cache, self._trouble = self._cache, None, None
        if cache is not None:
            cache.close()

    # -- opening, and what can go wrong ---------------------------------------------------------------------------

    def _run(self, action: Callable[[Any, str], T], key: str) -> T:
        """Do it; if the database turns out broken, set that aside and do it on the fresh one. ``StoreError`` if neither can be."""
        cache = self._cache
        if cache is None:  # not "or": an empty diskcache is false, and asking costs a query
            cache = self._open_or_recall()
        try:
            return action(cache, key)
        except Exception as error:
            if not _is_corruption(error):
                raise self._error(error) from error
        try:
            return action(self._begin_afresh(cache), key)
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> StoreError:
        cause = error.__context__ or error  # diskcache hides SQLite's own words behind a Timeout
        return StoreError(f"{self.path}: {cause or type(error).__name__}")

    def _open_or_recall(self) -> Any:
        """Open the database, but not again and again while that fails."""
        with self._lock:
            if self._cache is None:
                if self._trouble and time.monotonic() < self._trouble[0]:
                    raise self._trouble[1]
                try:
                    self._cache = self._open()
                    self._trouble = None
                except StoreError as error:
                    self._trouble = (time.monotonic() + RETRY_AFTER, error)
                    raise
            return self._cache

    def _open(self) -> Any:
        from wirecache.stores._directory import private_directory

        private_directory(self.path, DATABASE)
        try:
            return self._in_time(self._open_database)
        except (sqlite3.DatabaseError, TypeError, ValueError, AssertionError) as error:
            if isinstance(error, sqlite3.OperationalError) and not _is_corruption(error):
                raise StoreError(f"{self.path}: {error}") from error
        self._warn_and_set_aside()
        private_directory(self.path, DATABASE)
        try:
            return self._in_time(self._open_database)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def _open_database(self) -> Any:
        from wirecache.stores._safe_disk import SETTINGS, open_safely

        connection = sqlite3.connect(self.path / DATABASE, timeout=OPEN_WAIT)
        try:  # a settings row of another name would become an attribute or an argument of diskcache's
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'Settings'").fetchone():
                names = {row[0] for row in connection.execute("SELECT key FROM Settings")}
                if names - KNOWN_SETTINGS - SETTINGS.keys():
                    raise ValueError(f"unknown settings {names!r}")
        finally:
            connection.close()
        cache = open_safely(self.path, self.lock_wait, self.size_limit)
        cache.close()  # this thread may be a helper; each thread opens its own connection
        return cache

    def _in_time(self, opening: Callable[[], T]) -> T:
        """Run it in a thread, and wait ``OPEN_WAIT`` seconds for it."""
        results: list[T] = []
        errors: list[Exception] = []

        def run() -> None:
            try:
                results.append(opening())
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=run, name="wirecache-open", daemon=True)
        thread.start()
        thread.join(OPEN_WAIT)
        if errors:
            raise errors[0]
        if not results:
            raise StoreError(f"{self.path}: could not be opened within {OPEN_WAIT:g} s; is another process holding its lock?")
        return results[0]

    def _begin_afresh(self, broken: Any) -> Any:
        """Set a database aside that turned out broken in use; another thread or process may have done it already."""
        with self._lock:
            if self._cache is broken:
                self._cache = None
                broken.close()
        return self._open_or_recall_checked()

    def _open_or_recall_checked(self) -> Any:
        with self._lock:
            if self._cache is not None:
                return self._cache
            if not self._passes_check():
                self._warn_and_set_aside()
        return self._open_or_recall()

    def _passes_check(self) -> bool:
        try:
            connection = sqlite3.connect(self.path / DATABASE, timeout=OPEN_WAIT)
            try:
                return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
            finally:
                connection.close()
        except sqlite3.Error:
            return False

    def _warn_and_set_aside(self) -> None:
        from wirecache.stores._directory import set_aside

        try:
            aside = set_aside(self.path, DATABASE, f"{time.time():.0f}-{os.getpid()}")
        except OSError as error:
            raise StoreError(f"{self.path}: the database is damaged and cannot be renamed: {error}") from error
        logger.warning("wirecache: the database in %s was damaged; it is now %s, and a fresh one was begun", self.path, aside.name)


def _get(cache: Any, key: str) -> bytes | None:
    value: bytes | None = cache.get(key)
    return value


def _is_corruption(error: Exception) -> bool:
    """Does SQLite say that the file is no database, or a broken one?"""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return True
    return isinstance(error, sqlite3.DatabaseError) and any(
        word in str(error) for word in ("malformed", "not a database", "no such table", "no such column")
    )
