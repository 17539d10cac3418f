"""Which setting says whether streams are recorded, and what do the modes make of a recorded one?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faces.ask import CHAT_PATH, ask, body_of
from tests.faces.face import Face, Reply
from tests.provider import Answer, Provider
from tests.provider_events import CHAT, GEMINI, NDJSON, OLLAMA, SSE
from wirecache import Cache, ConfigError, NotRecorded, options

Make = Callable[..., Cache]
WHOLE = b"".join(CHAT)


@pytest.fixture(autouse=True)
def _streaming(provider: Provider) -> None:
    provider.script = lambda _: Answer(200, {"content-type": SSE}, [b": call\n\n", *CHAT])


# -- who may say it ----------------------------------------------------------------------------------------------------


async def recorded(face: Face, provider: Provider, cache: Cache, **options: Any) -> bool:
    """Is a stream recorded, and replayed, by a client of that cache?"""
    async with face.client(cache) as client:
        first, second = [await client.post(provider.url + CHAT_PATH, json=body_of(stream=True), **options) for _ in range(2)]
    assert first.content == second.content
    assert (first.cache_status.fwd, first.cache_status.stored) == (("miss", True) if second.cache_status.hit else ("bypass", False))
    return second.cache_status.hit


async def test_by_default_no_stream_is_recorded(face: Face, provider: Provider, make_cache: Make) -> None:
    assert not await recorded(face, provider, make_cache())


async def test_by_the_block(face: Face, provider: Provider, make_cache: Make) -> None:
    with options(streams="record"):
        assert await recorded(face, provider, make_cache())
        with options(streams="bypass"):
            assert not await recorded(face, provider, make_cache(namespace="other"))
    with options(streams="bypass"):
        assert not await recorded(face, provider, make_cache(streams="record", namespace="third"))


async def test_by_the_request(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache()
    assert await recorded(face, provider, cache, extensions={"wirecache": {"streams": "record"}})
    with options(streams="bypass"):
        assert await recorded(face, provider, make_cache(namespace="other"), extensions={"wirecache": {"streams": "record"}})


async def test_by_a_variable(face: Face, provider: Provider, make_cache: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_STREAMS", "record")
    assert await recorded(face, provider, make_cache())
    assert not await recorded(face, provider, make_cache(streams="bypass", namespace="other"))
    monkeypatch.setenv("WIRECACHE_STREAMS", "tape")
    with pytest.raises(ConfigError, match=r"WIRECACHE_STREAMS must be one of bypass, record, got 'tape'"):
        make_cache()


async def test_by_a_file(face: Face, provider: Provider, make_cache: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "wirecache.toml").write_text('streams = "record"\n')
    monkeypatch.chdir(tmp_path)
    assert await recorded(face, provider, make_cache())


@pytest.mark.parametrize("speed", [-1, float("nan"), "fast", None])
def test_a_speed_that_is_none(speed: Any) -> None:
    with pytest.raises(ConfigError, match="replay_speed"):
        Cache(object(), replay_speed=speed)  # type: ignore[arg-type]


# -- modes ---------------------------------------------------------------------------------------------------------------


async def test_the_modes(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache(streams="record")
    async with face.client(cache) as client:
        await ask(client, provider, stream=True)
        statuses = []
        for mode in ("auto", "offline", "refresh", "off", "auto"):
            with options(mode=mode):
                statuses.append((await ask(client, provider, stream=True)).cache_status)
    assert [status.hit for status in statuses] == [True, True, False, False, True]
    assert [(status.fwd, status.stored, status.detail) for status in statuses[2:4]] == [
        ("request", True, "refresh"),
        ("bypass", False, "off"),
    ]
    assert provider.calls == 3


@pytest.mark.parametrize(
    ("directive", "calls", "kept"),
    [("no-store", 1, False), ("no-cache", 1, True), ("max-age=0", 1, True), ("only-if-cached", 0, False), ("max-age=99", 0, False)],
)
async def test_directives(face: Face, provider: Provider, make_cache: Make, directive: str, calls: int, kept: bool) -> None:
    cache = make_cache(streams="record")
    async with face.client(cache) as client:
        await ask(client, provider, stream=True)
        reply = await client.post(provider.url + CHAT_PATH, json=body_of(stream=True), headers={"cache-control": directive})
    assert provider.calls == 1 + calls
    assert (reply.cache_status.stored, reply.cache_status.hit) == (kept, not calls)


async def test_samples_and_both_forms_are_apart(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache(streams="record")
    async with face.client(cache) as client:
        for sample in (0, 1):
            with options(sample=sample):
                assert not (await ask(client, provider, stream=True)).cache_status.hit
                assert (await ask(client, provider, stream=True)).cache_status.hit
        assert not (await ask(client, provider)).cache_status.hit
    assert provider.calls == 3


# -- offline -------------------------------------------------------------------------------------------------------------


def message(reply: Reply) -> str:
    assert (reply.status_code, reply.headers["x-should-retry"], reply.cache_status.detail) == (424, "false", "only-if-cached")
    text: str = json.loads(reply.content)["error"]["message"]
    return text


@pytest.mark.parametrize("streams", ["bypass", "record"])
async def test_a_stream_that_was_not_recorded(face: Face, provider: Provider, make_cache: Make, streams: str) -> None:
    cache = make_cache(mode="offline", streams=streams)
    async with face.client(cache) as client:
        for path in (CHAT_PATH, "/v1beta/models/m:streamGenerateContent?alt=sse", "/api/chat"):
            text = message(await client.post(provider.url + path, json=body_of(stream=True)))
            assert "streams='record'" in text
            assert "WIRECACHE_STREAMS=record" in text
        if streams == "record":
            assert "streams=" not in message(await ask(client, provider))
            ollama = await client.post(provider.url + "/api/chat", json=body_of())  # streams, unless told not to
            assert "streams='record'" in message(ollama)
    assert provider.calls == 0


async def test_a_stream_that_was_not_recorded_raises(face: Face, make_cache: Make, provider: Provider) -> None:
    cache = make_cache(mode="offline", streams="record", miss="raise")
    async with face.client(cache) as client:
        with pytest.raises(NotRecorded, match='streams="record"'):
            await ask(client, provider, stream=True)


async def test_offline_a_stale_stream_is_replayed(face: Face, provider: Provider, make_cache: Make) -> None:
    async with face.client(make_cache(streams="record", ttl=0)) as client:
        await ask(client, provider, stream=True)
        assert not (await ask(client, provider, stream=True)).cache_status.hit
        with options(mode="offline"):
            assert (await ask(client, provider, stream=True)).cache_status.hit


async def test_stale_if_error_gives_the_stream(face: Face, provider: Provider, make_cache: Make) -> None:
    async with face.client(make_cache(streams="record", ttl=0, stale_if_error="1h")) as client:
        live = await ask(client, provider, stream=True)
        provider.script = lambda _: Answer(503)
        reply = await ask(client, provider, stream=True)
    assert (reply.content, reply.cache_status.detail) == (live.content, "stale-if-error")


# -- what explain answers --------------------------------------------------------------------------------------------------


async def test_explain_tells_of_a_recorded_stream(face: Face, provider: Provider, make_cache: Make) -> None:
    cache = make_cache(streams="record")
    request = {"url": provider.url + CHAT_PATH, "body": body_of(stream=True)}
    assert cache.explain(request).found is False
    async with face.client(cache) as client:
        await ask(client, provider, stream=True)
    cache.flush()
    recorded = cache.explain(request)
    assert (recorded.found, recorded.reason) == (True, None)
    plain = cache.explain({**request, "body": body_of()})
    assert plain.nearest is not None
    assert [difference.pointer for difference in plain.nearest.differences] == ["/stream"]
    assert "stream" in str(make_cache().explain(request))


async def test_accept_is_asked(face: Face, provider: Provider, make_cache: Make) -> None:
    seen = []
    cache = make_cache(streams="record", accept=lambda entry: seen.append(len(entry.chunks)) or "not today")
    async with face.client(cache) as client:
        assert (await ask(client, provider, stream=True)).cache_status.detail == "not today"
    assert len(seen) == 1


async def test_an_answer_that_streams_unasked(face: Face, provider: Provider, make_cache: Make) -> None:
    """Recognised by its response."""
    async with face.client(make_cache(streams="record")) as client:
        for hit in (False, True):
            assert (await ask(client, provider)).cache_status.hit is hit


@pytest.mark.parametrize(
    ("path", "kind", "events"),
    [("/v1beta/models/m:streamGenerateContent?alt=sse", SSE, GEMINI), ("/api/generate", NDJSON, OLLAMA)],
    ids=["by its path", "by its default"],
)
async def test_a_stream_without_a_member(
    face: Face, provider: Provider, make_cache: Make, path: str, kind: str, events: list[bytes]
) -> None:
    provider.script = lambda _: Answer(200, {"content-type": kind}, events)
    async with face.client(make_cache(streams="record")) as client:
        for hit in (False, True):
            reply = await client.post(provider.url + path, json={"model": "m", "contents": []})
            assert (reply.cache_status.hit, reply.content) == (hit, b"".join(events))


async def test_an_error_in_place_of_the_stream(face: Face, provider: Provider, make_cache: Make) -> None:
    provider.script = lambda _: Answer.of({"error": {"message": "no"}}, 429)
    async with face.client(make_cache(streams="record")) as client:
        for _ in range(2):
            assert (await ask(client, provider, stream=True)).cache_status.detail == "status-429"
        provider.script = lambda _: Answer.of({"error": {"message": "no"}})
        assert (await ask(client, provider, stream=True)).cache_status.detail == "error"
