"""Does the store work where it is? Its directory, its file system, its Redis."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wirecache import DiskStore, RedisStore, Store, WirecacheError
from wirecache._core.privacy.patterns import redacted_text
from wirecache.cli._finding import Finding
from wirecache.cli._terminal import size

__all__ = ["file_system", "store_findings"]

# SQLite's WAL mode needs memory that all users of a file share: over a network there is none.
NETWORK = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3",
        "smbfs",
    }
)  # fmt: skip
ENOUGH = 200_000_000  # bytes of free space
MOUNTS = Path("/proc/self/mountinfo")


def store_findings(store: Store) -> list[Finding]:
    """What is to be said of a store, and of each of its tiers."""
    inner = [*getattr(store, "tiers", ())] or ([getattr(store, "inner")] if hasattr(store, "inner") else [])  # noqa: B009
    if inner:
        return [finding for tier in inner for finding in store_findings(tier)]
    if isinstance(store, DiskStore):
        return list(_disk(store))
    return list(_remote(store))


def _disk(store: DiskStore) -> Iterator[Finding]:
    path, file = store.path, store.path / "cache.db"
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    yield Finding("store", "path", f"{path}{'' if path.exists() else ' (made when it is first used)'}")
    if there is path:
        yield _permissions(path)
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        why = "cannot be written to" if there.is_dir() else "is no directory"
        yield Finding("store", "writing", str(there), f"{there} {why}", "set WIRECACHE_DIR to a directory of your own")
        return
    taken = sum(file.stat().st_size for file in path.glob("cache.db*")) if path.is_dir() else 0
    yield Finding("store", "size", f"{size(taken)} of at most {size(store.size_limit)}")
    yield _space(there, store.size_limit - taken)
    yield _kind(there)
    yield _wal(there)
    if file.exists():
        yield _database(store)


def _permissions(path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "nt" and mode & 0o077:
        return Finding("store", "permissions", f"{mode:04o}", "others can read it, prompts and answers too", f"chmod 700 {path}")
    return Finding("store", "permissions", f"{mode:04o}")


def _space(there: Path, growth: int) -> Finding:
    free = shutil.disk_usage(there).free
    if free < ENOUGH:
        return Finding("store", "free space", size(free), "the disk is nearly full", "make room, or move the store: WIRECACHE_DIR")
    told = f"{size(free)}" + (f", less than the {size(growth)} that the store may still grow" if free < growth else "")
    return Finding("store", "free space", told)


def _kind(there: Path) -> Finding:
    kind = file_system(there)
    if kind in NETWORK:
        why = "a network file system: SQLite's locks may not hold there, and the store may be damaged"
        return Finding("store", "file system", str(kind), why, "set WIRECACHE_DIR to a local disk, and share by redis://")
    return Finding("store", "file system", kind or "not known")


def file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the file system that a path is on, as Linux names it; None where that is not told."""
    try:
        lines = mounts.read_text("utf-8").splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    real = path.resolve()
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        depth = len(point.parts)
        if (point == real or point in real.parents) and (found is None or depth >= found[0]):
            found = depth, after.split()[0]
    return found[1] if found else None


def _wal(there: Path) -> Finding:
    """Can a database there be in WAL mode? Tried on one of its own."""
    probe = there / f".wirecache-{secrets.token_hex(8)}.db"
    try:
        connection = sqlite3.connect(probe, timeout=2)
        try:
            mode = connection.execute("PRAGMA journal_mode = wal").fetchone()[0]
            connection.execute("CREATE TABLE probe (x)")
        finally:
            connection.close()
    except sqlite3.Error as error:
        mode = str(error)
    finally:
        for end in ("", "-wal", "-shm"):
            Path(f"{probe}{end}").unlink(missing_ok=True)
    if mode != "wal":
        return Finding("store", "WAL", str(mode), "SQLite cannot use its write-ahead log there", "set WIRECACHE_DIR to a local disk")
    return Finding("store", "WAL", "works")


def _database(store: DiskStore) -> Finding:
    """Is the database one? Read as it is: nothing is repaired."""
    try:
        connection = sqlite3.connect(f"{(store.path / 'cache.db').as_uri()}?mode=ro", uri=True, timeout=2)
        try:
            number = connection.execute("SELECT COUNT(*) FROM Cache").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        do = "the next call renames it and begins a fresh one; or remove it"
        return Finding("store", "database", str(store.path / "cache.db"), f"it cannot be read: {error}", do)
    return Finding("store", "database", f"{number:,} entries")


def _remote(store: Store) -> Iterator[Finding]:
    """Does a value come back?"""
    name = "redis" if isinstance(store, RedisStore) else "store"
    key = f"wirecache-doctor-{secrets.token_hex(8)}"
    told = redacted_text(repr(store))
    try:
        store.set(key, b"here", ttl=10.0)
        found: Any = store.get(key)
        if (delete := getattr(store, "delete", None)) is not None:
            delete(key)
    except (WirecacheError, OSError) as error:
        yield Finding(name, "reachable", told, redacted_text(str(error)), "start it, or correct the URL; until then calls go on without it")
        return
    if found != b"here":
        yield Finding(name, "reachable", told, "what was written did not come back", "look at its memory limit and eviction policy")
    else:
        yield Finding(name, "reachable", told)
