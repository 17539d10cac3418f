"""In which pieces does a recorded stream come, live and replayed? Whatever its coding, and wherever it is cut."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import brotli
import pytest
import zstandard

from tests.faces.ask import CHAT_PATH, body_of, stops_early
from tests.faces.face import Client, Face
from tests.faces.test_encodings import decodes
from tests.faces.test_streams import Dialogue
from tests.provider import Answer, Provider
from tests.provider_events import CHAT, DONE, NDJSON, OLLAMA, SSE, STREAMS, Streamed, chunk, sse
from wirecache import Cache

Make = Callable[..., Cache]


class Packed:
    """A coding that gives each event away at once, as servers do; the end of the coding is a piece of its own."""

    def __init__(self, coding: str) -> None:
        self.coding = coding
        if coding == "br":
            brotli_ = brotli.Compressor()
            self._pack, self._end = (lambda piece: brotli_.process(piece) + brotli_.flush()), brotli_.finish
        elif coding == "zstd":
            zstd = zstandard.ZstdCompressor().compressobj()
            self._pack = lambda piece: zstd.compress(piece) + zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            self._end = zstd.flush
        else:
            zipped = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
            self._pack, self._end = (lambda piece: zipped.compress(piece) + zipped.flush(zlib.Z_SYNC_FLUSH)), zipped.flush

    def chunks(self, events: list[bytes]) -> list[bytes]:
        """The events as they go over the wire, and the end of the coding."""
        return [*map(self._pack, events), self._end()]


async def pieces(client: Client, provider: Provider, way: str = "iter_raw", path: str = CHAT_PATH, **more: Any) -> tuple[list[Any], Any]:
    """Ask for a stream, and read it that way: the pieces, and the response."""
    async with client.stream("POST", provider.url + path, json=body_of(stream=True, **more)) as reply:
        return await reply.all(way), reply


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@pytest.mark.parametrize("stream", [pytest.param(stream, id=name) for name, stream in STREAMS.items()])
async def test_each_dialect_passes_piece_by_piece_and_is_replayed(
    face: Face, provider: Provider, make_cache: Make, stream: Streamed
) -> None:
    cache = make_cache(streams="record", rules=[])
    dialogue = Dialogue(stream.events)
    provider.script = lambda _: dialogue.answer(stream.kind)
    body = body_of(stream=True, store=False)
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + stream.path, json=body) as reply:
            assert await dialogue.read(reply, "iter_raw") == b"".join(stream.events)
        assert dialogue.in_time == [True] * len(stream.events)
        assert (reply.cache_status.fwd, reply.cache_status.stored, reply.cache_status.detail) == ("miss", True, None)
        async with client.stream("POST", provider.url + stream.path, json=body) as reply:
            assert await reply.all("iter_raw") == stream.events
        assert reply.cache_status.hit
        assert reply.headers["content-type"] == stream.kind
    (entry,) = cache.entries()
    assert (entry.usage and entry.usage[:2]) == ((5, 7) if stream.counts else None)
    assert provider.calls == 1


@stops_early
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("over", ["read to its end", "closed after [DONE]"])
async def test_a_coded_stream_is_kept_decoded_with_its_times(
    face: Face, provider: Provider, make_cache: Make, coding: str, over: str
) -> None:
    if not decodes(face, coding):
        return
    cache = make_cache(streams="record")
    chunks = Packed(coding).chunks(CHAT)
    provider.script = lambda _: Answer(200, {"content-type": SSE, "content-encoding": coding}, chunks, pause=0.02)
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply:
            got = b""
            async with reply.over("iter_bytes") as decoded:
                async for piece in decoded:
                    got += piece
                    if over == "closed after [DONE]" and got.endswith(DONE):
                        break
        assert got == b"".join(CHAT)
        assert (reply.cache_status.stored, reply.cache_status.detail) == (True, None)
        assert (await pieces(client, provider))[0] == CHAT
    (entry,) = cache.entries()
    assert entry.body == b"".join(CHAT)
    assert [size for size, _ in entry.chunks] == list(map(len, CHAT))
    times = [seconds for _, seconds in entry.chunks]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 0.02 * (len(CHAT) - 1) * 0.5
    assert "content-encoding" not in dict(entry.headers)


async def test_a_coding_that_hides_pieces(face: Face, provider: Provider, make_cache: Make) -> None:
    """Gzip without a flush: many chunks decode to nothing. What the reader saw together is one piece."""
    cache = make_cache(streams="record")
    packed = gzip.compress(b"".join(CHAT))
    provider.script = lambda _: Answer(200, {"content-type": SSE, "content-encoding": "gzip"}, cut(packed, 40))
    async with face.client(cache) as client:
        live, _ = await pieces(client, provider, "iter_bytes")
        replayed, reply = await pieces(client, provider, "iter_bytes")
    assert reply.cache_status.hit
    assert replayed == [piece for piece in live if piece]
    assert b"".join(replayed) == b"".join(CHAT)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_the_last_event_is_cut_before_its_last_byte(face: Face, provider: Provider, make_cache: Make, end: bytes) -> None:
    cache = make_cache(streams="record")
    body = b"".join(CHAT).replace(b"\n", end)
    pieces_sent = [body[: -len(end)], body[-len(end) :], b": bye" + end * 2]
    provider.script = lambda _: Answer(200, {"content-type": SSE}, iter_slowly(pieces_sent))
    async with face.client(cache) as client:
        live, _ = await pieces(client, provider)
        replayed, reply = await pieces(client, provider)
    assert reply.cache_status.hit
    assert b"".join(replayed) == b"".join(live) == b"".join(pieces_sent)


TALK = b"".join(
    [
        sse(chunk({"content": "grün 🌍"})).replace(b"\\u00fc", "ü".encode()).replace(b"\\ud83c\\udf0d", "🌍".encode()),
        sse(chunk({}, "stop")),
        DONE,
    ]
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_pieces_are_cut_anywhere(face: Face, provider: Provider, make_cache: Make, size: int) -> None:
    """In the middle of an event, and of a letter; the replay is cut at the same places."""
    cache = make_cache(streams="record")
    provider.script = lambda _: Answer(200, {"content-type": SSE}, iter_slowly(cut(TALK, size)))
    async with face.client(cache) as client:
        live, _ = await pieces(client, provider)
        for way, expected in (("iter_raw", live), ("iter_text", TALK.decode()), ("iter_lines", TALK.decode().splitlines())):
            replayed, reply = await pieces(client, provider, way)
            assert reply.cache_status.hit
            assert ("".join(replayed) if way == "iter_text" else replayed) == expected
    assert b"".join(live) == TALK
    assert provider.calls == 1


def iter_slowly(chunks: list[bytes]) -> Iterator[bytes]:
    yield from chunks


async def test_a_stream_of_declared_length(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache(streams="record")
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT, length=sum(map(len, CHAT)))
    async with face.client(cache) as client:
        await pieces(client, provider)
        replayed, reply = await pieces(client, provider)
    assert (b"".join(replayed), reply.cache_status.hit, "content-length" in reply.headers) == (b"".join(CHAT), True, False)


async def test_lines_of_json(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache(streams="record")
    provider.script = lambda _: Answer(200, {"content-type": NDJSON}, cut(b"".join(OLLAMA), 5))
    async with face.client(cache) as client:
        live, _ = await pieces(client, provider, "iter_lines", "/api/chat")
        replayed, reply = await pieces(client, provider, "iter_lines", "/api/chat")
    assert reply.cache_status.hit
    assert live == replayed
    assert [json.loads(line)["done"] for line in replayed] == [False, False, False, True]


@pytest.mark.parametrize("way", ["iter_raw", "iter_bytes", "iter_text", "iter_lines"])
async def test_a_replay_behaves_as_a_live_answer(face: Face, provider: Provider, make_cache: Make, way: str) -> None:
    provider.script = lambda _: Answer(200, {"content-type": SSE, "x-request-id": "r"}, CHAT, pause=0.002)
    async with face.client(make_cache(streams="record")) as client:
        live, first = await pieces(client, provider, way)
        start = time.perf_counter()
        again, second = await pieces(client, provider, way)
        seconds = time.perf_counter() - start
    assert live == again
    assert (first.cache_status.hit, second.cache_status.hit) == (False, True)
    for name in ("num_bytes_downloaded", "http_version", "status_code", "is_closed", "is_stream_consumed"):
        assert getattr(first, name) == getattr(second, name)
    assert first.headers["x-request-id"] == second.headers["x-request-id"]
    assert 0 <= second.elapsed.total_seconds() <= seconds  # its own, not that of the live answer


async def test_a_replay_that_is_read_at_once(face: Face, provider: Provider, make_cache: Make) -> None:
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT)
    async with face.client(make_cache(streams="record")) as client:
        for hit in (False, True):
            reply = await client.post(provider.url + CHAT_PATH, json=body_of(stream=True))
            assert (reply.content, reply.cache_status.hit) == (b"".join(CHAT), hit)


@stops_early
async def test_a_second_pass_over_a_replay_goes_on_where_the_first_stopped(face: Face, provider: Provider, make_cache: Make) -> None:
    """As over a live stream: an SDK reads on behind the last event, to free the connection."""
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT)
    async with face.client(make_cache(streams="record")) as client:
        for hit in (False, True):
            async with client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)) as reply:
                got = b""
                async for piece in passes(reply.native.stream, face.is_async):
                    got += piece
                    if len(got) >= len(CHAT[0]):
                        break
                got += b"".join([piece async for piece in passes(reply.native.stream, face.is_async)])
                assert got == b"".join(CHAT)
                assert [piece async for piece in passes(reply.native.stream, face.is_async)] == []
            assert reply.cache_status.hit is hit


async def passes(stream: Any, is_async: bool) -> AsyncIterator[bytes]:
    """One pass over the response's own stream, as openai's ``drain_response_async`` makes it."""
    if is_async:
        async for piece in stream:
            yield piece
    else:
        for piece in stream:
            yield piece
