"""When is a recorded stream kept? When its last event has passed, however its reader stopped then; otherwise never."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest

from tests import provider_events
from tests.faces.ask import CHAT_PATH, Gate, ask, body_of, stops_early
from tests.faces.face import Face
from tests.faces.test_leaks import narrow
from tests.provider import Answer, Provider
from tests.provider_events import CHAT, DONE, NDJSON, SSE, STREAMS, chunk, sse
from wirecache import Cache

Make = Callable[..., Cache]
FEW = ("openai-chat", "openai-responses", "anthropic", "gemini", "cohere", "ollama", "tgi")


@stops_early
@pytest.mark.parametrize("name", FEW)
async def test_leaving_at_each_event(face: Face, provider: Provider, make_cache: Make, name: str) -> None:
    stream = STREAMS[name]
    cache = make_cache(streams="record")
    # The end of the body is held back: who leaves after the last event has not seen it.
    held: list[Gate] = []

    def chunks(gate: Gate) -> Iterator[bytes]:
        yield from stream.events
        gate.wait()

    def script(_: Any) -> Answer:
        held.append(Gate())
        return Answer(200, {"content-type": stream.kind}, chunks(held[-1]))

    provider.script = script
    async with face.client(cache) as client:
        for at in range(len(stream.events)):
            seen = b""
            wanted = b"".join(stream.events[: at + 1])
            body = body_of(str(at), stream=True)
            async with client.stream("POST", provider.url + stream.path, json=body) as reply, reply.over("iter_raw") as pieces:
                async for piece in pieces:
                    seen += piece
                    if len(seen) >= len(wanted):
                        break
            held[-1].open()
            whole = seen == b"".join(stream.events) and not stream.needs_end
            assert (reply.cache_status.stored, reply.cache_status.detail) == (whole, None if whole else "abandoned")
    assert {entry.body for entry in cache.entries()} <= {b"".join(stream.events)}


@stops_early
@pytest.mark.parametrize("cut", [False, True], ids=["closed", "broken off"])
async def test_closed_or_broken_off_after_done(face: Face, provider: Provider, make_cache: Make, cut: bool) -> None:
    cache = make_cache(streams="record")
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT, cut=cut)
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply:
            got = b""
            try:
                async with reply.over("iter_raw") as pieces:
                    async for piece in pieces:
                        got += piece
                        if not cut and got.endswith(DONE):
                            break
            except face.http.RemoteProtocolError:
                assert cut
        assert got == b"".join(CHAT)
        assert (reply.cache_status.stored, reply.cache_status.detail) == (True, None)
        again = await ask(client, provider, stream=True)
    assert (again.content, again.cache_status.hit) == (b"".join(CHAT), True)


BAD = {
    "chat-error": (SSE, provider_events.CHAT_ERROR, "error"),
    "chat-filter": (SSE, provider_events.CHAT_FILTERED, "content-filter"),
    "chat-cut": (SSE, CHAT[:2], "truncated"),
    "chat-cut-in-an-event": (SSE, [*CHAT[:2], CHAT[2][:30]], "truncated"),
    "responses-failed": (SSE, provider_events.RESPONSES_FAILED, "status-failed"),
    "responses-error": (SSE, provider_events.RESPONSES_ERROR, "error"),
    "responses-filter": (SSE, provider_events.RESPONSES_FILTERED, "content-filter"),
    "responses-cut": (SSE, provider_events.RESPONSES[:-1], "truncated"),
    "anthropic-error": (SSE, provider_events.MESSAGES_ERROR, "error"),
    "anthropic-refusal": (SSE, provider_events.MESSAGES_REFUSED, "content-filter"),
    "anthropic-cut": (SSE, provider_events.MESSAGES[:-1], "truncated"),
    "gemini-error": (SSE, provider_events.GEMINI_ERROR, "error"),
    "gemini-safety": (SSE, provider_events.GEMINI_SAFETY, "content-filter"),
    "gemini-blocked": (SSE, provider_events.GEMINI_BLOCKED, "content-filter"),
    "gemini-cut": (SSE, provider_events.GEMINI[:-1], "truncated"),
    "cohere-error": (SSE, provider_events.COHERE_ERROR, "error"),
    "ollama-error": (NDJSON, provider_events.OLLAMA_ERROR, "error"),
    "ollama-cut": (NDJSON, provider_events.OLLAMA[:-1], "truncated"),
    "tgi-error": (SSE, provider_events.TGI_ERROR, "error"),
    "empty": (SSE, [], "empty"),
}


async def test_a_stream_that_ended_badly_passes_and_is_not_kept(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache(streams="record")
    async with face.client(cache) as client:
        for name, (kind, events, reason) in BAD.items():
            provider.script = lambda _, kind=kind, events=events: Answer(200, {"content-type": kind}, events)  # type: ignore[misc]
            for _ in range(2):
                reply = await ask(client, provider, name, stream=True)
                assert reply.content == b"".join(events), name
                assert (reply.cache_status.hit, reply.cache_status.stored, reply.cache_status.detail) == (False, False, reason), name
    assert not list(cache.entries())
    assert provider.calls == 2 * len(BAD)


@stops_early
@pytest.mark.parametrize("where", ["while it waits for the next piece", "while it works on a piece"])
async def test_a_reader_that_is_cancelled(face: Face, provider: Provider, make_cache: Make, where: str) -> None:
    if not face.is_async:
        return
    cache = make_cache(streams="record")
    gates = [Gate() for _ in range(5)]

    def chunks(gate: Gate) -> Iterator[bytes]:
        yield from CHAT[:2]
        gate.wait()
        yield from CHAT[2:]

    async with narrow(face, cache, connections=1) as client:
        for at, gate in enumerate(gates):
            provider.script = lambda _, gate=gate: Answer(200, {"content-type": SSE}, chunks(gate))  # type: ignore[misc]
            with anyio.CancelScope() as scope:
                body = body_of(str(at), stream=True)
                async with client.stream("POST", provider.url + CHAT_PATH, json=body) as reply, reply.over("iter_raw") as pieces:
                    await anext(pieces)
                    scope.cancel()
                    if where == "while it works on a piece":
                        await anyio.sleep(1)
                    async for _ in pieces:
                        pass
            assert scope.cancelled_caught
            assert not reply.cache_status.stored
            gate.open()
        provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT)
        assert (await ask(client, provider, "0", stream=True)).cache_status.stored
    assert [entry.body for entry in cache.entries()] == [b"".join(CHAT)]


@stops_early
async def test_a_reader_that_is_cancelled_after_the_last_event(face: Face, provider: Provider, make_cache: Make) -> None:
    """The last event has passed, so the stream is whole; a large one is judged although its reader is cancelled."""
    if not face.is_async:
        return
    cache = make_cache(streams="record")
    gate = Gate()
    large = [sse(chunk({"content": "x" * 1000}))] * 200

    def chunks() -> Iterator[bytes]:
        yield from (*large, *CHAT)
        gate.wait()

    provider.script = lambda _: Answer(200, {"content-type": SSE}, chunks())
    async with face.client(cache) as client:
        with anyio.CancelScope() as scope:
            async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply:
                got = b""
                async with reply.over("iter_raw") as pieces:
                    async for piece in pieces:
                        got += piece
                        if got.endswith(DONE):
                            scope.cancel()
        gate.open()
        assert reply.cache_status.stored
        assert (await ask(client, provider, stream=True)).cache_status.hit


async def test_a_stream_that_grows_above_the_limit(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache(streams="record")
    cache.engine.plan = replace(cache.plan, max_body=2000)
    provider.script = lambda _: Answer(200, {"content-type": SSE}, [*CHAT[:2] * 10, *CHAT])
    async with face.client(cache) as client:
        for _ in range(2):
            reply = await ask(client, provider, stream=True)
            assert reply.content == b"".join([*CHAT[:2] * 10, *CHAT])
            assert (reply.cache_status.hit, reply.cache_status.stored, reply.cache_status.detail) == (False, False, "too-large")
    assert not list(cache.entries())


async def test_what_is_said_before_and_after_the_body(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache(streams="record")
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT)
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply:
            key = reply.cache_status.key
            assert reply.headers["cache-status"] == f'wirecache; fwd=miss; key="{key}"'
            await reply.all("iter_raw")
            assert reply.headers["cache-status"] == f'wirecache; fwd=miss; stored; key="{key}"'
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply:
            before = reply.headers["cache-status"]
            assert before.startswith("wirecache; hit; ttl=")
            await reply.all("iter_raw")
            assert reply.headers["cache-status"] == before
    stats = cache.stats
    assert (stats.misses, stats.hits, stats.stored, stats.bypassed) == (1, 1, 1, 0)
    assert stats.tokens == 12


async def test_readers_of_one_recorded_stream_take_turns(face: Face, provider: Provider, make_cache: Make) -> None:
    """Under an event loop a replay lets others run after each piece, as a live stream does."""
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT)
    order: list[int] = []
    async with face.client(make_cache(streams="record")) as client:
        await ask(client, provider, stream=True)

        def reader(number: int) -> Callable[[], Any]:
            async def read() -> None:
                async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply:
                    assert reply.cache_status.hit
                    async with reply.over("iter_raw") as pieces:
                        got = b""
                        async for piece in pieces:
                            order.append(number)
                            got += piece
                assert got == b"".join(CHAT)

            return read

        await face.together(*map(reader, range(4)))
    assert provider.calls == 1
    assert len(order) == 4 * len(CHAT)
    if face.is_async:
        assert order != sorted(order)


MANY = 25_000


@pytest.mark.parametrize("way", ["read to its end", "closed after the last event"])
@stops_early
async def test_a_very_long_stream_does_not_hold_the_loop(face: Face, provider: Provider, make_cache: Make, way: str) -> None:
    """Judging 5 MB takes a sixth of a second: in a thread, while the loop goes on."""
    begin, delta, end = provider_events.RESPONSES[:4], provider_events.RESPONSES[4], provider_events.RESPONSES[-1]
    provider.script = lambda _: Answer(200, {"content-type": SSE}, [*begin, *[delta * 100] * (MANY // 100), end])
    cache = make_cache(streams="record")
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await anyio.sleep(0.001)

    async def read() -> tuple[Any, int]:
        url, body, tail, last = provider.url + CHAT_PATH, body_of(stream=True), b"", 0
        async with face.client(cache) as client:
            async with client.stream("POST", url, json=body) as reply, reply.over("iter_raw") as pieces:
                async for piece in pieces:
                    tail, last = (tail + piece)[-len(end) :], beats
                    if tail == end and way == "closed after the last event":
                        break
            return reply, beats - last

    if face.is_async:
        async with anyio.create_task_group() as group:
            group.start_soon(beat)
            reply, beats_since = await read()
            group.cancel_scope.cancel()
        assert beats_since >= 5  # while the body was judged
    else:
        reply, _ = await read()
    assert reply.cache_status.stored
    (entry,) = cache.entries()
    assert len(entry.body) > MANY * len(delta)


@stops_early
async def test_a_reader_that_stops_at_the_last_event_and_closes_nothing(face: Face, provider: Provider, make_cache: Make) -> None:
    """As huggingface_hub's async client does: the next call is answered from the store all the same."""
    cache = make_cache(streams="record")
    gate = Gate()

    def chunks() -> Iterator[bytes]:
        yield from CHAT
        gate.wait()

    provider.script = lambda _: Answer(200, {"content-type": SSE}, chunks())
    async with face.client(cache) as client:
        url, body = provider.url + CHAT_PATH, body_of(stream=True)
        async with client.stream("POST", url, json=body) as reply, reply.over("iter_raw") as pieces:
            got = b""
            async for piece in pieces:
                got += piece
                if got == b"".join(CHAT):
                    break
            assert not reply.is_closed
            assert reply.cache_status.stored
            again = await ask(client, provider, stream=True)
            assert (again.content, again.cache_status.hit) == (got, True)
        gate.open()
    assert cache.stats.stored == 1


@pytest.mark.parametrize("end", [b"", b"data: [DONE]"], ids=["no [DONE]", "no line end after it"])
async def test_a_chat_that_ends_with_its_finish_reason(face: Face, provider: Provider, make_cache: Make, end: bytes) -> None:
    """Perplexity, TGI and ik_llama send no [DONE]."""
    events = [*CHAT[:-1], *([end] if end else [])]
    provider.script = lambda _: Answer(200, {"content-type": SSE}, events)
    async with face.client(make_cache(streams="record")) as client:
        assert (await ask(client, provider, stream=True)).cache_status.stored
        again = await ask(client, provider, stream=True)
    assert (again.content, again.cache_status.hit) == (b"".join(events), True)


TYPES = ["text/plain", "application/octet-stream", "application/x-ndjson", "application/json", None]


@stops_early
@pytest.mark.parametrize("kind", TYPES)
async def test_events_under_whatever_type(face: Face, provider: Provider, make_cache: Make, kind: str | None) -> None:
    """The request wanted a stream, and the body begins with ``data:``: whole at [DONE], bad at an error, nothing when it is cut."""
    head = {"content-type": kind} if kind else {}
    cache = make_cache(streams="record")
    async with face.client(cache) as client:
        for name, events in (("cut", CHAT[:2]), ("cut in an event", [*CHAT[:2], CHAT[2][:30]]), ("failed", provider_events.CHAT_ERROR)):
            provider.script = lambda _, events=events: Answer(200, head, events)  # type: ignore[misc]
            assert not (await ask(client, provider, name, stream=True)).cache_status.stored, name
        gate = Gate()

        def chunks() -> Iterator[bytes]:
            yield from CHAT
            gate.wait()

        provider.script = lambda _: Answer(200, head, chunks())
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply, reply.over("iter_raw") as pieces:
            got = b""
            async for piece in pieces:  # as SDKs read it: to the last event, and no further
                got += piece
                if got.endswith(DONE):
                    break
        gate.open()
        assert reply.cache_status.stored
        again = await ask(client, provider, stream=True)
    assert (again.content, again.cache_status.hit) == (b"".join(CHAT), True)
    (entry,) = cache.entries()
    assert entry.usage is not None
    assert len(entry.chunks) > 1


async def test_events_that_nobody_requested_pass_where_streams_do(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(200, {"content-type": "text/plain"}, CHAT)
    async with face.client(cache) as client:
        reply = await ask(client, provider)
    assert (reply.content, reply.cache_status.stored, reply.cache_status.detail) == (b"".join(CHAT), False, "stream")
