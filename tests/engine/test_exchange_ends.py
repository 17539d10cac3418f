"""Does each exchange end exactly once, whatever happens to it, and does every account of it agree?"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.faces.ask import CHAT_PATH, Gate, ask, body_of, stops_early
from tests.faces.face import FACES, Client, Face
from tests.provider import Answer, Provider
from tests.provider_events import CHAT, SSE
from wirecache import Cache, Cassette, Exchange, MemoryStore, NotRecorded, capture

pytestmark = pytest.mark.usefixtures("only_new_garbage")

# These fail until every exchange is ended by the engine, in one place; then the marks go, and only they.
async_only = pytest.mark.parametrize("face", [face for face in FACES if face.is_async], ids=str)
recorded_and_bypassed = pytest.mark.parametrize("streams", ["record", "bypass"])


class Interrupt(BaseException):
    """What ends a program, and no ``except Exception`` sees."""


@pytest.fixture
def ended() -> list[Exchange]:
    """The exchanges that ``on_exchange`` was called with, in order."""
    return []


def cache_of(ended: list[Exchange], **options: Any) -> Cache:
    return Cache(MemoryStore(), on_exchange=ended.append, **options)


async def collect_garbage(face: Face) -> None:
    """Collect what nobody refers to; under a loop the first collection finds the generators, the second what they held."""
    for _ in range(2):
        gc.collect()
        for _ in range(20 if face.is_async else 0):
            await checkpoint()


def failing_client(face: Face, cache: Cache, error: BaseException) -> Client:
    """Return a client whose upstream raises the error."""

    async def fail(_: Any) -> Any:
        raise error

    return face.client(cache, transport=face.transport(fail))


# -- (a) a refusal that raises -----------------------------------------------------------------------------------------


async def test_a_refusal_that_raises(face: Face, provider: Provider, ended: list[Exchange]) -> None:
    cache = cache_of(ended, mode="offline", miss="raise")
    async with face.client(cache) as client:
        with capture() as exchanges, pytest.raises(NotRecorded):
            await ask(client, provider)
    assert exchanges == ended
    (exchange,) = ended
    assert (exchange.method, exchange.status.hit, exchange.status.fwd) == ("POST", False, "miss")
    assert exchange.seconds is not None
    assert (cache.stats.misses, provider.calls) == (1, 0)


# -- (b) what a cassette stores -----------------------------------------------------------------------------------------


async def test_what_a_cassette_stores_is_counted_by_day_and_model(face: Face, provider: Provider, tmp_path: Path) -> None:
    before = datetime.now(UTC).date()
    cassette = Cassette(tmp_path / "cassette", "new_episodes")
    async with face.client(cassette) as client:
        await ask(client, provider)
    days = cassette.history()
    stored = {model: stats.stored for model, stats in cassette.stats.by("model").items()}
    await cassette.aclose() if face.is_async else cassette.close()
    assert set(days) <= {before, datetime.now(UTC).date()}
    assert [(stats.misses, stats.stored) for stats in days.values()] == [(1, 1)]
    assert stored == {"m": 1}


# -- (c) a stream that is dropped --------------------------------------------------------------------------------------


@stops_early
@pytest.mark.parametrize(
    ("streams", "is_begun"),
    [
        pytest.param("record", False, id="recorded-unread"),
        pytest.param("record", True, id="recorded-begun"),
        pytest.param("bypass", False, id="bypassed-unread"),
        pytest.param("bypass", True, id="bypassed-begun"),
    ],
)
async def test_a_stream_that_is_dropped(face: Face, provider: Provider, ended: list[Exchange], streams: str, is_begun: bool) -> None:
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT)
    cache = cache_of(ended, streams=streams)
    async with face.client(cache) as client:
        with capture() as exchanges:
            request = client.native.build_request("POST", provider.url + CHAT_PATH, json=body_of(stream=True))
            reply = await client.send(request, stream=True)
            chunks = reply.native.aiter_raw() if face.is_async else reply.native.iter_raw()
            if is_begun:
                await anext(chunks) if face.is_async else next(chunks)
            del reply, request, chunks
            await collect_garbage(face)
    assert exchanges == ended
    (exchange,) = ended
    assert exchange.seconds is not None
    assert not exchange.status.stored


# -- (d) a call that is cancelled --------------------------------------------------------------------------------------


@async_only
async def test_a_call_that_is_cancelled_while_upstream_thinks(face: Face, provider: Provider, ended: list[Exchange]) -> None:
    gate, arrived = Gate(), Gate()

    def think(_: Any) -> None:
        arrived.open()
        gate.wait()

    provider.script = think
    cache = cache_of(ended)
    async with face.client(cache) as client, anyio.create_task_group() as group:
        with capture() as exchanges:
            group.start_soon(ask, client, provider)
            await anyio.to_thread.run_sync(arrived.wait)
            group.cancel_scope.cancel()
    gate.open()
    assert exchanges == ended
    (exchange,) = ended
    assert exchange.seconds is not None
    assert (exchange.code, exchange.status.hit, exchange.status.stored) == (0, False, False)


@stops_early
@async_only
@recorded_and_bypassed
async def test_a_reader_that_is_cancelled(face: Face, provider: Provider, ended: list[Exchange], streams: str) -> None:
    gate = Gate()

    def chunks() -> Iterator[bytes]:
        yield CHAT[0]
        gate.wait()
        yield from CHAT[1:]

    provider.script = lambda _: Answer(200, {"content-type": SSE}, chunks())
    cache = cache_of(ended, streams=streams)
    async with face.client(cache) as client:
        with capture() as exchanges, anyio.CancelScope() as scope:
            body = body_of(stream=True)
            async with client.stream("POST", provider.url + CHAT_PATH, json=body) as reply, reply.over("iter_raw") as pieces:
                await anext(pieces)
                scope.cancel()
                await anext(pieces)
    gate.open()
    assert exchanges == ended
    (exchange,) = ended
    assert exchange.seconds is not None
    assert not exchange.status.stored


# -- (e) upstream raises -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [OSError, pytest.param(Interrupt)])
async def test_upstream_that_raises(face: Face, provider: Provider, ended: list[Exchange], kind: type[BaseException]) -> None:
    cache = cache_of(ended)
    async with failing_client(face, cache, kind("gone")) as client:
        with capture() as exchanges, pytest.raises(kind, match="gone"):
            await ask(client, provider)
    assert exchanges == ended
    (exchange,) = ended
    assert exchange.seconds is not None
    assert (exchange.code, exchange.status.fwd, exchange.status.stored) == (0, "miss", False)
    assert cache.stats.misses == 1


async def test_a_body_that_breaks_off(face: Face, provider: Provider, ended: list[Exchange]) -> None:
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT[:2], cut=True)
    cache = cache_of(ended, streams="record")
    async with face.client(cache) as client:
        with capture() as exchanges, pytest.raises(face.http.RemoteProtocolError):
            await ask(client, provider, stream=True)
    assert exchanges == ended
    (exchange,) = ended
    assert exchange.seconds is not None
    assert not exchange.status.stored


# -- (f) an option that is wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "offline"])
async def test_a_wrong_option(face: Face, provider: Provider, ended: list[Exchange], mode: str) -> None:
    cache = cache_of(ended, mode=mode, miss="raise")
    async with face.client(cache) as client:
        with capture() as exchanges:
            reply = await client.post(provider.url + CHAT_PATH, json=body_of(), headers={"Wirecache-TTL": "soon"})
    assert exchanges == ended
    (exchange,) = ended
    assert exchange.seconds is not None
    assert (exchange.code, exchange.status.detail) == (reply.status_code, "config-error")
    assert provider.calls == 0
