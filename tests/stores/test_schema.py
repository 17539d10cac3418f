"""A store that is already as diskcache would leave it is opened without writing; any other is mended."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import diskcache
import pytest

from wirecache import DiskStore
from wirecache.stores._safe_disk import SETTINGS, SafeCache, SafeDisk

KEY = "a" * 64
LIMIT = 10**9


def opened(path: Path, size_limit: int = LIMIT) -> Any:
    return SafeCache(path, size_limit, lock_wait=5.0, open_wait=5.0)


def content(path: Path) -> tuple[list[Any], list[Any]]:
    """Return the settings and the schema."""
    with closing(sqlite3.connect(path / "cache.db")) as database:
        settings = database.execute("SELECT key, value FROM Settings ORDER BY key").fetchall()
        return settings, database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()


@pytest.fixture
def store(path: Path) -> Path:
    """A closed store with one entry."""
    store = DiskStore(path, size_limit=LIMIT)
    store.set(KEY, b"value", ttl=None)
    store.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_opening_a_store_and_reading_it_writes_nothing(store: Path) -> None:
    before = hashlib.sha256((store / "cache.db").read_bytes()).hexdigest()
    cache = opened(store)
    assert cache.row(KEY, 100) == (b"value", None)
    assert (store / "cache.db-wal").stat().st_size == 0
    cache.close_all()
    assert hashlib.sha256((store / "cache.db").read_bytes()).hexdigest() == before


def test_it_has_the_attributes_that_diskcache_gives_it(store: Path, tmp_path: Path) -> None:
    adopted = opened(store)
    (tmp_path / "new").mkdir()
    created = opened(tmp_path / "new")
    assert vars(adopted).keys() == vars(created).keys()
    ours = {"_file", "_local", "_connections", "opened_as", "_disk"}
    assert {name: value for name, value in vars(adopted).items() if name not in ours} == {
        name: value for name, value in vars(created).items() if name not in ours
    }
    assert vars(adopted._disk) == vars(created._disk)
    adopted.close_all()
    created.close_all()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE Settings SET value = 1 WHERE key = 'statistics'", id="a setting"),
        pytest.param("UPDATE Settings SET value = '10' WHERE key = 'cull_limit'", id="a setting of another type"),
        pytest.param("DELETE FROM Settings WHERE key = 'eviction_policy'", id="a setting less"),
        pytest.param("DELETE FROM Settings WHERE key = 'hits'", id="a count less"),
        pytest.param("INSERT INTO Settings VALUES ('disk_other', 1)", id="a setting more"),
        pytest.param("DROP INDEX Cache_store_time", id="an index less"),
        pytest.param("DROP TRIGGER Settings_size_update", id="a trigger less"),
        pytest.param("CREATE INDEX Cache_tag_rowid ON Cache(tag, rowid)", id="an index on tags"),
        pytest.param("PRAGMA journal_mode = delete", id="another journal"),
    ],
)
def test_what_differs_is_mended(store: Path, change: str) -> None:
    before = content(store)
    with closing(sqlite3.connect(store / "cache.db")) as database, database:
        database.execute(change)
    cache = opened(store)
    assert cache.row(KEY, 100) == (b"value", None)
    assert content(store) == before
    with closing(sqlite3.connect(store / "cache.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    cache.close_all()


def test_another_size_limit_is_stored(store: Path) -> None:
    opened(store, 2 * LIMIT).close_all()
    assert dict(content(store)[0])["size_limit"] == 2 * LIMIT


def test_diskcache_itself_reads_and_counts_what_is_written_after_it_was_opened_so(store: Path) -> None:
    cache = opened(store)
    cache.set("b" * 64, b"second")
    cache.set(KEY, b"third")
    assert cache.delete("b" * 64)
    cache.close_all()
    with diskcache.Cache(str(store), disk=SafeDisk, size_limit=LIMIT, **SETTINGS) as other:
        assert (other.get(KEY), other.get("b" * 64), len(other)) == (b"third", None, 1)
