"""Streams pass as they come: not buffered, not delayed, not stored, counted. Slow answers that are stored are not delayed either."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faces.ask import CHAT_PATH, Gate, ask, body_of, stops_early
from tests.faces.face import Face
from tests.provider import CHAT, CHAT_EVENTS, Answer, Provider, events
from wirecache import Cache

EVENTS = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in CHAT_EVENTS] + [b"data: [DONE]\n\n"]
BODY = json.dumps(CHAT).encode()
PIECES = [BODY[:60], BODY[60:120], BODY[120:]]
SSE, NDJSON, JSON = "text/event-stream", "application/x-ndjson", "application/json"


class Dialogue:
    """A provider that sends the next chunk only when the last one has arrived: whoever holds one back waits in vain."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks
        self.gates = [Gate() for _ in chunks]
        self.in_time: list[bool] = []

    def answer(self, kind: str) -> Answer:
        return Answer(200, {"content-type": kind}, self._sent())

    def _sent(self) -> Iterator[bytes]:
        for chunk, gate in zip(self.chunks, self.gates, strict=True):
            yield chunk
            self.in_time.append(gate.wait())

    async def read(self, reply: Any, way: str) -> bytes:
        got = b""
        gates = iter(self.gates)
        async with reply.over(way) as chunks:
            async for chunk in chunks:
                got += chunk
                next(gates).open()
        return got


@pytest.mark.parametrize(
    ("kind", "chunks", "members"),
    [
        pytest.param(SSE, EVENTS, {"stream": True}, id="sse-asked-for"),
        pytest.param(SSE, EVENTS, {}, id="sse-not-asked-for"),
        pytest.param(NDJSON, [b'{"done": false}\n', b'{"done": true}\n'], {"stream": True}, id="ndjson-asked-for"),
        pytest.param(NDJSON, [b'{"done": false}\n', b'{"done": true}\n'], {}, id="ndjson-not-asked-for"),
        pytest.param(JSON, PIECES, {}, id="json-slow"),
    ],
)
async def test_each_chunk_arrives_before_the_next_is_sent(
    face: Face, provider: Provider, cache: Cache, kind: str, chunks: list[bytes], members: dict[str, bool]
) -> None:
    async with face.client(cache) as client:
        for way in ("iter_raw", "iter_bytes"):
            dialogue = Dialogue(chunks)
            provider.script = lambda _, dialogue=dialogue: dialogue.answer(kind)  # type: ignore[misc]
            async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(way, **members)) as reply:
                assert await dialogue.read(reply, way) == b"".join(chunks)
            assert dialogue.in_time == [True] * len(chunks)
            status = reply.cache_status
            assert (status.stored, status.detail) == ((True, None) if kind == JSON else (False, "stream"))
            assert status.fwd == ("bypass" if members else "miss")
    assert len(list(cache.entries())) == (2 if kind == JSON else 0)
    stats = cache.stats
    assert (stats.bypassed, stats.reasons.get("stream")) == ((2, 2) if members else (0, stats.reasons.get("stream")))


async def test_a_slow_answer_that_was_stored_is_given_whole(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(200, {"content-type": JSON}, PIECES, pause=0.02)
    async with face.client(cache) as client:
        miss = await ask(client, provider)
        start = time.perf_counter()
        hit = await ask(client, provider)
        seconds = time.perf_counter() - start
    assert (miss.content, hit.content, hit.cache_status.hit, provider.calls) == (BODY, BODY, True, 1)
    assert hit.elapsed.total_seconds() <= seconds  # its own, not that of the miss
    assert cache.stats.seconds_saved >= 0.06  # what upstream took: to the end of the body


async def test_a_stream_is_read_to_its_end_and_never_stored(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        for _ in range(2):
            reply = await ask(client, provider, stream=True)
            assert reply.content == b"".join(EVENTS)
            assert (reply.cache_status.hit, reply.cache_status.fwd, reply.cache_status.detail, reply.cache_status.key) == (
                False,
                "bypass",
                "stream",
                None,
            )
            assert reply.headers["cache-status"] == "wirecache; fwd=bypass; detail=stream"
    assert provider.calls == 2
    assert (cache.stats.bypassed, cache.stats.stored, cache.stats.refused) == (2, 0, 0)


@pytest.mark.parametrize("path", ["/v1beta/models/m:streamGenerateContent", "/v1beta/models/m:generateContent?alt=sse"])
async def test_a_stream_by_its_path(face: Face, provider: Provider, cache: Cache, path: str) -> None:
    provider.script = lambda _: events({"candidates": []}, done=False)
    async with face.client(cache) as client:
        reply = await client.post(provider.url + path, json={"contents": []})
    assert reply.headers["cache-status"] == "wirecache; fwd=bypass; detail=stream"


async def test_both_forms_of_a_prompt(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        await ask(client, provider)
        assert (await ask(client, provider, stream=True)).headers["content-type"] == SSE
        assert (await ask(client, provider, stream=False)).headers["content-type"] == JSON
        assert (await ask(client, provider)).cache_status.hit


@stops_early
async def test_leaving_a_stream_early(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: events(*CHAT_EVENTS)
    async with face.client(cache) as client:
        url = provider.url + CHAT_PATH
        async with client.stream("POST", url, json=body_of(stream=True)) as reply, reply.over("iter_lines") as lines:
            assert (await anext(lines)).startswith("data: ")
        assert reply.is_closed
        assert (await ask(client, provider, stream=True)).content == b"".join(EVENTS)


async def test_a_stream_that_breaks_off(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(200, {"content-type": SSE}, EVENTS[:2], cut=True)
    async with face.client(cache) as client:
        with pytest.raises(face.http.RemoteProtocolError):
            await ask(client, provider, stream=True)
        with pytest.raises(face.http.RemoteProtocolError):
            await ask(client, provider)
    assert not list(cache.entries())
