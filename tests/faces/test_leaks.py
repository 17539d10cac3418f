"""Nothing is left behind: connections, sockets, warnings, threads that wait, memory of bodies that are gone."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from tests.faces.ask import CHAT_PATH, Gate, ask, body_of, stops_early
from tests.faces.face import Client, Face
from tests.provider import CHAT, CHAT_EVENTS, Answer, Provider, ReceivedRequest, events
from wirecache import Cache

pytestmark = pytest.mark.usefixtures("only_new_garbage")

BODY = json.dumps(CHAT).encode()


def narrow(face: Face, cache: Cache, connections: int = 2, **options: Any) -> Client:
    """A client that has few connections, and waits a moment for one."""
    limits = face.http.Limits(max_connections=connections)
    return face.client(cache, limits=limits, timeout=face.http.Timeout(5, pool=0.5), **options)


@stops_early
@pytest.mark.parametrize("members", [{}, {"stream": True}], ids=["stored", "bypassed"])
async def test_bodies_that_are_closed_early(face: Face, provider: Provider, cache: Cache, members: dict[str, bool]) -> None:
    provider.script = lambda _: Answer(200, {"content-type": "application/json"}, [BODY[:30], BODY[30:]])
    async with narrow(face, cache) as client:
        for at in range(20):
            async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(str(at), **members)) as reply:
                if at % 2:
                    async with reply.over("iter_raw") as chunks:
                        await anext(chunks)
        assert (await ask(client, provider, "last", **members)).content == BODY


@stops_early
async def test_bodies_that_are_forgotten(face: Face, provider: Provider, cache: Cache) -> None:
    """Never closed: as with the library alone, the garbage collector gives the connection back, if the body was begun."""
    provider.script = lambda _: Answer(200, {"content-type": "application/json"}, [BODY[:30], BODY[30:]])
    async with narrow(face, cache, connections=1) as client:
        for at in range(3):
            request = client.native.build_request("POST", provider.url + CHAT_PATH, json=body_of(str(at)))
            reply = await client.send(request, stream=True)
            chunks = reply.native.aiter_raw() if face.is_async else reply.native.iter_raw()
            assert await anext(chunks) if face.is_async else next(chunks)
            del reply, request, chunks
            for _ in range(2):  # under a loop, the first collection finds the generators, and the second what they held
                gc.collect()
                for _ in range(20 if face.is_async else 0):
                    await checkpoint()
        assert (await ask(client, provider, "last")).content == BODY
    assert len(list(cache.entries())) == 1


async def test_bodies_that_are_closed_unread(face: Face, provider: Provider, cache: Cache) -> None:
    async with narrow(face, cache) as client:
        for at in range(10):
            request = client.native.build_request("POST", provider.url + CHAT_PATH, json=body_of(str(at)))
            reply = await client.send(request, stream=True)
            await reply.close()
        assert (await ask(client, provider, "last")).content == BODY
    assert len(list(cache.entries())) == 1


@stops_early
async def test_failures(face: Face, provider: Provider, cache: Cache) -> None:
    answers = [
        Answer(raw=b""),
        Answer(200, {}, [BODY], cut=True),
        Answer.of({}, status=500),
        Answer(200, {"content-encoding": "gzip"}, [BODY]),
    ]
    async with narrow(face, cache) as client:
        for at in range(12):
            provider.script = lambda _, at=at: answers[at % 4]  # type: ignore[misc]
            try:
                await ask(client, provider, str(at))
            except (face.http.RemoteProtocolError, face.http.DecodingError):
                pass
        provider.script = None
        assert (await ask(client, provider, "last")).cache_status.stored


async def test_revalidations(face: Face, provider: Provider, cache: Cache) -> None:
    """The 304 is read, so its connection serves again."""

    def script(request: ReceivedRequest) -> Answer:
        head = {"cache-control": "max-age=0", "etag": '"1"', "content-type": "text/plain"}
        return Answer(304, head) if request.header("if-none-match") else Answer(200, head, [b"text"])

    provider.script = script
    async with narrow(face, cache, connections=1) as client:
        for _ in range(5):
            assert (await client.get(provider.url + "/v1/models")).text == "text"
            async with client.stream("GET", provider.url + "/v1/models"):
                pass  # a reused answer that nobody reads holds no connection


async def test_hits_that_are_not_closed(face: Face, provider: Provider, cache: Cache) -> None:
    async with narrow(face, cache, connections=1) as client:
        await ask(client, provider)
        for _ in range(5):
            request = client.native.build_request("POST", provider.url + CHAT_PATH, json=body_of())
            assert (await client.send(request, stream=True)).cache_status.hit
        assert (await ask(client, provider, "other")).cache_status.stored


async def test_a_connection_is_kept_alive(face: Face, provider: Provider, cache: Cache) -> None:
    """The recording gives the connection back when the body is over, not when the response is collected."""
    used = []

    async def on_response(reply: Any) -> None:
        used.append(reply.extensions["network_stream"].get_extra_info("client_addr"))

    async with face.client(cache, event_hooks={"response": [face.hook(on_response)]}) as client:
        replies = [await ask(client, provider, str(at)) for at in range(4)]
    assert len(replies) == 4
    assert len(set(used)) == 1


async def test_a_response_is_collected_without_the_cycle_collector(face: Face, provider: Provider, cache: Cache) -> None:
    """A cycle would keep 5 MB bodies alive until a full collection."""
    async with face.client(cache) as client:
        for _ in range(2):
            async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
                await reply.read()
            cache.flush()
            gone = weakref.ref(reply.native)
            plain_cycles = face.library == "httpx"  # its own bound stream and response refer to each other
            del reply
            if plain_cycles:
                gc.collect()
            assert gone() is None


async def test_settled_once(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        for at in range(3):
            async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(str(at))) as reply:
                await reply.read()
                await reply.close()
                await reply.close()
            await reply.close()
    stats = cache.stats
    assert (stats.stored, stats.refused, stats.misses) == (3, 0, 3)


async def test_no_warning_is_left(face: Face, provider: Provider, cache: Cache) -> None:
    """Warnings are errors here, those of sockets and generators included; a collection brings them to light."""
    gate = Gate()
    provider.script = lambda request: events(*CHAT_EVENTS) if b'"stream"' in request.body else None
    async with face.client(cache) as client:
        await ask(client, provider)
        await ask(client, provider)
        await ask(client, provider, stream=True)
        await client.get(provider.url + "/v1/models")
        with pytest.raises(face.http.ConnectError):
            await client.post("http://127.0.0.1:1" + CHAT_PATH, json=body_of())
    gate.open()
    gc.collect()
