"""A reader who stops on purpose: a cassette holds what it got, replays as far, and says so by name to one who wants more."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.cassette.test_cassette import JSON, files
from tests.faces.ask import CHAT_PATH, Gate, ask, body_of, stops_early
from tests.faces.face import Client, Face
from tests.provider import Answer, Provider
from tests.provider_events import CHAT, SSE
from wirecache import Cache, Cassette, CassetteStore, NotRecorded

Open = Callable[..., Cassette]
STREAM = body_of(stream=True)
WHOLE = b"".join(CHAT)
pytestmark = stops_early


@pytest.fixture
def gate(provider: Provider) -> Iterator[Gate]:
    """Holds back what comes after the first two events."""
    gate = Gate()

    def chunks() -> Iterator[bytes]:
        yield from CHAT[:2]
        gate.wait()
        yield from CHAT[2:]

    provider.script = lambda _: Answer(200, {"content-type": SSE}, chunks())
    yield gate
    gate.open()


async def read(client: Client, provider: Provider, most: int | None = None, body: Any = STREAM) -> bytes:
    """Return the first ``most`` bytes, at which the reader stops; all if it is None."""
    got = b""
    async with client.stream("POST", provider.url + CHAT_PATH, json=body) as reply, reply.over("iter_raw") as pieces:
        async for piece in pieces:
            got += piece
            if most is not None and len(got) >= most:
                break
    return got


def ended(folder: Path) -> list[str]:
    return [json.loads(file.read_text("utf-8"))["response"].get("ended", "upstream") for file in files(folder)]


TWO = b"".join(CHAT[:2])


async def test_a_reader_who_breaks(face: Face, provider: Provider, cassette: Open, folder: Path, gate: Gate) -> None:
    for mode, recorded in (("once", 1), ("none", 0), ("once", 0), ("new_episodes", 0)):
        tape = cassette(mode)
        async with face.client(tape) as client:
            assert await read(client, provider, len(TWO)) == TWO
        assert (tape.report().recorded, tape.report().missing, ended(folder)) == (recorded, (), ["reader"])
    assert provider.calls == 1


async def test_a_reader_who_wants_more(face: Face, provider: Provider, cassette: Open, folder: Path, gate: Gate) -> None:
    async with face.client(cassette("once")) as client:
        await read(client, provider, len(TWO))
    (file,) = files(folder)
    tape = cassette()
    async with face.client(tape) as client:
        for _ in range(2):
            with pytest.raises(NotRecorded, match=rf"stopped after {len(TWO)} bytes(.|\n)*delete {file.name}, and run it once with"):
                await read(client, provider)
    assert len(tape.report().missing) == 2
    assert provider.calls == 1
    file.unlink()  # as the message says
    gate.open()
    for mode in ("new_episodes", "none"):
        async with face.client(cassette(mode)) as client:
            assert await read(client, provider) == WHOLE
    assert (provider.calls, ended(folder)) == (2, ["upstream"])


@pytest.mark.parametrize("mode", ["all", "rewrite"])
async def test_modes_that_replace(face: Face, provider: Provider, cassette: Open, folder: Path, gate: Gate, mode: str) -> None:
    async with face.client(cassette("once")) as client:
        await read(client, provider, len(TWO))
    gate.open()
    with cassette(mode) as tape:
        async with face.client(tape) as client:
            assert await read(client, provider) == WHOLE
    assert ended(folder) == ["upstream"]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("taken", [0, 200])
async def test_a_body_that_is_no_stream(face: Face, provider: Provider, cassette: Open, folder: Path, coding: str, taken: int) -> None:
    gate, whole = Gate(), json.dumps({"data": list(range(999))}).encode()
    raw = gzip.compress(whole) if coding == "gzip" else whole

    def chunks() -> Iterator[bytes]:
        yield raw[:200]
        gate.wait()
        yield raw[200:]

    provider.script = lambda _: Answer(200, {**JSON, "content-encoding": coding}, chunks(), length=len(raw))
    body = body_of()
    async with face.client(cassette("once")) as client:
        if taken:
            await read(client, provider, taken, body)
        else:
            async with client.stream("POST", provider.url + CHAT_PATH, json=body):
                pass
    gate.open()
    assert ended(folder) == ["reader"]
    async with face.client(cassette()) as client:
        async with client.stream("POST", provider.url + CHAT_PATH, json=body) as reply:
            assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
        with pytest.raises(NotRecorded, match="its reader read it"):
            await ask(client, provider)
        (entry,) = cassette().entries()
        assert whole.startswith(entry.body)
        if entry.body:
            assert await read(client, provider, len(entry.body), body) == entry.body


async def test_whose_own_code_fails_has_read_as_far(face: Face, provider: Provider, cassette: Open, folder: Path, gate: Gate) -> None:
    async def failing() -> None:
        async with client.stream("POST", provider.url + CHAT_PATH, json=STREAM) as reply, reply.over("iter_raw") as pieces:
            async for _ in pieces:
                raise ZeroDivisionError

    async with face.client(cassette("once")) as client:
        with pytest.raises(ZeroDivisionError):
            await failing()
    assert ended(folder) == ["reader"]


@pytest.mark.parametrize("waits", [True, False])
async def test_who_is_cancelled(face: Face, provider: Provider, cassette: Open, folder: Path, gate: Gate, waits: bool) -> None:
    """While it waits for more, it has not stopped by itself."""
    if not face.is_async:
        return
    async with face.client(cassette("once")) as client:
        with anyio.CancelScope() as scope:
            async with client.stream("POST", provider.url + CHAT_PATH, json=STREAM) as reply, reply.over("iter_raw") as pieces:
                await anext(pieces)
                scope.cancel()
                if not waits:
                    await anyio.sleep(1)
                async for _ in pieces:
                    pass
        assert reply.cache_status.stored is not waits
    assert ended(folder) == ([] if waits else ["reader"])


async def test_a_connection_that_breaks_records_nothing(face: Face, provider: Provider, cassette: Open, folder: Path) -> None:
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT[:2], cut=True)
    async with face.client(cassette("once")) as client:
        with pytest.raises(face.http.RemoteProtocolError):
            await read(client, provider)
    assert files(folder) == []


async def test_one_who_stops_and_one_who_goes_on(face: Face, provider: Provider, cassette: Open, folder: Path, gate: Gate) -> None:
    """Equal requests whose readers took different parts are a sequence."""
    for mode in ("once", "none"):
        async with face.client(cassette(mode)) as client:
            assert await read(client, provider, len(TWO)) == TWO
            gate.open()
            assert await read(client, provider) == WHOLE
    assert (sorted(ended(folder)), provider.calls) == (["reader", "upstream"], 2)


async def test_a_cache_does_not_answer_from_it(face: Face, provider: Provider, cassette: Open, folder: Path, gate: Gate) -> None:
    async with face.client(cassette("once")) as client:
        await read(client, provider, len(TWO))
    gate.open()
    with Cache(CassetteStore(folder), streams="record") as cache:
        async with face.client(cache) as client:
            for _ in range(2):
                assert await read(client, provider) == WHOLE
        cache.flush()
        assert [entry.body for entry in cache.entries()] == [WHOLE]
    assert (provider.calls, ended(folder)) == (2, ["upstream"])
