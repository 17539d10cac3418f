"""The default store: one SQLite database in a private directory, by way of diskcache."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wirecache._settings.homes import expanded
from wirecache._settings.sizes import parse_size
from wirecache.errors import StoreError
from wirecache.stores._damage import is_damage
from wirecache.stores._opener import DatabaseOptions
from wirecache.stores._read_only import read_only_error
from wirecache.stores._shared_database import shared_database

if TYPE_CHECKING:
    from wirecache.stores._safe_disk import Row, SafeCache

__all__ = ["DiskStore", "default_directory"]

T = TypeVar("T")

MAX_ON_LOOP = 256 * 1024  # bytes of a value that is read on an event loop; more takes milliseconds
UNLIMITED = 2**62  # bytes; no value has more
CHECK_EVERY = 1.0  # seconds after which a read makes sure that the database is still where it was; a write always does


def default_directory() -> Path:
    """Return the directory of the default store: ``WIRECACHE_DIR``, else the user's cache directory.

    Raises ``ConfigError`` if it is in a home directory that cannot be found.
    """
    if directory := os.environ.get("WIRECACHE_DIR"):
        return expanded(directory)
    from platformdirs import user_cache_path

    try:
        path = user_cache_path("wirecache", appauthor=False)
    except RuntimeError:
        path = Path("~/.cache/wirecache")  # as its older versions return it
    return expanded(path)


class DiskStore:
    """Entries in a directory that is this user's alone (mode 0700); safe for many threads and processes, and over a fork.

    ``path``: the directory; None for the default one. ``size_limit``: bytes, or a text such as ``"4GB"``; above it, a write deletes the
    entries that were stored longest ago, but none that is pinned.
    ``lock_wait``: seconds that a write waits for another process's write. Reads wait for nobody (SQLite's WAL mode).
    ``open_wait``: seconds that a call waits for the database to be opened: it takes 1 to 25 ms, but a drive that stalls, or another process
    that holds a lock while a new database is created, can hold it up for a minute.
    ``read_only``: entries are used and never changed, and nothing is written to the directory, which may be on a read-only drive.
    A database that cannot be read is renamed to ``cache.db.corrupt-<time>``, a new one is created and the operation done there, and a
    ``StoreError`` reports that once. Every other failure is a ``StoreError``, too.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        size_limit: int | str = "4GB",
        lock_wait: float = 5.0,
        open_wait: float = 3.0,
        read_only: bool = False,
    ) -> None:
        self.path = expanded(path).absolute() if path is not None else default_directory().absolute()
        self.size_limit = parse_size(size_limit, "size_limit")
        self.lock_wait = lock_wait
        self.open_wait = open_wait
        self.read_only = read_only
        self._database = shared_database(self, DatabaseOptions(self.path, self.size_limit, lock_wait, open_wait, read_only))
        self._opener, self._breaker = self._database.opener, self._database.breaker
        self._next_check = 0.0  # on the monotonic clock

    def __repr__(self) -> str:
        return f"DiskStore({str(self.path)!r}{', read_only=True' if self.read_only else ''})"

    @property
    def location(self) -> str:
        """Where the entries are: two stores of one location are one store."""
        return os.path.realpath(self.path)

    def get(self, key: str) -> bytes | None:
        """Return the value under the key, or None."""
        row = self._read(key)
        return None if row is None else row[0]

    async def aget(self, key: str) -> bytes | None:
        """Return the value under the key, or None. Only opening, repair and large values take a thread."""
        row = await self._aread(key)
        return None if row is None else row[0]

    def get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        return _with_ttl(self._read(key))

    async def aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """Return the value and the seconds until it expires (None: never), or None."""
        return _with_ttl(await self._aread(key))

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those keys that have one."""
        return {key: value for key in keys if (value := self.get(key)) is not None}

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key for ``ttl`` seconds (None: for ever)."""
        self._write(lambda cache: cache.set(key, value, expire=ttl))

    def set_many(self, values: Mapping[str, tuple[bytes, float | None]]) -> None:
        """Keep several values, each for its seconds (None: for ever): all of them or none. It takes a quarter of the time of ``set``."""
        self._write(lambda cache: cache.set_many(values), reports=False)

    def add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Keep the value if there is none under the key. Return whether it was kept: of several processes at once, one gets True."""
        return self._write(lambda cache: bool(cache.add(key, value, expire=ttl)))

    def delete(self, key: str) -> bool:
        """Delete the key. Return whether there was a value."""
        return self._write(lambda cache: bool(cache.delete(key)))

    def pin(self, key: str) -> bool:
        """Keep the value of the key, whatever the size limit, until it is deleted or replaced. Return whether there is one."""
        return self._write(lambda cache: cache.pin(key))

    def keys(self) -> Iterator[str]:
        """Return the keys, in the order in which they were first stored."""
        return self._list("ASC")

    def newest(self) -> Iterator[str]:
        """Return the keys, those stored last first."""
        return self._list("DESC")

    def _list(self, direction: str) -> Iterator[str]:
        low, high = 0, self._run(lambda cache: cache.last_row()) + 1  # what is stored from now on is not listed
        while rows := self._run(lambda cache: cache.batch(low, high, direction)):  # noqa: B023  # it is called at once
            low, high = (rows[-1][0], high) if direction == "ASC" else (low, rows[-1][0])
            yield from (key for _, key in rows if isinstance(key, str))

    def add_history(self, lines: Iterable[tuple[object, ...]]) -> None:
        """Add these amounts to the statistics that are kept beside the entries (day, host, endpoint, model, namespace, band, name, amount).

        If the directory was removed meanwhile, nothing is created for that.
        """
        from wirecache.stores import _stats_table

        if self.read_only or ((self._opener.has_opened or not self.path.parent.is_dir()) and not self.path.is_dir()):
            return
        rows = list(lines)
        self._write(lambda cache: _stats_table.add(cache, rows), reports=False)

    def history(self, since: int = 0) -> list[tuple[object, ...]]:
        """Return the statistics of all processes from that day on (days since 1970-01-01, UTC)."""
        from wirecache.stores import _stats_table

        return self._run(lambda cache: _stats_table.read(cache, since)) if self.path.is_dir() else []

    def add_hits(self, counts: Mapping[str, int]) -> None:
        """Add to how often the value of each key was reused. If the directory was removed meanwhile, nothing is created for that."""
        if not self.read_only and self.path.is_dir():
            self._write(lambda cache: cache.add_hits(counts))

    def hits(self) -> dict[str, int]:
        """Return how often the value of each key was reused since it was set, in all processes; none that never was."""
        return self._run(lambda cache: cache.hits_by_key()) if self.path.is_dir() else {}

    def count(self, counter: str, amounts: Mapping[str, int], *, ttl: float) -> dict[str, int]:
        """Add the amounts to a counter that all processes share, and return its sums. It is kept for ``ttl`` seconds from now."""
        from wirecache.stores import _budget_table

        return self._write(lambda cache: _budget_table.add(cache, counter, amounts, ttl), reports=False)

    def clear(self) -> None:
        """Delete everything but the statistics and the counters of budgets."""
        self._write(lambda cache: cache.clear())

    def close(self) -> None:
        """Close the connections. The next use opens them again."""
        self._database.close()

    # -- opening, and what can go wrong ---------------------------------------------------------------------------

    def _read(self, key: str) -> Row | None:
        try:
            return self._read_at_once(key, UNLIMITED)
        except Exception:  # it is not open, or the same error is met again, and handled
            return self._run(lambda cache: cache.row(key, UNLIMITED))

    async def _aread(self, key: str) -> Row | None:
        """Read on the event loop: it takes 11 µs, a thread 90 to 650. A large value, or a database that is not ready, takes a thread."""
        if self._breaker.current is None:
            self._breaker.raise_if_down()
        try:
            return self._read_at_once(key, MAX_ON_LOOP)
        except Exception:
            from wirecache._runtime.beside_loop import run_beside_loop

            return await run_beside_loop(lambda: self._run(lambda cache: cache.row(key, UNLIMITED)))

    def _read_at_once(self, key: str, max_size: int) -> Row | None:
        """Read without opening anything; an exception if that is due, or if the value is too large."""
        cache = self._breaker.current
        if cache is None or (time.monotonic() >= self._next_check and not self._is_in_place(cache)):
            raise StoreError("the database is to be opened")
        return cache.row(key, max_size)

    def _write(self, action: Callable[[SafeCache], T], *, reports: bool = True) -> T:
        if self.read_only:
            raise read_only_error(self)
        return self._run(action, check=True, reports=reports)  # what is written to a file that was removed is lost

    def _run(self, action: Callable[[SafeCache], T], *, check: bool = False, reports: bool = True) -> T:
        """Call the action with the database. If that turns out damaged or gone, call it with a new one.

        ``reports``: raise, once the action is done, that a damaged database was replaced; else that is for the next operation to report.
        """
        cache, is_new = self._opened(check=check), False
        while True:
            try:
                with cache.connection.lock:
                    result = action(cache)
                break
            except Exception as error:
                damaged = is_damage(error)
                if is_new or (cache.in_place() and not damaged):
                    cache.connection.close()  # it may be in the middle of a transaction
                    raise self._opener.store_error(error) from error
            cache, is_new = self._replace(cache, damaged=damaged), True
        if reports:
            self._opener.raise_notice()
        return result

    def _opened(self, *, check: bool) -> SafeCache:
        """Return the database, after a ``check`` that it is the one that others see: a file that was removed can still be written."""
        cache = self._breaker.current
        if cache is None:
            return self._breaker.get()
        if (check or time.monotonic() >= self._next_check) and not self._is_in_place(cache):
            return self._replace(cache, damaged=False)
        return cache

    def _is_in_place(self, cache: SafeCache) -> bool:
        """Return whether the database is the one that others see, and if so, do not ask again for a while. It takes microseconds."""
        if is_in_place := cache.in_place():
            self._next_check = time.monotonic() + CHECK_EVERY
        return is_in_place

    def _replace(self, cache: SafeCache, *, damaged: bool) -> SafeCache:
        """Return a database in the place of this one, unless another thread has opened one already."""
        with self._database.replacing:
            current = self._breaker.current
            if current is None or current is cache:
                self._opener.replace(cache, damaged=damaged)
                self._breaker.discard(cache)
        return self._breaker.get()


def _with_ttl(row: Row | None) -> tuple[bytes, float | None] | None:
    return None if row is None else (row[0], None if row[1] is None else row[1] - time.time())
