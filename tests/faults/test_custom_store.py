"""A store of somebody else's does what it should not: the caller gets upstream's answer all the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio

from tests.stores.two_methods import TwoMethods
from tests.stores.upstream import URL, Model, question
from wirecache import Cache

Warnings = Callable[[], list[str]]


class Raising:
    """It raises on everything."""

    def __init__(self, error: Callable[[], BaseException]) -> None:
        self.error = error

    def get(self, key: str) -> bytes | None:
        raise self.error()

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        raise self.error()

    delete = keys = clear = get


class Odd(BaseException):
    """Not even an Exception."""


ERRORS: dict[str, Callable[[], BaseException]] = {
    "os-error": lambda: OSError(28, "No space left on device"),
    "without-words": ValueError,
    "key-error": lambda: KeyError("gone"),
    "memory-error": MemoryError,
    "recursion": RecursionError,
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_one_that_raises_on_everything(error: Callable[[], BaseException], model: Model, warnings: Warnings) -> None:
    with Cache(Raising(error)) as cache:
        for calls in (1, 2, 3):
            assert model.ask(cache).json()["id"] == f"chatcmpl-{calls}"
            cache.flush()
        assert (cache.stats.store_errors, cache.stats.stored, cache.stats.misses) == (6, 0, 3)
    assert len(warnings()) == 1


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_one_that_raises_under_an_event_loop(run: Callable[..., Any], model: Model, warnings: Warnings) -> None:
    cache = Cache(Raising(ERRORS["os-error"]))

    async def main() -> list[int]:
        async with model.async_client(cache) as client:
            statuses = []
            for _ in range(2):
                statuses.append((await client.post(URL, json=question("hi"))).status_code)
                await cache.aflush()
            return statuses

    if run is asyncio.run:
        assert asyncio.run(main()) == [200, 200]
    else:
        assert trio.run(main) == [200, 200]
    assert cache.stats.store_errors == 4
    assert len(warnings()) == 1


@pytest.mark.parametrize("error", [Odd, SystemExit, KeyboardInterrupt], ids=["odd", "exit", "interrupt"])
def test_a_writer_that_is_thrown_out_goes_on(error: Callable[[], BaseException], model: Model, warnings: Warnings) -> None:
    """What ``set`` raises ends no thread: the next answer is written, and nothing waits for the lost one."""

    class Once(dict[str, bytes]):
        thrown = False

        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            if not self.thrown:
                self.thrown = True
                raise error()
            self[key] = value

    with Cache(Once()) as cache:
        model.ask(cache, "one")
        assert cache.engine.source.flush(5)
        model.ask(cache, "two")
        assert (cache.stats.stored, cache.stats.store_errors) == (1, 1)
        assert model.ask(cache, "two").extensions["wirecache"].hit
    assert len(warnings()) == 1


class Slow(dict[str, bytes]):
    """Its ``set`` waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        assert self.go.wait(30)
        self[key] = value


def test_one_that_is_slow_in_set_delays_no_call(model: Model) -> None:
    store = Slow()
    cache = Cache(store)
    for n in range(20):  # all of them while the first write still waits
        assert model.ask(cache, f"prompt {n}").status_code == 200
    assert model.ask(cache, "prompt 3").extensions["wirecache"].hit
    assert model.calls == 20
    assert len(store) == 0
    store.go.set()
    cache.close()
    assert len(store) == 20


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_one_that_is_slow_in_get_holds_no_event_loop(run: Callable[..., Any], model: Model) -> None:
    """The loop itself must turn for ``get`` to return."""
    turned = threading.Event()

    class Waiting(dict[str, bytes]):
        def get(self, key: str, default: Any = None) -> Any:
            assert turned.wait(30)

        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            self[key] = value

    cache = Cache(Waiting())

    async def main() -> None:
        import anyio

        async with model.async_client(cache) as client, anyio.create_task_group() as group:
            group.start_soon(lambda: client.post(URL, json=question("hi")))
            await anyio.lowlevel.checkpoint()
            turned.set()

    run(main) if run is trio.run else run(main())
    assert model.calls == 1
    cache.close()


GARBAGE = {
    "bytes": b"garbage",
    "empty": b"",
    "text": "garbage",
    "number": 42,
    "true": True,
    "list": [1, 2],
    "none-in-a-tuple": (None,),
    "bytearray": bytearray(b"garbage"),
    "memoryview": memoryview(b"garbage"),
    "magic-only": b"WCE\x03",
    "magic-and-zeros": b"WCE\x03" + bytes(500),
}


@pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_one_that_returns_garbage(colour: str, value: Any, model: Model, warnings: Warnings) -> None:
    class Garbage(dict[str, bytes]):
        def get(self, key: str, default: Any = None) -> Any:
            return value

        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            pass

    cache = Cache(Garbage())

    async def ask() -> httpx.Response:
        async with model.async_client(cache) as client:
            return await client.post(URL, json=question("hi"))

    for _ in range(2):
        assert (model.ask(cache) if colour == "sync" else asyncio.run(ask())).status_code == 200
        cache.flush()
    assert model.calls == 2
    assert cache.stats.store_errors == 2
    assert len(warnings()) == 1


def test_one_without_delete_when_an_entry_must_go(model: Model, warnings: Warnings) -> None:
    """Upstream says of an entry that it is another one (a 304 that matches nothing): it is dropped, or that is left alone."""

    answers = iter(
        [
            httpx.Response(200, headers={"cache-control": "max-age=0", "etag": '"1"'}, text="old"),
            httpx.Response(304, headers={"etag": '"2"'}),
            httpx.Response(200, headers={"etag": '"2"'}, text="new"),
        ]
    )
    cache = Cache(TwoMethods())
    from wirecache.httpx import CacheTransport

    with httpx.Client(transport=CacheTransport(cache, httpx.MockTransport(lambda _: next(answers)))) as client:
        assert client.get("https://api.example/v1/models").text == "old"
        assert client.get("https://api.example/v1/models").text == "new"
    cache.close()
