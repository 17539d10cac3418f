"""HTTP/2: a body's end is known without a length, and its version is told on hits too."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faces.ask import CHAT_PATH, body_of, stops_early
from tests.faces.face import Client, Face
from tests.faces.http2 import BREAKS, Http2Provider
from tests.provider import CHAT
from wirecache import Cache


@pytest.fixture
def provider2(certificate: Path) -> Iterator[Http2Provider]:
    running = Http2Provider(certificate)
    yield running
    running.close()


async def test_miss_then_hit(face: Face, provider2: Http2Provider, cache: Cache) -> None:
    async with face.client(cache, http2=True, verify=False) as client:
        for hit in (False, True):
            reply = await client.post(provider2.url + CHAT_PATH, json=body_of())
            assert (reply.json(), reply.cache_status.hit, reply.http_version) == (CHAT, hit, "HTTP/2")
    assert provider2.requests == [CHAT_PATH]


async def test_a_stream_that_is_reset_is_not_stored(face: Face, provider2: Http2Provider, cache: Cache) -> None:
    async with face.client(cache, http2=True, verify=False) as client:
        with pytest.raises(face.http.RemoteProtocolError):
            await client.post(provider2.url + "/reset" + CHAT_PATH, json=body_of())
        assert not list(cache.entries())
        assert cache.stats.reasons == {"truncated": 1}
        assert (await client.post(provider2.url + CHAT_PATH, json=body_of())).cache_status.stored


@stops_early
async def test_whatever_breaks_off_comes_out_as_without_a_cache(face: Face, provider2: Http2Provider, cache: Cache) -> None:
    for breaks in BREAKS:
        outcomes = []
        for client in (face.plain_client(http2=True, verify=False), face.client(cache, http2=True, verify=False)):
            async with client:
                try:
                    reply = await client.post(f"{provider2.url}/{breaks}{CHAT_PATH}", json=body_of(breaks))
                    outcomes.append((reply.status_code, reply.content))
                except face.http.TransportError as error:
                    name = type(error).__name__  # of the first two either, as what comes last is read or not
                    outcomes.append((0, b"broken" if name in ("ReadError", "RemoteProtocolError") else name.encode()))
        assert outcomes[0] == outcomes[1], breaks
        if outcomes[0][0] == 0:
            assert not list(cache.entries()), breaks
        cache.clear()
    async with face.client(cache, http2=True, verify=False) as client:
        assert (await client.post(provider2.url + CHAT_PATH, json=body_of())).cache_status.stored


async def test_several_at_once_on_one_connection(face: Face, provider2: Http2Provider, cache: Cache) -> None:
    async def call(client: Client, at: int) -> None:
        for hit in (False, True):
            reply = await client.post(provider2.url + CHAT_PATH, json=body_of(str(at)))
            assert (reply.json(), reply.cache_status.hit) == (CHAT, hit)

    async with face.client(cache, http2=True, verify=False) as client:
        await face.together(*(partial(call, client, at) for at in range(8)))
    assert len(provider2.requests) == 8
