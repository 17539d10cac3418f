"""How is diskcache kept from executing what it reads?

diskcache lets the row choose how a value is read (CVE-2025-69872): pickled rows run code, file names leave the directory.
Here keys are text, values are bytes in the row, and every other kind of row is refused as if it were absent.
It also lets the file choose its settings, and reads them again for each thread; here they have no effect.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import diskcache
from diskcache.core import METADATA, MODE_RAW

from wirecache.stores._connections import ThreadConnection
from wirecache.stores._schema import delete_foreign_settings, has_schema
from wirecache.stores._stats_table import SIZE, STATISTICS
from wirecache.stores._transaction import transaction

if TYPE_CHECKING:  # diskcache has no types, and what can be guessed of them is not what it allows
    _Cache: Any = object
    _Disk: Any = object
else:
    _Cache = diskcache.Cache
    _Disk = diskcache.Disk

__all__ = ["DATABASE", "Row", "SafeCache", "SafeDisk", "decode_text", "identity"]

DATABASE = "cache.db"  # diskcache's name for it
BATCH = 100  # keys that one query lists
MEASURED_EVERY = 10.0  # seconds
EXPIRED_PER_WRITE = 10  # rows
PINNED = "pinned"  # in diskcache's column for a tag, which it clears when the key is set again
EVICTED_PER_WRITE = 100  # rows; one or two are enough unless the limit was lowered

# All settings, given at every open: what another program wrote into the file has no effect.
# The cache of pages is SQLite's own default, 2 MB: each thread has one, and diskcache's 32 MB for each of 16 threads made 640 MB of a
# process, for reads that were no faster (the system caches the file).
# mmap is off: a file cut short by somebody else would kill the process instead of raising an error.
SETTINGS: dict[str, Any] = {
    "statistics": 0,
    "tag_index": 0,
    "eviction_policy": "least-recently-stored",
    "cull_limit": 10,
    "sqlite_auto_vacuum": 1,
    "sqlite_cache_size": 2**9,
    "sqlite_journal_mode": "wal",
    "sqlite_mmap_size": 0,
    "sqlite_synchronous": 1,
    "disk_min_file_size": 2**62,
    "disk_pickle_protocol": 0,
}
PER_CONNECTION = ("cache_size", "mmap_size", "synchronous")
JOURNAL_SIZE = 4 * 1024 * 1024  # bytes that stay of the journal when it begins anew; a long read may have let it grow
KNOWN_SETTINGS = frozenset({*METADATA, *SETTINGS, "size_limit"})


class SafeDisk(_Disk):  # type: ignore[misc]  # see above
    """Text keys and bytes values, both in the database row; nothing else is read."""

    def put(self, key: object) -> tuple[str, bool]:
        """Return the row's key."""
        if type(key) is not str:
            raise TypeError(f"keys must be str, got {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> NoReturn:
        """Raise: keys are listed by ``SafeCache.batch``."""
        raise TypeError("keys are not unpickled")

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, None, memoryview]:
        """Return the columns of a value."""
        if type(value) is not bytes or read:
            raise TypeError(f"values must be bytes, got {type(value).__name__}")
        return 0, MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:
        """Return the value of a row; for a row of any other kind nothing, which is not a valid frame."""
        if mode != MODE_RAW or filename is not None or type(value) is not bytes or read:
            return b""
        return value

    def remove(self, file_path: object) -> None:
        """Do nothing: values are never in files, so a file that a row names is not ours to delete."""

    def filename(self, key: object = None, value: object = None) -> NoReturn:
        """Raise: values are never in files."""
        raise TypeError("values are kept in the database")


class _LargeValue(Exception):
    """The value is larger than the caller wants to read."""


Row: TypeAlias = tuple[bytes, float | None]  # a value, and when it expires (seconds since 1970, None: never)
_ROW = (
    "SELECT mode, filename, CASE WHEN length(value) <= ? THEN value END, expire_time, length(value) > ? FROM Cache "
    "WHERE key = ? AND raw = 1 AND (expire_time IS NULL OR expire_time > ?)"
)

_COLUMNS = ("key", "raw", "expire_time", "size", "mode", "filename", "value", "store_time", "access_time", "access_count", "tag")
_SET = (
    f"INSERT INTO Cache({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL) "
    f"ON CONFLICT (key, raw) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[2:])}"
)


class SafeCache(_Cache):  # type: ignore[misc]  # see above
    """diskcache on our own connections. Whoever uses it holds ``connection.lock``.

    ``size_limit``: bytes. ``lock_wait``: seconds that a write waits for another process's; ``open_wait``: the same while the database is
    opened. Raises what sqlite3 raises.
    """

    def __init__(self, directory: Path, size_limit: int, *, lock_wait: float, open_wait: float) -> None:
        self._file = directory / DATABASE
        self._open_wait = open_wait
        self._local = threading.local()
        self._connections: weakref.WeakSet[ThreadConnection] = weakref.WeakSet()
        self._retired = False
        self._timeout = 0.0
        self._next_measurement, self._measured = 0.0, 0
        self.opened_as = identity(self._file)
        settings = {"size_limit": size_limit, **SETTINGS}
        with self.connection.lock:
            try:
                delete_foreign_settings(self._con, KNOWN_SETTINGS)
                if has_schema(self._con, settings):
                    self._adopt(settings)
                else:  # not the directory's name: diskcache would expand "~" and "$NAME" in it
                    super().__init__(".", timeout=lock_wait, disk=SafeDisk, **settings)
                self._timeout = lock_wait
            finally:
                self.connection.close()

    def _adopt(self, settings: Mapping[str, Any]) -> None:
        """Set the attributes that diskcache's ``__init__`` sets, which writes to the database even if nothing in it is to be changed."""
        self._directory, self._txn_id = ".", None
        self._disk = SafeDisk(".", settings["disk_min_file_size"], settings["disk_pickle_protocol"])
        (self._page_size,) = self._con.execute("PRAGMA page_size").fetchone()
        for name, value in {**METADATA, **settings}.items():
            setattr(self, name, value)

    @property
    def connection(self) -> ThreadConnection:
        """This thread's connection."""
        try:
            connection: ThreadConnection = self._local.connection
        except AttributeError:
            connection = self._local.connection = ThreadConnection()
            self._connections.add(connection)
        return connection

    @property
    def _con(self) -> sqlite3.Connection:
        connection = self.connection
        if connection.handle is None:
            connection.handle = self._connect()
        return connection.handle

    def _connect(self) -> sqlite3.Connection:
        if self._retired:
            raise sqlite3.OperationalError("the database was replaced")
        handle = sqlite3.connect(self._file, timeout=self._timeout or self._open_wait, isolation_level=None, check_same_thread=False)
        handle.text_factory = decode_text
        try:
            for name in PER_CONNECTION:
                handle.execute(f"PRAGMA {name} = {SETTINGS['sqlite_' + name]}")
            handle.execute(f"PRAGMA journal_size_limit = {JOURNAL_SIZE}")
        except BaseException:
            handle.close()
            raise
        return handle

    def close(self) -> None:
        """Close this thread's connection."""
        self.connection.close()

    def close_all(self) -> None:
        """Close the connections of all threads, after the work under way."""
        for connection in list(self._connections):
            connection.close()

    def retire(self) -> None:
        """Close the connections of all threads for good.

        It is done before the file is renamed: the last connection to be closed deletes the journal, by its name.
        """
        self._retired = True
        self.close_all()

    def in_place(self) -> bool:
        """Return whether the file under the database's name is still the one that was opened."""
        return not self._retired and identity(self._file) == self.opened_as

    def row(self, key: str, max_size: int) -> Row | None:
        """Return the value and when it expires (seconds since 1970, None: never), or None.

        A value of more than ``max_size`` bytes is not read: an exception is raised instead.
        """
        connection = self.connection
        with connection.lock:
            handle = connection.handle or self._con
            row = handle.execute(_ROW, (max_size, max_size, key, time.time())).fetchone()
        if row is None:
            return None
        mode, filename, value, expires, is_large = row
        if is_large:
            raise _LargeValue
        return self._disk.fetch(mode, filename, value, False), expires

    def set_many(self, values: Mapping[str, tuple[bytes, float | None]]) -> None:
        """Set the values of several keys, each with the seconds that it is kept (None: for ever), in one transaction.

        The rows are those that diskcache's ``set`` makes; its triggers count them.
        """
        now = time.time()
        rows = [
            (*self._disk.put(key), None if ttl is None else now + ttl, *self._disk.store(value, False), now, now)
            for key, (value, ttl) in values.items()
        ]
        with transaction(self._con):
            self._con.executemany(_SET, rows)
            self._cull(now, self._sql, None, len(rows))

    def last_row(self) -> int:
        """Return the number of the row that was added last."""
        return int(self._sql("SELECT COALESCE(MAX(rowid), 0) FROM Cache").fetchone()[0])

    def batch(self, low: int, high: int, direction: str) -> list[tuple[int, object]]:
        """Return the first rows between two row numbers, ``ASC`` or ``DESC``: number and key (None: not one of ours)."""
        key = "CASE WHEN raw = 1 AND typeof(key) = 'text' THEN key END"
        rows = f"SELECT rowid, {key} FROM Cache WHERE ? < rowid AND rowid < ? ORDER BY rowid {direction} LIMIT {BATCH}"
        batch: list[tuple[int, object]] = self._sql(rows, (low, high)).fetchall()
        return batch

    def pin(self, key: str) -> bool:
        """Mark the row, so that the size limit does not drop it. Return whether there is one."""
        return bool(self._sql("UPDATE Cache SET tag = ?, expire_time = NULL WHERE key = ? AND raw = 1", (PINNED, key)).rowcount)

    def add_hits(self, counts: Mapping[str, int]) -> None:
        """Add to how often each row was reused, in diskcache's column for it, which begins anew when the key is set again."""
        statement = "UPDATE Cache SET access_count = access_count + ? WHERE key = ? AND raw = 1"
        with transaction(self._con):
            self._con.executemany(statement, [(count, key) for key, count in counts.items()])

    def hits_by_key(self) -> dict[str, int]:
        """Return how often each row was reused, by key; those that never were are left out."""
        hit = "raw = 1 AND typeof(key) = 'text' AND access_count > 0 AND (expire_time IS NULL OR expire_time > ?)"
        return dict(self._sql(f"SELECT key, access_count FROM Cache WHERE {hit}", (time.time(),)).fetchall())

    def _statistics_size(self, sql: Any) -> int:
        """Return the bytes that the table of statistics takes, about; it is measured once in a while, since that takes milliseconds."""
        if time.monotonic() >= self._next_measurement:
            self._next_measurement = time.monotonic() + MEASURED_EVERY
            exists = sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (STATISTICS,)).fetchone()
            self._measured = int(sql(SIZE).fetchone()[0]) if exists else 0
        return self._measured

    def _cull(self, now: float, sql: Any, cleanup: object, limit: int | None = None) -> None:
        """After a write: delete what has expired and, above the size limit, what was stored longest ago, never what is pinned or new.

        diskcache itself deletes ten rows whatever they hold, the newest among them. The size is that of the pages in use, without the
        statistics, which no deletion makes smaller.
        """
        written = limit or 1  # rows
        expired = "SELECT rowid FROM Cache WHERE expire_time < ? ORDER BY expire_time LIMIT ?"
        sql(f"DELETE FROM Cache WHERE rowid IN ({expired})", (now, EXPIRED_PER_WRITE * written))
        oldest = "SELECT rowid FROM Cache WHERE store_time IS NOT ? AND tag IS NOT ? ORDER BY store_time LIMIT 1"
        for _ in range(EVICTED_PER_WRITE * written):
            count, free = (sql(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
            size = (count - free) * self._page_size
            if size <= self.size_limit or size - self._statistics_size(sql) <= self.size_limit:
                return
            if not sql(f"DELETE FROM Cache WHERE rowid = ({oldest})", (now, PINNED)).rowcount:
                return


def identity(file: Path) -> tuple[int, int] | None:
    """Return what identifies the file whatever its name (device and inode), or None if there is none."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def decode_text(raw: bytes) -> str:
    """Return the text of any bytes: an error on one that is not UTF-8 would stop every listing and every write."""
    return raw.decode("utf-8", "replace")
