"""Which stores of this process are on one database? All of one directory and the same options, however many threads use them."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from wirecache._runtime.forks import ModuleLock, reset_after_fork
from wirecache.stores._breaker import Breaker
from wirecache.stores._opener import DatabaseOptions, Opener

if TYPE_CHECKING:
    from wirecache.stores._safe_disk import SafeCache

__all__ = ["SharedDatabase", "shared_database"]


def _opener(options: DatabaseOptions) -> Opener:
    if not options.read_only:
        return Opener(options)
    from wirecache.stores._read_only_disk import ReadOnlyOpener

    return ReadOnlyOpener(options)


class SharedDatabase:
    """The database that all stores of one directory share in this process, open or not. ``replacing`` is held while it is replaced.

    Connections are as many as threads, not as stores: SQLite keeps the file of a closed connection open for as long as another one of the
    process is on the same database (sqlite.org/howtocorrupt.html, section 2.2), so that each store that came and went would cost one.
    """

    def __init__(self, options: DatabaseOptions) -> None:
        self.opener = _opener(options)
        self.breaker: Breaker[SafeCache] = Breaker(
            self.opener.open, self.opener.describe, wait=options.open_wait, polls=False, thread_name="wirecache-open"
        )
        self.replacing = threading.Lock()
        self.stores: weakref.WeakSet[object] = weakref.WeakSet()
        reset_after_fork(self)

    def close(self) -> None:
        """Close the connections. The next use opens them again. It begins anew only if no other store is in the middle of something."""
        cache = self.breaker.reset() if len(self.stores) < 2 else self.breaker.current
        if cache is not None:
            cache.close_all()

    def after_fork(self) -> None:
        """Forget the thread that was opening the database in the parent. The database stays open: its connections are closed."""
        self.breaker.after_fork()
        self.replacing = threading.Lock()


_adding = ModuleLock()
_databases: weakref.WeakValueDictionary[DatabaseOptions, SharedDatabase] = weakref.WeakValueDictionary()


def shared_database(store: object, options: DatabaseOptions) -> SharedDatabase:
    """Return the database of this directory, for the store."""
    with _adding:
        database = _databases.get(options)
        if database is None:
            database = _databases[options] = SharedDatabase(options)
        database.stores.add(store)
        return database
