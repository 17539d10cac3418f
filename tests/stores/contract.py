"""What does every store do? One class of tests, run over each of them."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trio

from wirecache import Store

__all__ = ["COUNTING", "KEY", "OTHER", "CountingStoreContract", "FullStoreContract", "Make", "StoreContract", "until"]

KEY, OTHER = "a" * 64, "b" * 64
OPTIONAL = ("delete", "keys", "clear", "close", "aget", "add", "get_with_ttl", "aget_with_ttl", "get_many")
COUNTING = ("add_hits", "hits")
LOOPS = {"asyncio": asyncio.run, "trio": lambda coroutine: trio.run(lambda: coroutine)}
Make = Callable[[], Any]


class StoreContract:
    """Subclasses give ``make``, which opens the same store each time, and name in ``has`` which optional methods it has."""

    has: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Make) -> Any:
        return make()

    def test_it_is_a_store_and_has_what_it_says(self, store: Any) -> None:
        assert isinstance(store, Store)
        assert tuple(name for name in (*OPTIONAL, *COUNTING) if hasattr(store, name)) == self.has

    def test_a_key_that_was_never_set_is_absent(self, store: Any) -> None:
        assert store.get(KEY) is None

    def test_what_was_set_is_got(self, store: Any) -> None:
        store.set(KEY, b"value", ttl=None)
        assert store.get(KEY) == b"value"
        assert store.get(OTHER) is None

    def test_set_replaces(self, store: Any) -> None:
        store.set(KEY, b"old" * 1000, ttl=None)
        store.set(OTHER, b"other", ttl=None)
        store.set(KEY, b"new", ttl=60)
        assert (store.get(KEY), store.get(OTHER)) == (b"new", b"other")

    @pytest.mark.parametrize("ttl", [60, 60.5, 1e9, None])
    def test_it_is_kept_while_it_may_be_needed(self, store: Any, ttl: float | None) -> None:
        store.set(KEY, b"value", ttl=ttl)
        assert store.get(KEY) == b"value"

    @pytest.mark.parametrize(
        "value",
        [b"", b"\0", b"\0\0middle\0", bytes(range(256)), "grüße 世界".encode(), b"\xff\xfe\x80", b"\x80\x04N.", b"'; DROP TABLE Cache; --"],
        ids=["empty", "nul", "nuls", "every-byte", "utf-8", "not-utf-8", "pickle", "sql"],
    )
    def test_any_bytes(self, store: Any, value: bytes) -> None:
        store.set(KEY, value, ttl=None)
        assert store.get(KEY) == value
        assert type(store.get(KEY)) is bytes

    def test_a_large_value(self, store: Any) -> None:
        value = os.urandom(1 << 20) * 20
        store.set(KEY, value, ttl=None)
        assert store.get(KEY) == value

    def test_several_threads_read_whole_values(self, store: Any) -> None:
        values = {f"{n:064x}": [bytes([n, version]) * 30_000 for version in range(5)] for n in range(8)}
        torn: list[str] = []

        def work(mine: str) -> None:
            for value in values[mine]:
                store.set(mine, value, ttl=None)
                for key, possible in values.items():
                    found = store.get(key)
                    if found is not None and found not in possible:
                        torn.append(key)

        threads = [threading.Thread(target=work, args=(key,)) for key in values]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert torn == []
        assert {key: store.get(key) for key in values} == {key: possible[-1] for key, possible in values.items()}


class FullStoreContract(StoreContract):
    """The optional part, for the stores that have it."""

    has: ClassVar[tuple[str, ...]] = OPTIONAL
    many: ClassVar[int] = 250  # keys

    @pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
    def test_aget_is_get(self, store: Any, loop: Any) -> None:
        async def read() -> list[Any]:
            before = [await store.aget(KEY), await store.aget_with_ttl(KEY)]
            store.set(KEY, b"value", ttl=None)
            large = os.urandom(1 << 20) * 2
            store.set(OTHER, large, ttl=None)
            assert await store.aget(OTHER) == large
            return [*before, await store.aget(KEY), await store.aget(KEY), await store.aget_with_ttl(KEY)]

        assert loop(read()) == [None, None, b"value", b"value", (b"value", None)]
        assert loop(store.aget(KEY)) == b"value"  # in another loop

    def test_many_at_once(self, store: Any) -> None:
        values = {f"{n:064x}": b"%d" % n * n for n in range(self.many)}
        assert store.get_many(values) == {}
        for key, value in values.items():
            store.set(key, value, ttl=None)
        absent = [f"{n:064x}" for n in range(300, 310)]
        assert store.get_many([*values, *absent]) == values
        assert store.get_many(iter(absent)) == {}

    def test_many_tasks_at_once(self, store: Any) -> None:
        for n in range(10):
            store.set(f"{n:064x}", b"%d" % n, ttl=60)

        async def read(n: int) -> tuple[bytes | None, bytes]:
            found = await store.aget_with_ttl(f"{n:064x}")
            return await store.aget(f"{n:064x}"), found[0]

        async def main() -> list[tuple[bytes | None, bytes]]:
            return await asyncio.gather(*(read(n % 10) for n in range(200)))

        assert asyncio.run(main()) == [(b"%d" % (n % 10), b"%d" % (n % 10)) for n in range(200)]

    def test_what_is_left_to_it(self, store: Any) -> None:
        assert store.get_with_ttl(KEY) is None
        store.set(KEY, b"value", ttl=None)
        assert store.get_with_ttl(KEY) == (b"value", None)
        store.set(KEY, b"newer", ttl=60)
        value, left = store.get_with_ttl(KEY)
        assert value == b"newer"
        assert 30 < left <= 60

    def test_it_ends_with_its_ttl(self, store: Any) -> None:
        store.set(KEY, b"value", ttl=0.0)
        assert store.get(KEY) is None
        store.set(OTHER, b"value", ttl=0.05)
        until(lambda: store.get(OTHER) is None)
        assert store.get_with_ttl(OTHER) is None

    def test_add_keeps_what_is_there(self, store: Any) -> None:
        assert store.add(KEY, b"first", ttl=60) is True
        assert store.add(KEY, b"second", ttl=60) is False
        assert store.get(KEY) == b"first"
        store.delete(KEY)
        assert store.add(KEY, b"third", ttl=0.05) is True
        until(lambda: store.add(KEY, b"fourth", ttl=None))
        assert store.get(KEY) == b"fourth"

    def test_of_many_threads_one_adds(self, store: Any) -> None:
        added: list[bool] = []
        threads = [threading.Thread(target=lambda: added.append(store.add(KEY, os.urandom(8), ttl=60))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(added) == [False] * 7 + [True]

    def test_delete(self, store: Any) -> None:
        store.set(KEY, b"value", ttl=None)
        store.set(OTHER, b"other", ttl=None)
        assert store.delete(KEY) is True
        assert store.delete(KEY) is False
        assert (store.get(KEY), store.get(OTHER)) == (None, b"other")

    def test_keys(self, store: Any) -> None:
        assert list(store.keys()) == []
        expected = [f"{n:064x}" for n in range(self.many)]
        for key in expected:
            store.set(key, b"value", ttl=None)
        assert sorted(store.keys()) == expected

    def test_keys_while_they_are_deleted(self, store: Any) -> None:
        for n in range(self.many):
            store.set(f"{n:064x}", b"value", ttl=None)
        for key in iter(store.keys()):
            store.delete(key)
        assert list(store.keys()) == []

    def test_clear(self, store: Any) -> None:
        store.set(KEY, b"value", ttl=None)
        store.clear()
        assert (store.get(KEY), list(store.keys())) == (None, [])
        store.set(KEY, b"again", ttl=None)
        assert store.get(KEY) == b"again"

    def test_it_is_there_after_closing(self, store: Any, make: Make) -> None:
        store.set(KEY, b"value", ttl=None)
        store.close()
        assert make().get(KEY) == b"value"

    def test_a_closed_store_opens_itself_again(self, store: Any) -> None:
        store.set(KEY, b"value", ttl=None)
        store.close()
        store.close()
        assert store.get(KEY) == b"value"

    def test_two_see_each_other(self, store: Any, make: Make) -> None:
        other = make()
        assert other.get(KEY) is None
        store.set(KEY, b"value", ttl=None)
        assert other.get(KEY) == b"value"
        other.set(KEY, b"newer", ttl=None)
        assert store.get(KEY) == b"newer"


class CountingStoreContract(FullStoreContract):
    """That of the stores that count how often each value was reused."""

    has: ClassVar[tuple[str, ...]] = (*OPTIONAL, *COUNTING)

    def test_hits_add_up(self, store: Any, make: Make) -> None:
        for key in (KEY, OTHER, "c" * 64):
            store.set(key, b"value", ttl=60)
        assert store.hits() == {}
        store.add_hits({KEY: 2, OTHER: 1})
        make().add_hits({KEY: 3})
        store.add_hits({})
        assert store.hits() == {KEY: 5, OTHER: 1}
        assert sorted(store.keys()) == [KEY, OTHER, "c" * 64]

    def test_hits_of_what_is_not_there_are_not_counted(self, store: Any) -> None:
        store.set(OTHER, b"value", ttl=None)
        store.add_hits({KEY: 2, OTHER: 1})
        store.set(KEY, b"value", ttl=60)
        assert store.hits() == {OTHER: 1}

    def test_hits_go_with_the_value(self, store: Any) -> None:
        keys = {what: f"{n:064x}" for n, what in enumerate(("deleted", "replaced", "expired", "kept"))}
        for key in keys.values():
            store.set(key, b"value", ttl=60)
        store.add_hits(dict.fromkeys(keys.values(), 2))
        store.delete(keys["deleted"])
        store.set(keys["replaced"], b"newer", ttl=None)
        store.set(keys["expired"], b"value", ttl=0.2)
        store.add_hits({keys["expired"]: 1})
        until(lambda: store.get(keys["expired"]) is None)
        assert store.hits() == {keys["kept"]: 2}
        for key in keys.values():
            store.add(key, b"value", ttl=60)
        assert store.hits() == {keys["kept"]: 2}
        store.clear()
        store.set(keys["kept"], b"value", ttl=60)
        assert store.hits() == {}

    def test_hits_of_many(self, store: Any) -> None:
        counts = {f"{n:064x}": n + 1 for n in range(self.many)}
        for key in counts:
            store.set(key, b"value", ttl=60)
        store.add_hits(counts)
        assert store.hits() == counts


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
