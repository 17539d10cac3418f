"""Checks of the store: its directory, file system and database, or its server."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from wirecache import DiskStore, ObjectStore, RedisStore, Store, WirecacheError
from wirecache._core.privacy.patterns import redacted_text
from wirecache._core.quantity import quantity
from wirecache._views.formats import format_size
from wirecache.cli._doctor_finding import Finding

__all__ = ["file_system", "store_findings"]

# SQLite's WAL mode needs shared memory, which network file systems do not provide.
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3",
        "smbfs",
    }
)  # fmt: skip
ENOUGH = 200_000_000  # bytes of free space
MOUNTS = Path("/proc/self/mountinfo")


def store_findings(store: Store) -> list[Finding]:
    """Return the findings on a store, or on each store that it is composed of."""
    inner = [*getattr(store, "tiers", ())] or ([getattr(store, "inner")] if hasattr(store, "inner") else [])  # noqa: B009
    if inner:
        return [finding for tier in inner for finding in store_findings(tier)]
    if isinstance(store, DiskStore):
        return list(_disk_findings(store))
    return [_round_trip(store)]


# -- on a disk --------------------------------------------------------------------------------------------------------


def _disk_findings(store: DiskStore) -> Iterator[Finding]:
    path = store.path
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    yield Finding("store", "path", f"{path}{'' if path.exists() else ' (created on first use)'}")
    if existing is path:
        yield _permissions(path)
    if not os.access(existing, os.W_OK | os.X_OK) or not existing.is_dir():
        problem = f"{existing} {'is not writable' if existing.is_dir() else 'is not a directory'}"
        yield Finding("store", "writing", str(existing), problem, "set WIRECACHE_DIR to a directory that you can write to")
        return
    used = sum(file.stat().st_size for file in path.glob("cache.db*")) if path.is_dir() else 0
    yield Finding("store", "size", f"{format_size(used)} of at most {format_size(store.size_limit)}")
    yield _free_space(existing, store.size_limit - used)
    yield _file_system(existing)
    yield _wal(existing)
    if (path / "cache.db").exists():
        yield _database(path / "cache.db")


def _permissions(path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "nt" and mode & 0o077:
        problem = "other users can access it, with all prompts and answers"
        return Finding("store", "permissions", f"{mode:04o}", problem, f"chmod 700 {path}")
    return Finding("store", "permissions", f"{mode:04o}")


def _free_space(folder: Path, growth: int) -> Finding:
    """Return the finding on free disk space. ``growth``: the bytes by which the store may still grow."""
    free = shutil.disk_usage(folder).free
    if free < ENOUGH:
        advice = "free some space, or move the store with WIRECACHE_DIR"
        return Finding("store", "free space", format_size(free), "the disk is nearly full", advice)
    shortage = f", less than the {format_size(growth)} by which the store may still grow" if free < growth else ""
    return Finding("store", "free space", f"{format_size(free)}{shortage}")


def _file_system(folder: Path) -> Finding:
    kind = file_system(folder)
    if kind in NETWORK_FILE_SYSTEMS:
        problem = "a network file system: SQLite's locks may not hold there, and the store may be damaged"
        advice = "set WIRECACHE_DIR to a local disk, and share entries through redis://"
        return Finding("store", "file system", str(kind), problem, advice)
    return Finding("store", "file system", kind or "unknown")


def file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the file system that a path is on, as Linux names it, or None on other systems."""
    try:
        lines = mounts.read_text("utf-8").splitlines()
    except OSError:
        return None
    found: str | None = None
    deepest = 0
    real = path.resolve()
    for line in lines:
        mount, _, source = line.partition(" - ")
        mount_point = Path(mount.split()[4].replace("\\040", " "))
        depth = len(mount_point.parts)
        if real.is_relative_to(mount_point) and depth >= deepest:  # of two mounts on one mount point, the later one is visible
            found, deepest = source.split()[0], depth
    return found


def _wal(folder: Path) -> Finding:
    """Return whether SQLite can use its write-ahead log in the folder, tried with a temporary database."""
    probe = folder / f".wirecache-{secrets.token_hex(8)}.db"
    try:
        with closing(sqlite3.connect(probe, timeout=2)) as connection:
            mode = connection.execute("PRAGMA journal_mode = wal").fetchone()[0]
            connection.execute("CREATE TABLE probe (x)")
    except sqlite3.Error as error:
        mode = str(error)
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{probe}{suffix}").unlink(missing_ok=True)
    if mode != "wal":
        return Finding("store", "WAL", str(mode), "SQLite cannot use its write-ahead log there", "set WIRECACHE_DIR to a local disk")
    return Finding("store", "WAL", "works")


def _database(file: Path) -> Finding:
    """Return the finding on whether the database can be read, without repairing it."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            number = connection.execute("SELECT COUNT(*) FROM Cache").fetchone()[0]
    except sqlite3.Error as error:
        advice = "delete it, or let the next call rename it and start a new one"
        return Finding("store", "database", str(file), f"it cannot be read: {error}", advice)
    return Finding("store", "database", quantity(number, "entry", "entries"))


# -- on a server, or of another kind ----------------------------------------------------------------------------------


def _round_trip(store: Store) -> Finding:
    """Return the finding on whether a value written to the store can be read back."""
    topic = "redis" if isinstance(store, RedisStore) else "bucket" if isinstance(store, ObjectStore) else "store"
    name = redacted_text(repr(store))
    key = f"wirecache-doctor-{secrets.token_hex(8)}"
    try:
        store.set(key, b"value", ttl=10.0)
        stored = store.get(key)
        if (delete := getattr(store, "delete", None)) is not None:
            delete(key)
    except (WirecacheError, OSError) as error:
        advice = "start it or correct the URL; until then, calls are not cached"
        return Finding(topic, "reachable", name, redacted_text(str(error)), advice)
    if stored != b"value":
        problem = "a value that was written could not be read back"
        return Finding(topic, "reachable", name, problem, "check its memory limit and eviction policy")
    return Finding(topic, "reachable", name)
