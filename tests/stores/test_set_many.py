"""Several values are written as diskcache's ``set`` would write them one by one, but in one transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import diskcache
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirecache import DiskStore, StoreError
from wirecache.stores._safe_disk import SETTINGS, SafeCache, SafeDisk

KEYS = st.sampled_from(["a" * 64, "b" * 64, "c" * 64, "d" * 64])
VALUES = st.tuples(st.binary(max_size=40), st.sampled_from([None, -1.0, 60.0, 1e9]))
OPERATIONS = st.one_of(
    st.tuples(st.just("set_many"), st.dictionaries(KEYS, VALUES, max_size=4)),
    st.tuples(st.sampled_from(["delete", "pin", "hit"]), KEYS),
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """Two databases: one is written by ``set_many``, the other by diskcache's ``set``."""
    caches = [SafeCache(tmp_path_factory.mktemp("store"), 10**9, lock_wait=5.0, open_wait=5.0) for _ in range(2)]
    yield caches
    for cache in caches:
        cache.close_all()


def rows(cache: Any) -> list[tuple[Any, ...]]:
    """Return all that is in the table, times as seconds from when the row was stored, and whether that was just now."""
    found = cache._sql(
        "SELECT key, raw, round(expire_time - store_time), access_time = store_time, ? - store_time < 600, access_count, tag, size, mode, "
        "filename, value, typeof(key), typeof(value), typeof(store_time), typeof(expire_time) FROM Cache ORDER BY key",
        (time.time(),),
    ).fetchall()
    return list(map(tuple, found))


def settings(cache: Any) -> dict[str, Any]:
    return dict(cache._sql("SELECT key, value FROM Settings").fetchall())


def apply(cache: Any, operation: str, argument: Any, *, together: bool) -> None:
    if operation == "set_many" and together:
        cache.set_many(argument)
    elif operation == "set_many":
        for key, (value, ttl) in argument.items():
            cache.set(key, value, expire=ttl)
    elif operation == "hit":
        cache.add_hits({argument: 3})
    else:
        getattr(cache, operation)(argument)


@given(operations=st.lists(OPERATIONS, max_size=12))
def test_the_rows_are_those_of_diskcache(both: list[Any], operations: list[tuple[str, Any]]) -> None:
    for cache in both:
        cache.clear()
    for operation, argument in operations:
        for cache, together in zip(both, (True, False), strict=True):
            apply(cache, operation, argument, together=together)
    for cache in both:  # what has expired goes with the next writes, ten rows with each
        cache.set("e" * 64, b"last")
    assert rows(both[0]) == rows(both[1])
    assert settings(both[0]) == settings(both[1])
    assert settings(both[0])["count"] == len(rows(both[0]))


def test_diskcache_reads_what_was_written_together(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store")
    store.set_many({"a" * 64: (b"one", None), "b" * 64: (b"two", 60.0)})
    store.close()
    with diskcache.Cache(str(tmp_path / "store"), disk=SafeDisk, size_limit=4 * 10**9, **SETTINGS) as cache:
        assert (cache.get("a" * 64), cache.get("b" * 64, expire_time=True)[0], len(cache)) == (b"one", b"two", 2)


@pytest.mark.parametrize("wrong", [{1: (b"v", None)}, {"a" * 64: ("text", None)}], ids=["a key", "a value"])
def test_all_or_nothing(tmp_path: Path, wrong: dict[Any, Any]) -> None:
    store = DiskStore(tmp_path / "store")
    with pytest.raises(StoreError, match="must be"):
        store.set_many({"b" * 64: (b"one", None), **wrong})
    assert list(store.keys()) == []
    store.close()


def test_above_the_size_limit_the_oldest_go_and_the_new_ones_stay(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store", size_limit="300kB")
    for number in range(10):
        store.set(f"{number:064x}", bytes(20_000), ttl=None)
    store.set_many({f"{number:064x}": (bytes(20_000), None) for number in range(100, 108)})
    listed = store.keys()
    kept = [int(key, 16) for key in listed]
    assert kept == [*range(10 - len(kept) + 8, 10), *range(100, 108)]
    assert 8 <= len(kept) < 18
    store.close()


def test_many_small_ones_make_room_for_as_many_large_ones(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store", size_limit="2MB")
    store.set_many({f"{number:064x}": (bytes(1_000), None) for number in range(1_200)})
    large = {f"{number:064x}": (bytes(60_000), None) for number in range(2_000, 2_025)}
    store.set_many(large)
    assert set(large) <= set(store.keys())
    with closing(sqlite3.connect(tmp_path / "store" / "cache.db")) as database:
        count, free, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    assert (count - free) * size < 2_300_000
    store.close()


def test_what_has_expired_goes_as_fast_as_it_came(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store")
    for base in (0, 100):
        store.set_many({f"{base + number:064x}": (b"v", -1.0 if base == 0 else None) for number in range(50)})
    with closing(sqlite3.connect(tmp_path / "store" / "cache.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM Cache").fetchone() == (50,)
    store.close()


def test_a_damaged_database_is_replaced_and_the_next_operation_says_so(tmp_path: Path) -> None:
    path = tmp_path / "store"
    store = DiskStore(path)
    store.set("a" * 64, b"one", ttl=None)
    store.close()
    (path / "cache.db").write_bytes(b"no database at all" * 1000)
    store.set_many({"b" * 64: (b"two", None)})
    with pytest.raises(StoreError, match="was damaged"):
        list(store.keys())
    assert store.get("b" * 64) == b"two"
    store.close()
