"""The private directory of a disk store: a cache holds prompts and answers, so nobody else may read or write there."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from wirecache.errors import StoreError

__all__ = ["exclusive", "private_directory", "set_aside"]

_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of wirecache; it may be deleted. See https://bford.info/cachedir/\n"


def private_directory(path: Path, database: str) -> None:
    """Create the directory with mode 0700, or check that an existing one may be used. Raises ``StoreError`` if not.

    The database file is created with mode 0600; SQLite gives its journal files the same mode.
    """
    try:
        try:
            path.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            _check(path, database)
        else:
            (path / ".gitignore").write_text("*\n")
            (path / "CACHEDIR.TAG").write_text(_TAG)
    except OSError as error:
        raise StoreError(f"the cache directory {path} cannot be created: {error}. Set WIRECACHE_DIR to a directory that can") from error
    try:
        os.close(os.open(path / database, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600))
    except OSError as error:
        raise StoreError(f"the cache database {path / database} cannot be opened: {error}") from error


def _check(path: Path, database: str) -> None:
    status = path.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise StoreError(f"the cache directory {path} is a file. Name a directory")
    if not hasattr(os, "getuid"):
        return
    if status.st_uid != os.getuid():
        raise StoreError(f"the cache directory {path} belongs to another user. Set WIRECACHE_DIR to one of your own")
    ours = (path / database).exists() or not any(path.iterdir())
    if ours and status.st_mode & 0o077:
        path.chmod(0o700)
    elif status.st_mode & 0o022:
        raise StoreError(f"the cache directory {path} can be written by others, and holds other files. Name a directory of its own")


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Lock the directory, so that no other process opens its database or sets it aside meanwhile.

    Without fcntl (Windows) and on drives without locks this does nothing. There it is possible, though unlikely, that two processes find
    the same damage at the same moment, and one sets aside the database that the other has just created. filelock would cover Windows,
    but takes 45 ms to import (4.3), while opening a store takes 20 ms in all.
    """
    try:
        import fcntl

        handle = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # closing is not enough, since a forked child may have the handle, too
        os.close(handle)


def set_aside(path: Path, database: str) -> Path:
    """Rename a damaged database with its journals, so that a new one can be created. Return its new path."""
    aside = path / f"{database}.corrupt-{time.time():.3f}-{os.getpid()}"
    for suffix in ("-wal", "-shm", ""):  # the database last: one created meanwhile must not find the old journal
        try:
            (path / (database + suffix)).rename(f"{aside}{suffix}")
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StoreError(f"{path}: the database is damaged and cannot be renamed: {error}") from error
    return aside
