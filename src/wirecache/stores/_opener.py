"""Opens the database of a disk store: in a private directory, one process at a time, setting a damaged one aside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wirecache.errors import StoreError
from wirecache.stores._damage import is_damage, root_cause

if TYPE_CHECKING:
    from wirecache.stores._safe_disk import SafeCache

__all__ = ["DatabaseOptions", "Opener"]


class DatabaseOptions(NamedTuple):
    """The options that a database is opened with; see ``DiskStore``."""

    path: Path
    size_limit: int
    lock_wait: float
    open_wait: float
    read_only: bool


class Opener:
    """Opens the database, repeatedly if needed, and remembers what is wrong with the last one. ``open`` runs in one thread at a time."""

    def __init__(self, options: DatabaseOptions) -> None:
        self.path, self.size_limit, self.lock_wait, self.open_wait, _ = options
        self.has_opened = False
        self._replaced: SafeCache | None = None  # to be closed before the next one is opened
        self._damaged: tuple[int, int] | None = None  # the identity of a file that was found damaged while it was open
        self._notice: StoreError | None = None

    def open(self) -> SafeCache:
        """Return the database, open."""
        from wirecache.stores._directory import exclusive, private_directory
        from wirecache.stores._safe_disk import DATABASE

        private_directory(self.path, DATABASE)
        with exclusive(self.path):
            if self._replaced is not None:
                self._replaced.retire()
                self._replaced = None
            private_directory(self.path, DATABASE)  # checked again, since another process may just have set it aside
            cache = self._open_undamaged()
            if cache is None:  # not "or", since an empty diskcache is falsy
                cache = self._create_anew()
        self.has_opened = True
        return cache

    def replace(self, cache: SafeCache, *, damaged: bool) -> None:
        """Record that this database is no longer in use and, if ``damaged``, is to be set aside."""
        self._replaced = cache
        if damaged:
            self._damaged = cache.opened_as

    def store_error(self, error: BaseException | None) -> StoreError:
        """Return what to raise for an error, or for None if opening takes too long."""
        if isinstance(error, StoreError):
            return error
        if error is None:
            return StoreError(f"{self.path}: could not be opened within {self.open_wait:g} s; is another process holding its lock?")
        cause = root_cause(error)
        return StoreError(f"{self.path}: {cause if str(cause) else type(cause).__name__}")

    def describe(self, error: BaseException | None) -> str:
        """Return the message of ``store_error``."""
        return str(self.store_error(error))

    def raise_notice(self) -> None:
        """Raise, once, that a damaged database was set aside."""
        if self._notice is not None:
            notice, self._notice = self._notice, None
            raise notice

    def _open_undamaged(self) -> SafeCache | None:
        """Return the database, or None if it is damaged."""
        from wirecache.stores._safe_disk import DATABASE, SafeCache, identity

        file = self.path / DATABASE
        if self._damaged is not None and self._damaged == identity(file):
            return None
        is_new = file.stat().st_size == 0
        try:
            return SafeCache(self.path, self.size_limit, lock_wait=self.lock_wait, open_wait=self.open_wait)
        except Exception as error:
            if is_new or not is_damage(error, opening=True):
                raise
            return None

    def _create_anew(self) -> SafeCache:
        """Set the damaged database aside. Return a new one."""
        from wirecache.stores._directory import private_directory, set_aside
        from wirecache.stores._safe_disk import DATABASE, SafeCache

        aside = set_aside(self.path, DATABASE)
        private_directory(self.path, DATABASE)
        cache = SafeCache(self.path, self.size_limit, lock_wait=self.lock_wait, open_wait=self.open_wait)
        self._notice = StoreError(f"the database in {self.path} was damaged; it is now {aside.name}, and a new one was created")
        return cache
