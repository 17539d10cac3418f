"""What calls hold in memory: of a hit's large answer at most two copies, of a download that is too large to store none."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from tests.faces.face import Client, Face
from tests.provider import CHAT
from wirecache import Cache

URL = "https://api.openai.com/v1/chat/completions"
QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
LARGE = 5_000_000  # bytes
DOWNLOAD, CHUNK, LIMIT = 100_000_000, 50_000, 1_000_000  # bytes
MORE = 64 * 1024  # bytes that the cache may hold beside the plain client


async def peak_of(action: Callable[[], Awaitable[object]]) -> int:
    """Return the bytes that are held at once, beyond those before: the least of three times, since other threads may begin meanwhile."""
    peaks = []
    for _ in range(3):
        tracemalloc.start()
        try:
            await action()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return min(peaks)


def upstream(face: Face, chunks: Callable[[], Iterator[bytes]], declared: dict[str, str]) -> object:
    """Return a transport that answers with these chunks."""
    http, head = face.http, {"content-type": "application/json", **declared}

    class Sync(http.SyncByteStream):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[bytes]:
            return chunks()

    class Async(http.AsyncByteStream):  # type: ignore[misc, name-defined]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in chunks():
                yield chunk

    if face.is_async:

        async def answer(_: object) -> object:
            return http.Response(200, headers=head, stream=Async())

        return http.MockTransport(answer)
    return http.MockTransport(lambda _: http.Response(200, headers=head, stream=Sync()))


async def test_a_hit_holds_two_copies_at_most(face: Face, cache: Cache) -> None:
    """The row as it was read, and the body that the caller gets."""
    answer = json.dumps({**CHAT, "padding": "x" * LARGE}).encode()
    async with face.client(cache, transport=upstream(face, lambda: iter([answer]), {})) as client:
        for _ in range(2):  # what is made once for all calls is there
            await client.post(URL, json=QUESTION)
            cache.flush()
        bodies = []

        async def hit() -> None:
            reply = await client.post(URL, json=QUESTION)
            bodies.append((reply.cache_status.hit, len(reply.content)))

        assert await peak_of(hit) < 2 * len(answer) + 4 * MORE  # trio's thread, which checks it, is some of that
        assert bodies == [(True, len(answer))] * 3


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
async def test_a_download_that_is_too_large_passes(face: Face, cache: Cache, declared: bool) -> None:
    """Nothing is held of a body that is declared too large; of one without a length, what there is until it is too large."""
    cache.engine.plan = replace(cache.plan, max_body=LIMIT)
    head = {"content-length": str(DOWNLOAD)} if declared else {"transfer-encoding": "chunked"}
    transport = upstream(face, lambda: (bytes(CHUNK) for _ in range(DOWNLOAD // CHUNK)), head)
    peaks = []
    for client in (face.plain_client(transport=transport), face.client(cache, transport=transport)):
        async with client:

            async def download(client: Client = client) -> None:
                async with client.stream("POST", URL, json=QUESTION) as reply, reply.over("iter_raw") as chunks:
                    assert sum([len(chunk) async for chunk in chunks]) == DOWNLOAD

            await download()
            peaks.append(await peak_of(download))
    assert peaks[1] - peaks[0] < MORE + (0 if declared else LIMIT)
    assert not list(cache.entries())
