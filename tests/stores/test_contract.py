from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.stores.contract import KEY, FullStoreContract, Make, StoreContract
from wirecache import DiskStore


class TwoMethods:
    """The least that is a store."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        self.values[key] = value


class TestTwoMethods(StoreContract):
    @pytest.fixture
    def make(self) -> Make:
        return TwoMethods


class TestDiskStore(FullStoreContract):
    has = ("delete", "keys", "clear", "close", "aget")

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return partial(DiskStore, tmp_path / "store")

    @pytest.mark.parametrize("loop", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)], ids=["asyncio", "trio"])
    def test_aget_is_get(self, store: Any, loop: Any) -> None:
        async def read() -> list[bytes | None]:
            before = await store.aget(KEY)
            store.set(KEY, b"value", ttl=None)
            return [before, await store.aget(KEY)]

        assert loop(read()) == [None, b"value"]
