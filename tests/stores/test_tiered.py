"""What only a TieredStore has: what is copied upwards and for how long, and tiers that fail."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.contract import KEY, OTHER, until
from tests.stores.processes import locked
from tests.stores.two_methods import TwoMethods
from tests.stores.upstream import Model
from wirecache import Cache, ConfigError, DiskStore, EncryptedStore, MemoryStore, StoreError, TieredStore

Read = Callable[[TieredStore], bytes | None]
READS: dict[str, Read] = {"sync": lambda store: store.get(KEY), "async": lambda store: asyncio.run(store.aget(KEY))}


class Broken:
    """It raises on everything."""

    def get(self, key: str) -> bytes | None:
        raise OSError(5, "Input/output error")

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        raise OSError(5, "Input/output error")

    def keys(self) -> Any:
        raise OSError(5, "Input/output error")

    delete = add = get_with_ttl = get
    clear = close = keys

    async def aget(self, key: str) -> bytes | None:
        raise OSError(5, "Input/output error")

    aget_with_ttl = aget


@pytest.fixture(params=READS.values(), ids=READS)
def read(request: pytest.FixtureRequest) -> Read:
    given: Read = request.param
    return given


def test_what_is_found_below_is_copied_upwards_for_what_is_left_to_it(tmp_path: Path, read: Read) -> None:
    memory, disk, far = MemoryStore(), DiskStore(tmp_path / "store"), MemoryStore()
    store = TieredStore([memory, disk, far])
    far.set(KEY, b"value", ttl=60)
    assert read(store) == b"value"
    for tier in (memory, disk):
        found = tier.get_with_ttl(KEY)
        assert found is not None
        assert found[0] == b"value"
        assert found[1] is not None
        assert 30 < found[1] <= 60
    far.set(KEY, b"newer", ttl=60)
    assert read(store) == b"value"  # from the nearest
    store.close()


def test_for_ever_stays_for_ever(tmp_path: Path, read: Read) -> None:
    memory, disk = MemoryStore(), DiskStore(tmp_path / "store")
    disk.set(KEY, b"value", ttl=None)
    assert read(TieredStore([memory, disk])) == b"value"
    assert memory.get_with_ttl(KEY) == (b"value", None)


def test_a_tier_that_cannot_say_how_long_is_asked_again_after_an_hour(read: Read) -> None:
    memory, own = MemoryStore(), TwoMethods()
    own.set(KEY, b"value", ttl=None)
    assert read(TieredStore([memory, own])) == b"value"
    found = memory.get_with_ttl(KEY)
    assert found is not None
    assert found[1] is not None
    assert 3500 < found[1] <= 3600


def test_all_tiers_are_written_and_dropped(tmp_path: Path) -> None:
    tiers = [MemoryStore(), DiskStore(tmp_path / "store"), TwoMethods()]
    store = TieredStore(tiers)
    store.set(KEY, b"value", ttl=60)
    assert [tier.get(KEY) for tier in tiers] == [b"value"] * 3
    assert store.delete(KEY) is True
    assert [tier.get(KEY) for tier in tiers] == [None, None, b"gone"]
    assert not hasattr(store, "clear")  # the last one has none
    store.set(KEY, b"value", ttl=60)
    tiers[0].set(OTHER, b"value", ttl=60)
    assert sorted(store.keys()) == [KEY, OTHER]


def test_the_last_tier_decides_who_adds() -> None:
    shared = MemoryStore()
    one, other = TieredStore([MemoryStore(), shared]), TieredStore([MemoryStore(), shared])
    assert (one.add(KEY, b"one", ttl=60), other.add(KEY, b"other", ttl=60)) == (True, False)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_that_raises_on_everything_fails_no_other(tmp_path: Path, at: int, read: Read, caplog: pytest.LogCaptureFixture) -> None:
    good: list[Any] = [MemoryStore(), DiskStore(tmp_path / "store")]
    store = TieredStore([*good[:at], Broken(), *good[at:]])
    store.set(KEY, b"value", ttl=60)
    assert [tier.get(KEY) for tier in good] == [b"value", b"value"]
    good[0].clear()
    assert read(store) == b"value"
    assert good[0].get(KEY) == b"value"
    assert list(store.keys()) == [KEY]
    assert store.delete(KEY) is True
    assert read(store) is None
    store.clear()
    store.close()
    assert [record.getMessage() for record in caplog.records].count(caplog.messages[0]) == 1
    assert len(caplog.messages) == 1
    assert "a tier of the store is in trouble" in caplog.text


def test_if_all_fail_it_is_an_error(read: Read) -> None:
    store = TieredStore([Broken(), Broken()])
    with pytest.raises(StoreError, match=r"Input/output error; .*Input/output error"):
        read(store)
    with pytest.raises(StoreError, match="Input/output error"):
        store.set(KEY, b"value", ttl=60)


def test_a_cache_counts_it_and_says_it_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = Model()
    with Cache(TieredStore([Broken(), DiskStore(tmp_path / "store")])) as cache:
        assert [model.ask(cache).extensions["wirecache"].hit for _ in range(3)] == [False, True, True]
        assert (cache.stats.stored, cache.stats.hits, cache.stats.store_errors) == (1, 2, 4)
    assert model.calls == 1
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


def test_an_encrypted_one_is_heard_too(caplog: pytest.LogCaptureFixture) -> None:
    model = Model()
    with Cache(EncryptedStore(TieredStore([Broken(), MemoryStore()]), os.urandom(32))) as cache:
        assert [model.ask(cache).extensions["wirecache"].hit for _ in range(2)] == [False, True]
        assert cache.stats.store_errors == 3
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


def test_a_tier_whose_writes_wait_delays_no_reader(tmp_path: Path, read: Read) -> None:
    """Another process holds the write lock of the disk tier: the reader waits a moment for the copy, and then no more."""
    disk, far = DiskStore(tmp_path / "store", lock_wait=20), MemoryStore()
    assert disk.get(KEY) is None
    far.set(KEY, b"value", ttl=60)
    store = TieredStore([disk, far])
    with locked(tmp_path / "store", "BEGIN IMMEDIATE"):
        for _ in range(20):
            assert read(store) == b"value"
    until(lambda: disk.get(KEY) == b"value")
    store.close()


def test_what_is_pinned_is_pinned_in_every_tier_that_can(tmp_path: Path) -> None:
    near, far = MemoryStore(max_entries=1), DiskStore(tmp_path / "store", size_limit="1MB")
    store = EncryptedStore(TieredStore([near, far]), os.urandom(32))
    store.set(KEY, b"value", ttl=None)
    assert store.pin(KEY)
    for n in range(40):
        store.set(f"{n:064x}", os.urandom(50_000), ttl=None)
    assert near.get(KEY) is not None
    assert far.get(KEY) is not None
    store.close()
    assert not hasattr(TieredStore([Broken()]), "pin")


def test_paths_and_urls_are_tiers(tmp_path: Path) -> None:
    store = TieredStore(["memory://?max_entries=5", tmp_path / "store"])
    assert repr(store) == f"TieredStore([MemoryStore(max_entries=5, max_bytes=256000000), DiskStore('{tmp_path / 'store'}')])"
    assert TieredStore([store.tiers[0], tmp_path / "store"]).location == store.location


@pytest.mark.parametrize("tiers", [[], "memory://", [7]])
def test_wrong_tiers(tiers: Any) -> None:
    with pytest.raises(ConfigError, match=r"must be a path|must be a list of stores, paths or URLs"):
        TieredStore(tiers)


def test_many_values_come_from_the_nearest_tier_that_has_them(tmp_path: Path) -> None:
    memory, disk = MemoryStore(), DiskStore(tmp_path)
    tiers = TieredStore([memory, disk])
    memory.set(KEY, b"near", ttl=None)
    disk.set(KEY, b"far", ttl=None)
    disk.set(OTHER, b"far", ttl=None)
    assert tiers.get_many(iter([KEY, OTHER])) == {KEY: b"near", OTHER: b"far"}
    assert memory.get(OTHER) == b"far"
    disk.close()
