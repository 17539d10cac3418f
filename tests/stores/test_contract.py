from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.stores.contract import CountingStoreContract, Make, StoreContract
from tests.stores.two_methods import TwoMethods
from wirecache import DiskStore, EncryptedStore, MemoryStore, RedisStore, TieredStore

SECRET = os.urandom(32)


@pytest.fixture
def redis_store(redis_url: str) -> Iterator[Make]:
    """Opens a store of its own in the Redis of the tests. Twenty megabytes may take their time on a busy machine."""
    opened: list[RedisStore] = []

    def make(prefix: str = f"wirecache-{uuid4()}:") -> RedisStore:
        opened.append(RedisStore(redis_url, prefix=prefix, timeout=10))
        return opened[-1]

    yield make
    for store in opened:
        store.clear()
        store.close()


class TestTwoMethods(StoreContract):
    @pytest.fixture
    def make(self) -> Make:
        return TwoMethods


class TestDiskStore(CountingStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return partial(DiskStore, tmp_path / "store")


class TestMemoryStore(CountingStoreContract):
    @pytest.fixture
    def make(self) -> Make:
        store = MemoryStore()
        return lambda: store


class TestRedisStore(CountingStoreContract):
    @pytest.fixture
    def make(self, redis_store: Make) -> Make:
        return redis_store


class TestTieredStore(CountingStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path, redis_store: Make) -> Make:
        memory = MemoryStore()
        return lambda: TieredStore([memory, tmp_path / "store", redis_store()])


class TestTieredStoreOverTwoMethods(StoreContract):
    has = ("delete", "close", "aget", "get_with_ttl", "aget_with_ttl", "get_many")

    @pytest.fixture
    def make(self) -> Make:
        return lambda: TieredStore([TwoMethods(), TwoMethods()])


class TestEncryptedDiskStore(CountingStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return lambda: EncryptedStore(DiskStore(tmp_path / "store"), [SECRET])


class TestEncryptedMemoryStore(CountingStoreContract):
    @pytest.fixture
    def make(self) -> Make:
        store = MemoryStore()
        return lambda: EncryptedStore(store, [SECRET])


class TestEncryptedRedisStore(CountingStoreContract):
    @pytest.fixture
    def make(self, redis_store: Make) -> Make:
        return lambda: EncryptedStore(redis_store(), [SECRET])


class TestEncryptedTieredStore(CountingStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        memory = MemoryStore()
        return lambda: EncryptedStore(TieredStore([memory, tmp_path / "store"]), [SECRET])


class TestEncryptedTwoMethods(StoreContract):
    @pytest.fixture
    def make(self) -> Make:
        store = TwoMethods()
        return lambda: EncryptedStore(store, [SECRET])
