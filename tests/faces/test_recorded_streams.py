"""With ``streams="record"`` a stream still passes as it comes; a copy is kept with times, and replayed in the same pieces."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.faces.ask import CHAT_PATH, ask, body_of, stops_early
from tests.faces.face import Face
from tests.provider import CHAT_EVENTS, Answer, Provider, events
from wirecache import Cache

EVENTS = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in CHAT_EVENTS] + [b"data: [DONE]\n\n"]
SSE = {"content-type": "text/event-stream"}


async def test_a_stream_is_replayed_in_its_pieces(face: Face, provider: Provider, make_cache: Callable[..., Cache]) -> None:
    provider.script = lambda _: Answer(200, SSE, EVENTS, pause=0.01)
    cache = make_cache(streams="record")
    async with face.client(cache) as client:
        seen = []
        for _ in range(2):
            async with (
                client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply,
                reply.over("iter_raw") as chunks,
            ):
                seen.append([chunk async for chunk in chunks])
        assert reply.cache_status.hit
    assert seen == [EVENTS, EVENTS]
    assert provider.calls == 1


async def test_the_pace_of_a_replay(face: Face, provider: Provider, make_cache: Callable[..., Cache]) -> None:
    provider.script = lambda _: Answer(200, SSE, EVENTS, pause=0.05)

    async def replay(speed: float) -> float:
        async with face.client(make_cache(streams="record", replay_speed=speed)) as client:
            start = time.perf_counter()
            assert (await ask(client, provider, stream=True)).cache_status.hit
            return time.perf_counter() - start

    async with face.client(make_cache(streams="record")) as client:
        await ask(client, provider, stream=True)
    assert await replay(1.0) >= 0.18
    assert await replay(4.0) >= 0.04
    for speed, less_than in ((4.0, 0.18), (0.0, 0.04)):
        while await replay(speed) >= less_than:
            pass  # the machine is busy: it takes that little sooner or later
    assert provider.calls == 1


@stops_early
async def test_a_stream_that_was_left_early_is_not_stored(face: Face, provider: Provider, make_cache: Callable[..., Cache]) -> None:
    provider.script = lambda _: events(*CHAT_EVENTS)
    cache = make_cache(streams="record")
    async with face.client(cache) as client:
        url = provider.url + CHAT_PATH
        async with client.stream("POST", url, json=body_of(stream=True)) as reply, reply.over("iter_lines") as lines:
            await anext(lines)
        assert reply.cache_status.detail == "abandoned"
        assert not (await ask(client, provider, stream=True)).cache_status.hit
        assert (await ask(client, provider, stream=True)).cache_status.hit


@pytest.mark.parametrize(
    ("chunks", "cut", "reason"),
    [
        pytest.param(EVENTS[:2], True, "truncated", id="cut"),
        pytest.param(EVENTS[:2], False, "truncated", id="ended before its last event"),
        pytest.param([EVENTS[0], b'data: {"error": {"message": "overloaded"}}\n\n'], False, "error", id="error"),
    ],
)
async def test_a_stream_that_is_not_whole_or_good(
    face: Face, provider: Provider, make_cache: Callable[..., Cache], chunks: list[bytes], cut: bool, reason: str
) -> None:
    provider.script = lambda _: Answer(200, SSE, chunks, cut=cut)
    cache = make_cache(streams="record")
    async with face.client(cache) as client:
        if cut:
            with pytest.raises(face.http.RemoteProtocolError):
                await ask(client, provider, stream=True)
        else:
            await ask(client, provider, stream=True)
    assert not list(cache.entries())
    assert cache.stats.reasons == {reason: 1}
