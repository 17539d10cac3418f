"""Reads the database of a disk store without writing anything, not even a journal."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from pathlib import Path
from urllib.parse import quote

from wirecache.errors import StoreError
from wirecache.stores._connections import ThreadConnection
from wirecache.stores._opener import Opener
from wirecache.stores._safe_disk import DATABASE, SafeCache, SafeDisk, decode_text, identity

__all__ = ["ReadOnlyCache", "ReadOnlyOpener"]


class ReadOnlyCache(SafeCache):
    """A read-only database. ``open_wait``: seconds that a statement waits for a lock. Raises what sqlite3 raises."""

    def __init__(self, directory: Path, *, open_wait: float) -> None:  # not diskcache's, which writes its settings
        self._file = directory / DATABASE
        self._open_wait = open_wait
        self._local = threading.local()
        self._connections: weakref.WeakSet[ThreadConnection] = weakref.WeakSet()
        self._retired = False
        self._disk = SafeDisk.__new__(SafeDisk)
        self.opened_as = identity(self._file)
        with self.connection.lock:
            try:
                self._con.execute("SELECT 1 FROM Cache LIMIT 1")
            finally:
                self.connection.close()

    def _connect(self) -> sqlite3.Connection:
        """Return a connection for reading.

        A database in WAL mode needs the journal's index, which another process has open or which is created. If neither is possible (on a
        read-only drive), nobody writes, and only the file itself is read (sqlite.org/wal.html, "Read-Only Databases").
        """
        if self._retired:
            raise sqlite3.OperationalError("the database was replaced")
        try:
            return self._connected("mode=ro")
        except sqlite3.OperationalError:
            if not self._file.exists():
                raise
            return self._connected("mode=ro&immutable=1")

    def _connected(self, options: str) -> sqlite3.Connection:
        uri = f"file:{quote(str(self._file))}?{options}"
        handle = sqlite3.connect(uri, uri=True, timeout=self._open_wait, isolation_level=None, check_same_thread=False)
        handle.text_factory = decode_text
        try:
            handle.execute("SELECT 1 FROM sqlite_master LIMIT 1")
        except BaseException:
            handle.close()
            raise
        return handle


class ReadOnlyOpener(Opener):
    """Opens the database of a directory without writing to it; a damaged one is left in place."""

    def open(self) -> SafeCache:
        """Return the database, open."""
        if self._replaced is not None:
            self._replaced.retire()
            self._replaced = None
        if not (self.path / DATABASE).is_file():
            raise StoreError(f"{self.path}: there is no store to read ({DATABASE} is missing), and with mode=ro none is created")
        cache = ReadOnlyCache(self.path, open_wait=self.open_wait)
        self.has_opened = True
        return cache
