"""Compressed answers are stored decoded, so that every face reads what any face wrote."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace

import brotli
import httpx
import pytest
import zstandard

from tests.faces.ask import CHAT_PATH, ask, body_of, stops_early
from tests.faces.face import FACES, Face
from tests.provider import CHAT, Answer, Provider
from wirecache import Cache
from wirecache._core.flows.recorder import DecodedTooLarge
from wirecache._transport.responses import decoded_chunks
from wirecache.httpx import CacheTransport

BODY = json.dumps({**CHAT, "padding": "ü" * 500}).encode()
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "deflate": zlib.compress,
}


def encoded(coding: str, body: bytes = BODY, kind: str = "application/json", chunked: bool = False) -> Answer:
    """That body, in that coding (or two: ``"deflate, gzip"``)."""
    for name in coding.split(", "):
        body = CODINGS[name](body)
    pieces = [body[:50], body[50:]]
    return Answer(200, {"content-type": kind, "content-encoding": coding}, pieces, length=None if chunked else len(body))


def decodes(face: Face, coding: str) -> bool:
    """Has this library a decoder for it? It then says so in each request."""
    return coding in face.http.Client(verify=False).headers["accept-encoding"]


@pytest.mark.parametrize("coding", [*CODINGS, "deflate, gzip"])
async def test_stored_decoded(face: Face, provider: Provider, cache: Cache, coding: str) -> None:
    provider.script = lambda request: encoded(coding, chunked=b"chunked" in request.body)
    async with face.client(cache) as client:
        chunked = [await ask(client, provider, "chunked") for _ in range(2)][1]
        miss, hit = await ask(client, provider), await ask(client, provider)
    assert miss.headers["content-encoding"] == coding  # the live answer is as it was sent
    if not all(decodes(face, name) for name in coding.split(", ")):
        assert miss.content != BODY
        assert not miss.cache_status.stored  # what this library cannot read, no other shall be given
        return
    assert miss.content == hit.content == chunked.content == BODY
    assert (hit.cache_status.hit, chunked.cache_status.hit, provider.calls) == (True, True, 2)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        assert name not in hit.headers
    assert [entry.body for entry in cache.entries()] == [BODY, BODY]


@pytest.mark.parametrize("way", ["iter_bytes", "iter_raw"])
async def test_a_compressed_answer_that_is_streamed(face: Face, provider: Provider, cache: Cache, way: str) -> None:
    provider.script = lambda _: encoded("gzip")
    async with face.client(cache) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            chunks = b"".join(await reply.all(way))
            assert (gzip.decompress(chunks) if way == "iter_raw" else chunks) == BODY
            assert reply.cache_status.stored
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            assert b"".join(await reply.all(way)) == BODY
            assert reply.num_bytes_downloaded == len(BODY)


@pytest.mark.parametrize("writer", FACES, ids=str)
async def test_an_entry_of_one_face_is_read_by_every_other(face: Face, writer: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: encoded("gzip")

    async def call(by: Face) -> tuple[bool, bytes, dict[str, str]]:
        async with by.client(cache) as client:
            reply = await ask(client, provider)
            return reply.cache_status.hit, reply.content, dict(reply.headers)

    if writer.colour == face.colour:
        first = await call(writer)
    else:  # a loop of another kind is run where none runs
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(writer.run, lambda: call(writer)).result()
    second = await call(face)
    assert (first[0], second[0]) == (False, True)
    assert first[1] == second[1] == BODY
    assert second[2]["content-type"] == "application/json"
    assert provider.calls == 1


async def test_accept_encoding_is_untouched(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client, face.plain_client() as plain:
        await ask(client, provider)
        await ask(plain, provider)
        await client.post(provider.url + CHAT_PATH, json=body_of("other"), headers={"accept-encoding": "identity"})
    ours, theirs, own = provider.requests
    assert ours.header("accept-encoding") == theirs.header("accept-encoding")
    assert own.header("accept-encoding") == "identity"
    assert [name for name, _ in ours.headers] == [name for name, _ in theirs.headers]


@stops_early
async def test_a_body_that_is_not_what_its_header_says(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(200, {"content-type": "application/json", "content-encoding": "gzip"}, [BODY], length=len(BODY))
    async with face.client(cache) as client:
        with pytest.raises(face.http.DecodingError):
            await ask(client, provider)
        async with client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
            assert b"".join(await reply.all("iter_raw")) == BODY
            assert (reply.cache_status.stored, reply.cache_status.detail) == (False, "undecodable")
    assert not list(cache.entries())


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate"])
async def test_a_body_that_is_small_only_on_the_wire(face: Face, provider: Provider, cache: Cache, coding: str) -> None:
    """What is kept has a limit, and so has what it takes to find that out."""
    cache.engine.plan = replace(cache.plan, max_body=1_000_000)
    large = json.dumps({**CHAT, "padding": "x" * 2_000_000}).encode()
    provider.script = lambda _: encoded(coding, large)
    async with face.client(cache) as client, client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
        raw = b"".join(await reply.all("iter_raw"))
    assert len(raw) < 1_000_000
    assert (reply.cache_status.stored, reply.cache_status.detail) == (False, "too-large")
    assert not list(cache.entries())


def test_decoding_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DecodedTooLarge):
            decoded_chunks(
                CacheTransport._library, httpx.Response(200, headers={"content-encoding": "gzip"}), [bomb], is_cut=False, most=1_000_000
            )
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["x-unknown", "zstd"])
async def test_a_text_in_a_coding_that_nobody_can_read(face: Face, provider: Provider, cache: Cache, coding: str) -> None:
    """Text is not judged by its content, so only the coding can tell that it would be stored as garbage."""
    raw = CODINGS.get(coding, bytes.swapcase)(BODY)
    provider.script = lambda _: Answer(200, {"content-type": "text/plain", "content-encoding": coding}, [raw], length=len(raw))
    async with face.client(cache) as client:
        reply = await ask(client, provider)
    if decodes(face, coding):
        assert (reply.content, reply.cache_status.stored) == (BODY, True)
    else:
        assert (reply.content, reply.cache_status.stored, reply.cache_status.detail) == (raw, False, "undecodable")


async def test_identity_is_no_coding(face: Face, provider: Provider, cache: Cache) -> None:
    head = {"content-type": "application/json", "content-encoding": "identity"}
    provider.script = lambda _: Answer(200, head, [BODY], length=len(BODY))
    async with face.client(cache) as client:
        await ask(client, provider)
        hit = await ask(client, provider)
    assert (hit.cache_status.hit, hit.content) == (True, BODY)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd"])
@pytest.mark.parametrize("kind", ["text/plain", "audio/mpeg"])
async def test_a_compressed_body_that_was_cut_before_it_was_framed(
    face: Face, provider: Provider, cache: Cache, coding: str, kind: str
) -> None:
    if not decodes(face, coding):
        return
    raw = CODINGS[coding](BODY)[:-9]
    provider.script = lambda _: Answer(200, {"content-type": kind, "content-encoding": coding}, [raw], length=len(raw))
    async with face.client(cache) as client, client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
        assert b"".join(await reply.all("iter_raw")) == raw
        assert (reply.cache_status.stored, reply.cache_status.detail) in ((False, "truncated"), (False, "undecodable"))
    assert not list(cache.entries())
