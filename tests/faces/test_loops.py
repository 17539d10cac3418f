"""Several event loops, tasks and threads on one cache; large bodies; cancellation."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import pytest

from tests.faces.ask import CHAT_PATH, Gate, ask, body_of, chat, stops_early
from tests.faces.face import FACES, Client, Face, Reply
from tests.faces.proxy import ForwardProxy
from tests.provider import CHAT, Answer, Provider, ReceivedRequest
from wirecache import Cache

BODY = json.dumps(CHAT).encode()
ASYNC_FACES = [face for face in FACES if face.is_async]
on_async_faces = pytest.mark.parametrize("face", ASYNC_FACES, ids=str)
LIBRARIES = ("httpx", "httpx2")


def echo(request: ReceivedRequest) -> Answer:
    """Answer with the text of the request."""
    return Answer.of(chat(request.json["messages"][0]["content"]))


def text_of(reply: Reply) -> str:
    text: str = reply.json()["choices"][0]["message"]["content"]
    return text


def in_a_loop(colour: str, body: Callable[[], Awaitable[Any]]) -> Any:
    return anyio.run(body, backend=colour)


# -- event loops, one after the other ----------------------------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
def test_one_client_in_several_loops(library: str, provider: Provider, cache: Cache) -> None:
    """Two misses in each loop, so that a kept-alive connection is used again in its own loop, and none in another's."""
    client = Face(library, "asyncio").client(cache)

    async def calls(name: str) -> None:
        for text in (f"{name} one", f"{name} two"):
            assert (await ask(client, provider, text)).cache_status.stored
        assert (await ask(client, provider, "0 one")).cache_status.hit

    provider.script = echo
    colours = ("asyncio", "asyncio", "asyncio", "trio", "trio", "asyncio")
    for at, colour in enumerate(colours):
        in_a_loop(colour, partial(calls, str(at)))
    assert provider.calls == 2 * len(colours)
    in_a_loop("asyncio", client.close)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_connections_of_a_loop_end_with_it(library: str, provider: Provider, cache: Cache) -> None:
    """A program that calls ``asyncio.run`` for each task would run out of file descriptors."""
    client = Face(library, "asyncio").client(cache)

    async def call(text: str) -> None:
        assert (await ask(client, provider, text)).cache_status.stored

    in_a_loop("asyncio", partial(call, "first"))
    before = len(os.listdir("/proc/self/fd"))
    for colour in ("asyncio", "trio"):
        for at in range(10):
            in_a_loop(colour, partial(call, f"{colour} {at}"))
    assert len(os.listdir("/proc/self/fd")) < before + 15
    in_a_loop("asyncio", client.close)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_proxy_in_several_loops(library: str, provider: Provider, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxies are those that the environment named when the client was made."""
    proxy = ForwardProxy()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    client = Face(library, "asyncio").client(cache)
    monkeypatch.delenv("HTTP_PROXY")

    async def call(text: str) -> None:
        assert (await ask(client, provider, text)).cache_status.stored

    for at, colour in enumerate(("asyncio", "trio", "asyncio")):
        in_a_loop(colour, partial(call, str(at)))
    assert len(proxy.seen) == 3
    in_a_loop("asyncio", client.close)
    proxy.close()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_bare_transport_in_several_loops(library: str, provider: Provider, cache: Cache) -> None:
    face = Face(library, "asyncio")
    client = face.plain_client(transport=face.cache_transport(cache))

    async def call(text: str) -> None:
        assert (await ask(client, provider, text)).cache_status.stored

    for at, colour in enumerate(("asyncio", "trio", "asyncio")):
        in_a_loop(colour, partial(call, str(at)))
    in_a_loop("asyncio", client.close)


@pytest.mark.parametrize("library", LIBRARIES)
def test_options_hold_in_every_loop(library: str, provider: Provider, cache: Cache) -> None:
    face = Face(library, "asyncio")
    client = face.client(cache, limits=face.http.Limits(max_connections=1), timeout=face.http.Timeout(5, pool=0.05), headers={"x-a": "b"})

    async def call(text: str) -> None:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(text), timeout=5) as held:
            with pytest.raises(face.http.PoolTimeout):
                await ask(client, provider, "other")
            await held.read()

    for at, colour in enumerate(("asyncio", "trio", "asyncio")):
        in_a_loop(colour, partial(call, str(at)))
    assert {request.header("x-a") for request in provider.requests} == {"b"}
    in_a_loop("asyncio", client.close)


# -- at the same time --------------------------------------------------------------------------------------------


async def test_many_at_once(face: Face, provider: Provider, cache: Cache) -> None:
    """Each gets the answer to its own question, whatever the others ask."""
    provider.script = echo
    provider.delay = 0.005

    async def call(client: Client, at: int) -> None:
        for _ in range(2):
            assert text_of(await ask(client, provider, f"text {at % 7}")) == f"text {at % 7}"

    async with face.client(cache) as client:
        await face.together(*(partial(call, client, at) for at in range(21)))
        assert (await ask(client, provider, "text 0")).cache_status.hit
    stats = cache.stats
    assert stats.hits + stats.misses + stats.collapsed == 43
    assert stats.misses == stats.stored == provider.calls == 7
    assert len(list(cache.entries())) == 7


@pytest.mark.parametrize("library", LIBRARIES)
def test_eight_threads_on_one_cache_and_client(library: str, provider: Provider, cache: Cache) -> None:
    provider.script = echo
    start = threading.Barrier(8)
    with Face(library, "sync").client(cache).native as client:

        def work(thread: int) -> int:
            start.wait()
            hits = 0
            for at in range(40):
                text = f"text {(at + thread) % 10}"
                response = client.post(provider.url + CHAT_PATH, json=body_of(text))
                assert response.json()["choices"][0]["message"]["content"] == text
                hits += response.extensions["wirecache"].hit
            return hits

        with ThreadPoolExecutor(8) as pool:
            hits = sum(pool.map(work, range(8)))
    stats = cache.stats
    assert (stats.hits, stats.misses + stats.collapsed, stats.misses) == (hits, 320 - hits, 10)
    assert hits >= 320 - 8 * 10
    assert stats.store_errors == 0
    assert len(list(cache.entries())) == 10


@pytest.mark.parametrize("library", LIBRARIES)
def test_eight_loops_in_eight_threads_on_one_cache(library: str, provider: Provider, cache: Cache) -> None:
    provider.script = echo
    start = threading.Barrier(8)

    async def calls(face: Face, thread: int) -> None:
        async with face.client(cache) as client:
            for at in range(10):
                text = f"text {(at + thread) % 5}"
                assert text_of(await ask(client, provider, text)) == text

    def work(thread: int) -> None:
        face = Face(library, "trio" if thread % 2 else "asyncio")
        start.wait()
        face.run(partial(calls, face, thread))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert (cache.stats.hits + cache.stats.collapsed, cache.stats.misses, cache.stats.store_errors) == (75, 5, 0)
    assert len(list(cache.entries())) == 5


async def test_sync_and_async_share_what_is_not_written_yet(face: Face, provider: Provider, cache: Cache) -> None:
    """A hit right after the miss, on every other face, while the write is under way."""
    async with face.client(cache) as client:
        await ask(client, provider)
        for library in LIBRARIES:
            with Face(library, "sync").client(cache).native as other:
                assert other.post(provider.url + CHAT_PATH, json=body_of()).extensions["wirecache"].hit


# -- large bodies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "audio"])
async def test_five_megabytes(face: Face, provider: Provider, cache: Cache, kind: str) -> None:
    body = json.dumps(chat("wörter " * 700_000)).encode() if kind == "json" else bytes(range(256)) * 20_000
    content_type = "application/json" if kind == "json" else "audio/mpeg"
    provider.script = lambda _: Answer(200, {"content-type": content_type}, [body[:1_000_000], body[1_000_000:]])
    async with face.client(cache) as client:
        miss = await ask(client, provider)
        again = await ask(client, provider)  # from memory, or the disk
        cache.flush()
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as hit:
            assert b"".join(await hit.all("iter_bytes", 65536)) == body
    assert miss.cache_status.stored
    assert miss.content == again.content == body
    assert (again.cache_status.hit, hit.cache_status.hit, provider.calls) == (True, True, 1)


async def test_a_large_request(face: Face, provider: Provider, cache: Cache) -> None:
    text = "x" * 5_000_000
    async with face.client(cache) as client:
        await ask(client, provider, text)
        assert (await ask(client, provider, text)).cache_status.hit
        assert not (await ask(client, provider, text + "x")).cache_status.hit
    assert provider.requests[0].json["messages"][0]["content"] == text


# -- cancellation ------------------------------------------------------------------------------------------------


async def is_cancelled(call: Callable[[], Awaitable[Any]], *events: Gate) -> bool:
    """Cancel the call when all of the events have occurred; return whether that was before its end."""

    async def cancel() -> None:
        for event in events:
            await anyio.to_thread.run_sync(event.wait)
        scope.cancel()

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(cancel)
            await call()
    return scope.cancelled_caught


def halting(gate: Gate, kind: str = "application/json", sent: Gate | None = None) -> Answer:
    """An answer that stops in the middle; ``sent`` is opened then."""

    def pieces() -> Any:
        yield BODY[:40]
        (sent or Gate()).open()
        gate.wait()
        yield BODY[40:]

    return Answer(200, {"content-type": kind}, pieces())


@stops_early
@on_async_faces
async def test_cancelled_before_the_head(face: Face, provider: Provider, cache: Cache) -> None:
    gate, arrived = Gate(), Gate()

    def think(_: ReceivedRequest) -> None:
        arrived.open()
        gate.wait()

    provider.script = think
    async with face.client(cache, limits=face.http.Limits(max_connections=1)) as client:
        assert await is_cancelled(partial(ask, client, provider), arrived)
        gate.open()
        assert not list(cache.entries())
        provider.script = None
        assert (await ask(client, provider)).cache_status.fwd == "miss"


@stops_early
@on_async_faces
async def test_cancelled_in_the_body(face: Face, provider: Provider, cache: Cache) -> None:
    gate, sent, head = Gate(), Gate(), Gate()

    async def on_response(_: Reply) -> None:
        head.open()

    provider.script = lambda _: halting(gate, sent=sent)
    hooks = {"response": [face.hook(on_response)]}
    async with face.client(cache, limits=face.http.Limits(max_connections=1), event_hooks=hooks) as client:
        assert await is_cancelled(partial(ask, client, provider), head, sent)
        gate.open()
        assert cache.stats.stored == 0
        assert cache.stats.refused == 1
        provider.script = None
        assert not (await ask(client, provider)).cache_status.hit


@stops_early
@on_async_faces
async def test_cancelled_between_two_chunks(face: Face, provider: Provider, cache: Cache) -> None:
    gate = Gate()
    provider.script = lambda _: halting(gate, "text/plain")
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            with anyio.CancelScope() as scope:
                async with reply.over("iter_raw") as chunks:
                    async for _ in chunks:
                        scope.cancel()
            assert scope.cancelled_caught
        gate.open()
        assert (reply.cache_status.stored, reply.cache_status.detail) == (False, "truncated")
        assert not list(cache.entries())


@stops_early
@on_async_faces
async def test_a_second_pass_after_a_cancelled_first(face: Face, provider: Provider, cache: Cache) -> None:
    """The iterator below is dead then, and ends at once: that is no end of the body."""
    gate = Gate()
    provider.script = lambda _: halting(gate, "text/plain")
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            with anyio.CancelScope() as scope:
                async for _ in reply.native.stream:
                    scope.cancel()
            assert [chunk async for chunk in reply.native.stream] == []
        gate.open()
        assert (reply.cache_status.stored, reply.cache_status.detail) == (False, "truncated")
    assert not list(cache.entries())


@stops_early
@on_async_faces
async def test_cancelled_at_any_point(face: Face, provider: Provider, cache: Cache) -> None:
    """Whatever the moment: nothing half is stored, nothing hangs, and the one connection comes back."""
    provider.script = lambda _: Answer(200, {"content-type": "application/json"}, [BODY[:40], BODY[40:]], pause=0.002)
    limits, timeout = face.http.Limits(max_connections=1), face.http.Timeout(5, pool=20)
    async with face.client(cache, limits=limits, timeout=timeout) as client:
        for at in range(30):
            with anyio.move_on_after(at * 0.0004):
                assert (await ask(client, provider, str(at))).content == BODY
        provider.script = None
        assert (await ask(client, provider, "last")).cache_status.stored
    assert {entry.body for entry in cache.entries()} == {BODY}
