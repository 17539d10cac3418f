"""The default store: one SQLite database in a private directory, by way of diskcache."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from wirecache._runtime.threads import run_in_thread
from wirecache._settings.sources import parse_size
from wirecache.errors import StoreError
from wirecache.stores._damage import cause_of, is_damage

if TYPE_CHECKING:
    from concurrent.futures import Future

    from wirecache.stores._safe_disk import SafeCache

__all__ = ["DiskStore", "default_directory"]

T = TypeVar("T")
P = ParamSpec("P")

OPEN_WAIT = 1.0  # seconds; opening takes 1 to 15 ms, but a lock held by another process can hold it up for a minute
RETRY_AFTER = 5.0  # seconds before a store that could not be opened is tried again
AT_ONCE = 256 * 1024  # bytes that are read on an event loop; more takes milliseconds
MOST = 2**62  # bytes; no value has more
LOOK_EVERY = 1.0  # seconds after which a read makes sure that the database is still where it was; a write always does


def default_directory() -> Path:
    """Where is the default store? In ``WIRECACHE_DIR``, else in the user's cache directory."""
    if named := os.environ.get("WIRECACHE_DIR"):
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("wirecache", appauthor=False)


class DiskStore:
    """Entries in a directory that is this user's alone (mode 0700); safe for many threads and processes, and over a fork.

    ``size_limit``: bytes, or a text such as ``"4GB"``; above it, a write drops the entries that were stored longest ago.
    ``lock_wait``: seconds that a write waits for another process's write. Reads wait for nobody (SQLite's WAL mode).
    A database that cannot be read is renamed to ``cache.db.corrupt-<time>`` and a fresh one begun; what was asked for is done
    there, and a ``StoreError`` says so once. Every other failure is a ``StoreError``, too.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, size_limit: int | str = "4GB", lock_wait: float = 5.0) -> None:
        self.path = Path(path).expanduser().absolute() if path is not None else default_directory().absolute()
        self.size_limit = parse_size(size_limit, "size_limit=")
        self.lock_wait = lock_wait
        self._cache: SafeCache | None = None
        self._opening: Future[SafeCache] | None = None
        self._lock = threading.Lock()
        self._look_at = 0.0
        self._trouble: tuple[float, StoreError] | None = None
        self._replaced: SafeCache | None = None  # what was open before
        self._damaged: tuple[int, int] | None = None  # the file of it that turned out so
        self._notice: StoreError | None = None  # what is still to be said
        self._begun = False  # was it ever open?
        _stores.add(self)

    def __repr__(self) -> str:
        return f"DiskStore({str(self.path)!r})"

    @property
    def location(self) -> str:
        """Where the entries are: two stores of one location are one store."""
        return os.path.realpath(self.path)

    def get(self, key: str) -> bytes | None:
        """The value under the key, or None."""
        try:
            return self._at_once(_get, key)
        except Exception:  # it is not open, or the trouble is met again, and seen to
            return self._run(_get, key)

    async def aget(self, key: str) -> bytes | None:
        """The same on an event loop: a read takes 11 µs, a thread 90 to 650; opening, repair and large values are left to a thread."""
        return await self._aread(_get_small, _get, key)

    def get_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """The value and the seconds that are left to it (None: for ever), or None."""
        return self._run(_get_with_ttl, key)

    async def aget_with_ttl(self, key: str) -> tuple[bytes, float | None] | None:
        """The same on an event loop."""
        return await self._aread(_get_small_with_ttl, _get_with_ttl, key)

    async def _aread(self, small: Callable[[SafeCache, str], T], read: Callable[[SafeCache, str], T], key: str) -> T:
        """What is small at once, all else in a thread."""
        if self._cache is None:
            self._raise_trouble()
        try:
            return self._at_once(small, key)
        except Exception:
            from anyio.to_thread import run_sync

            return await run_sync(lambda: self._run(read, key))

    def _at_once(self, read: Callable[[SafeCache, str], T], key: str) -> T:
        """The value, if nothing has to be opened or looked at before; ``StoreError`` if something has."""
        cache = self._cache
        if cache is None or time.monotonic() >= self._look_at:
            raise StoreError("not at once")
        with cache.connection.lock:
            return read(cache, key)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Keep the value under the key."""
        self._write(_set, key, value, ttl)

    def add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Keep the value if there is none under the key; was there none? Of several processes at once, one is told so."""
        return self._write(_add, key, value, ttl)

    def delete(self, key: str) -> bool:
        """Drop the key; was there one?"""
        return self._write(_delete, key)

    def keys(self) -> Iterator[str]:
        """The keys, in the order in which they were first stored."""
        return self._listed("ASC")

    def newest(self) -> Iterator[str]:
        """The keys, those stored last first."""
        return self._listed("DESC")

    def _listed(self, direction: str) -> Iterator[str]:
        low, high = 0, self._run(_last_row) + 1  # what is stored from now on is not listed
        while rows := self._run(_batch, low, high, direction):
            low, high = (rows[-1][0], high) if direction == "ASC" else (low, rows[-1][0])
            yield from (key for _, key in rows if isinstance(key, str))

    def add_history(self, lines: Iterable[tuple[object, ...]]) -> None:
        """Add these amounts to the statistics that are kept beside the entries (day, host, endpoint, model, namespace, band, name, amount).

        Where the directory was taken away since, nothing is begun anew for that.
        """
        if (self._begun or not self.path.parent.is_dir()) and not self.path.is_dir():
            return
        added: list[bool] = []
        try:
            self._write(_add_history, list(lines), added)
        except StoreError as notice:
            if not added:
                raise
            self._notice = notice  # it was done, so this is still to be said, by what comes next

    def history(self, since: int = 0) -> list[tuple[object, ...]]:
        """The statistics of all processes from that day on (days since 1970-01-01, UTC)."""
        return self._run(_history, since) if self.path.is_dir() else []

    def clear(self) -> None:
        """Drop everything but the statistics."""
        self._write(_clear)

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        with self._lock:
            cache, self._cache, self._trouble = self._cache, None, None
        if cache is not None:
            cache.close_all()

    # -- opening, and what can go wrong ---------------------------------------------------------------------------

    def _write(self, action: Callable[Concatenate[SafeCache, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._opened(look=True)  # what is written where nobody sees it is lost
        return self._run(action, *args, **kwargs)

    def _run(self, action: Callable[Concatenate[SafeCache, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it; if the database turns out damaged or gone, do it on a fresh one."""
        cache, afresh = self._opened(), False
        while True:
            try:
                done = _alone(cache, action, *args, **kwargs)
                break
            except Exception as error:
                damaged = is_damage(error)
                if afresh or (cache.in_place() and not damaged):
                    cache.connection.close()  # whatever it was in the middle of
                    raise self._error(error) from error
            cache, afresh = self._open_or_recall(instead_of=cache, damaged=damaged), True
        if self._notice is not None:
            notice, self._notice = self._notice, None
            raise notice
        return done

    def _error(self, error: Exception) -> StoreError:
        if isinstance(error, StoreError):
            return error
        cause = cause_of(error)
        return StoreError(f"{self.path}: {cause if str(cause) else type(cause).__name__}")

    def _opened(self, *, look: bool = False) -> SafeCache:
        """The open database, if it is the one that others see: a file that was removed can be read and written as before."""
        cache = self._cache
        if cache is None:  # not "or": an empty diskcache is false, and asking costs a query
            return self._open_or_recall()
        if look or time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY
            if not cache.in_place():
                return self._open_or_recall(instead_of=cache)
        return cache

    def _raise_trouble(self) -> None:
        if self._trouble is not None and time.monotonic() < self._trouble[0]:
            raise self._trouble[1].with_traceback(None)  # or it would grow with each call, and keep what the calls hold

    def _open_or_recall(self, *, instead_of: SafeCache | None = None, damaged: bool = False) -> SafeCache:
        """Open the database if no other thread has done so, but not again and again while that fails."""
        with self._lock:
            if self._cache is not None and self._cache is not instead_of:
                return self._cache
            if instead_of is not None:
                self._cache, self._replaced = None, instead_of
                self._damaged = instead_of.opened_as if damaged else self._damaged
            self._raise_trouble()
            try:
                self._cache = self._open_in_time()
                self._begun = True
                self._trouble = None
            except StoreError as error:
                self._trouble = (time.monotonic() + RETRY_AFTER, error)
                raise
            return self._cache

    def _open_in_time(self) -> SafeCache:
        """Open it in a thread, and wait ``OPEN_WAIT`` seconds for that; the next one to come waits for the same thread."""
        opening = self._opening = self._opening or run_in_thread(self._open, "wirecache-open")
        try:
            return opening.result(OPEN_WAIT)
        except Exception as error:
            if opening.done():
                raise self._error(error) from error
            raise StoreError(f"{self.path}: could not be opened within {OPEN_WAIT:g} s; is another process holding its lock?") from None
        finally:
            if opening.done():
                self._opening = None

    def _open(self) -> SafeCache:
        from wirecache.stores._directory import alone, private_directory, set_aside
        from wirecache.stores._safe_disk import DATABASE, SafeCache, identity

        file = self.path / DATABASE
        private_directory(self.path, DATABASE)
        with alone(self.path):
            if self._replaced is not None:
                self._replaced.retire()
                self._replaced = None
            private_directory(self.path, DATABASE)  # again: it may just have been set aside
            if self._damaged is None or self._damaged != identity(file):
                empty = file.stat().st_size == 0
                try:
                    return SafeCache(self.path, self.lock_wait, self.size_limit)
                except Exception as error:
                    if empty or not is_damage(error, opening=True):
                        raise
            aside = set_aside(self.path, DATABASE)
            private_directory(self.path, DATABASE)
            cache = SafeCache(self.path, self.lock_wait, self.size_limit)
        self._notice = StoreError(f"the database in {self.path} was damaged; it is now {aside.name}, and a fresh one was begun")
        return cache


def _alone(cache: SafeCache, action: Callable[Concatenate[SafeCache, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    with cache.connection.lock:
        return action(cache, *args, **kwargs)


def _get(cache: SafeCache, key: str) -> bytes | None:
    value: bytes | None = cache.get(key)
    return value


def _get_small(cache: SafeCache, key: str) -> bytes | None:
    found = cache.row(key, AT_ONCE)
    return None if found is None else found[0]


def _get_with_ttl(cache: SafeCache, key: str, largest: int = MOST) -> tuple[bytes, float | None] | None:
    found = cache.row(key, largest)
    return None if found is None else (found[0], None if found[1] is None else found[1] - time.time())


def _get_small_with_ttl(cache: SafeCache, key: str) -> tuple[bytes, float | None] | None:
    return _get_with_ttl(cache, key, AT_ONCE)


def _add(cache: SafeCache, key: str, value: bytes, ttl: float | None) -> bool:
    return bool(cache.add(key, value, expire=ttl))


def _set(cache: SafeCache, key: str, value: bytes, ttl: float | None) -> None:
    cache.set(key, value, expire=ttl)


def _delete(cache: SafeCache, key: str) -> bool:
    return bool(cache.delete(key))


def _clear(cache: SafeCache) -> None:
    cache.clear()


def _add_history(cache: SafeCache, lines: list[tuple[object, ...]], added: list[bool]) -> None:
    from wirecache.stores import _stats_table

    _stats_table.add(cache, lines)
    added.append(True)


def _history(cache: SafeCache, since: int) -> list[tuple[object, ...]]:
    from wirecache.stores import _stats_table

    return _stats_table.read(cache, since)


def _last_row(cache: SafeCache) -> int:
    return cache.last_row()


def _batch(cache: SafeCache, low: int, high: int, direction: str) -> list[tuple[int, object]]:
    return cache.batch(low, high, direction)


_stores: weakref.WeakSet[DiskStore] = weakref.WeakSet()


def _after_fork() -> None:
    """Whoever was opening a store in the parent is not in the child."""
    for store in list(_stores):
        store._lock = threading.Lock()
        store._opening = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
