"""Is this directory ours alone? A cache holds prompts and answers: nobody else may read or write there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from wirecache.errors import StoreError

__all__ = ["private_directory", "set_aside"]

_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of wirecache; it may be deleted. See https://bford.info/cachedir/\n"


def private_directory(path: Path, database: str) -> None:
    """Make the directory with mode 0700, or check that an existing one may be used; ``StoreError`` says why not.

    The database file is made with mode 0600; SQLite gives its journal files the same.
    """
    try:
        path.mkdir(mode=0o700, parents=True)
        (path / ".gitignore").write_text("*\n")
        (path / "CACHEDIR.TAG").write_text(_TAG)
    except FileExistsError:
        _check(path, database)
    except OSError as error:
        raise StoreError(f"the cache directory {path} cannot be made: {error}. Set WIRECACHE_DIR to a directory that can") from error
    try:
        os.close(os.open(path / database, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600))
    except OSError as error:
        raise StoreError(f"the cache database {path / database} cannot be opened: {error}") from error


def _check(path: Path, database: str) -> None:
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise StoreError(f"the cache directory {path} is a file. Name a directory")
    if not hasattr(os, "getuid"):
        return
    if found.st_uid != os.getuid():
        raise StoreError(f"the cache directory {path} belongs to another user. Set WIRECACHE_DIR to one of your own")
    own = (path / database).exists() or not any(path.iterdir())
    if own and found.st_mode & 0o077:
        path.chmod(0o700)
    elif found.st_mode & 0o022:
        raise StoreError(f"the cache directory {path} can be written by others, and holds other files. Name a directory of its own")


def set_aside(path: Path, database: str, stamp: str) -> Path:
    """Rename a database that cannot be read, with its journals, so that a fresh one can begin; where it is now."""
    aside = path / f"{database}.corrupt-{stamp}"
    for suffix in ("", "-wal", "-shm"):
        try:
            (path / (database + suffix)).rename(f"{aside}{suffix}")
        except FileNotFoundError:
            pass
    return aside
