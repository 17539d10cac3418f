"""What a program gets from a stream through a real SDK: live, while it is recorded, and replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests import provider_events
from tests.provider import Answer, Provider
from tests.sdk.streams import CALLS, FAILING, SOME, Call
from tests.sdk.table import ANTHROPIC, GROQ, OPENAI, SDKS, Sdk, chat_arguments
from tests.sdk.wire import no_sockets
from wirecache import Cache

each_call = pytest.mark.parametrize("call", CALLS, ids=str)
one_of_each = pytest.mark.parametrize("call", SOME, ids=str)


@pytest.fixture
def cache(store: Path) -> Iterator[Cache]:
    """A cache that records streams."""
    with Cache(store, streams="record") as cache:
        yield cache


# -- the same events ----------------------------------------------------------------------------------------------------


@each_call
def test_the_same_events_live_recorded_and_replayed(call: Call, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: call.answer()
    with call.uncached(provider.url) as client:
        live = call.read(client)
    assert len(live) >= 2
    with call.sdk.client(cache, provider.url) as client:
        recording, replayed, once_more = [call.read(client) for _ in range(3)]
    assert recording == live
    assert replayed == once_more == live
    assert provider.calls == 2
    assert (cache.stats.misses, cache.stats.hits, cache.stats.bypassed) == (1, 2, 0)


@each_call
def test_the_same_events_under_async(call: Call, provider: Provider, cache: Cache) -> None:
    async def main() -> list[Any]:
        async with call.uncached_async(provider.url) as client:
            events = [await call.read_async(client)]
        async with call.sdk.async_client(cache, provider.url) as client:
            return [*events, *[await call.read_async(client) for _ in range(3)]]

    provider.script = lambda _: call.answer()
    live, recording, replayed, once_more = asyncio.run(main())
    assert recording == live
    assert replayed == once_more == live
    assert provider.calls == 2
    assert (cache.stats.misses, cache.stats.hits) == (1, 2)


@one_of_each
def test_offline_in_another_process_and_colour(call: Call, provider: Provider, store: Path) -> None:
    """Recorded by the sync client, replayed by the async one, from the disk and with no socket."""
    provider.script = lambda _: call.answer()
    with Cache(store, streams="record") as cache, call.sdk.client(cache, provider.url) as client:
        recording = call.read(client)
    provider.close()

    async def main(cache: Cache) -> list[Any]:
        async with call.sdk.async_client(cache, provider.url) as client:
            return await call.read_async(client)

    with Cache(store, streams="record", mode="offline") as cache, no_sockets() as tried:
        assert asyncio.run(main(cache)) == recording
    assert tried == []


# -- streams that are not whole -----------------------------------------------------------------------------------------


@each_call
def test_a_program_that_stops_early_asks_again(call: Call, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: call.answer(pause=0.002)
    with call.sdk.client(cache, provider.url) as client:
        first = call.read(client, most=1)
        assert cache.stats.stored == 0
        whole = call.read(client)
        assert call.read(client) == whole
        assert whole[:1] == first
    assert provider.calls == 2


@one_of_each
def test_a_program_that_stops_early_asks_again_under_async(call: Call, provider: Provider, cache: Cache) -> None:
    async def main() -> list[Any]:
        async with call.sdk.async_client(cache, provider.url) as client:
            return [await call.read_async(client, most=most) for most in (1, None, None)]

    provider.script = lambda _: call.answer(pause=0.002)
    first, whole, again = asyncio.run(main())
    assert (first, whole) == (whole[:1], again)
    assert provider.calls == 2


@pytest.mark.parametrize("call", FAILING, ids=str)
def test_an_error_within_a_stream_is_raised_each_time(call: Call, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: call.answer(call.failed)
    raised = []
    with call.sdk.client(cache, provider.url) as client:
        for _ in range(2):
            with pytest.raises(openai.APIError if call.sdk.name.startswith("openai") else call.sdk.error) as error:
                call.read(client)
            raised.append(str(error.value))
    assert raised[0] == raised[1]
    assert provider.calls == 2
    assert not list(cache.entries())
    assert dict(cache.stats.reasons) == {"error": 2}


@one_of_each
def test_a_stream_that_is_cut_is_never_replayed(call: Call, provider: Provider, cache: Cache) -> None:
    """The SDK does with it what it does live; the next call goes out."""
    provider.script = lambda _: call.answer(call.sent[:-1], cut=True)
    with call.sdk.client(cache, provider.url, **call.sdk.no_retries) as client:
        with pytest.raises(Exception, match=r"(?i)peer closed connection|incomplete|connection error"):
            call.read(client)
        assert cache.stats.stored == 0
        provider.script = lambda _: call.answer()
        whole = call.read(client)
        assert call.read(client) == whole
    assert provider.calls == 2


# -- raw and streaming responses ----------------------------------------------------------------------------------------

WITH_STREAMING = [OPENAI, next(sdk for sdk in SDKS if sdk.name == "openai-on-httpx"), GROQ, ANTHROPIC]


def sent_by(sdk: Sdk) -> list[bytes]:
    return provider_events.MESSAGES if sdk is ANTHROPIC else provider_events.CHAT


@pytest.mark.parametrize("sdk", WITH_STREAMING, ids=str)
def test_a_streaming_response(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(200, {"content-type": provider_events.SSE}, sent_by(sdk))
    assert sdk.resource is not None
    assert sdk.arguments is not None
    seen = []
    with sdk.client(cache, provider.url) as client:
        create = sdk.resource(client).with_streaming_response.create
        for way in ("iter_lines", "iter_lines", "iter_bytes", "iter_text"):
            with create(**sdk.arguments("hello"), stream=True) as response:
                seen.append((list(getattr(response, way)()), response.headers["cache-status"].partition(";")[2].split(";")[0].strip()))
    lines = b"".join(sent_by(sdk)).decode().splitlines()
    assert seen[0] == (lines, "fwd=miss")
    assert seen[1] == (lines, "hit")
    assert seen[2] == (sent_by(sdk), "hit")
    assert "".join(seen[3][0]) == b"".join(sent_by(sdk)).decode()
    assert provider.calls == 1


@pytest.mark.parametrize("sdk", WITH_STREAMING, ids=str)
def test_a_raw_response_parses_to_a_stream(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer(200, {"content-type": provider_events.SSE}, sent_by(sdk))
    assert sdk.resource is not None
    assert sdk.arguments is not None
    raw, events = [], []
    with sdk.client(cache, provider.url) as client:
        for _ in range(2):
            raw.append(sdk.resource(client).with_raw_response.create(**sdk.arguments("hello"), stream=True))
            events.append(list(raw[-1].parse()))
    assert events[0] == events[1]
    assert raw[0].http_version == raw[1].http_version
    assert raw[1].headers["cache-status"].startswith("wirecache; hit")
    assert raw[1].elapsed.total_seconds() >= 0
    assert provider.calls == 1


# -- offline ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", ["bypass", "record"])
@one_of_each
def test_a_stream_that_was_not_recorded_is_refused_in_one_call(call: Call, streams: Any, provider: Provider, store: Path) -> None:
    provider.close()
    with Cache(store, streams=streams, mode="offline") as cache, no_sockets() as tried:
        with call.sdk.client(cache, provider.url) as client, pytest.raises(Exception, match="streams='record'"):
            call.read(client)
        stats = cache.stats
    assert tried == []
    assert stats.misses + stats.bypassed == 1


def test_an_answer_and_its_stream_are_apart(provider: Provider, cache: Cache) -> None:
    with OPENAI.client(cache, provider.url) as client:
        whole = client.chat.completions.create(**chat_arguments("hello"))
        provider.script = lambda _: CALLS[0].answer()
        chunks = list(client.chat.completions.create(**chat_arguments("hello"), stream=True))
        assert client.chat.completions.create(**chat_arguments("hello")) == whole
        assert list(client.chat.completions.create(**chat_arguments("hello"), stream=True)) == chunks
    assert provider.calls == 2


def test_many_tasks_read_one_recorded_stream(provider: Provider, cache: Cache) -> None:
    call = CALLS[0]

    async def main() -> list[Any]:
        async with call.sdk.async_client(cache, provider.url) as client:
            await call.read_async(client)
            return await asyncio.gather(*(call.read_async(client) for _ in range(20)))

    provider.script = lambda _: call.answer()
    read = asyncio.run(main())
    assert all(events == read[0] for events in read)
    assert provider.calls == 1


def test_text_of_the_helpers(provider: Provider, cache: Cache) -> None:
    provider.script = lambda request: CALLS[0].answer(
        provider_events.MESSAGES if request.path.endswith("/messages") else provider_events.RESPONSES
    )
    with ANTHROPIC.client(cache, provider.url) as client, OPENAI.client(cache, provider.url) as other:
        for _ in range(2):
            with client.messages.stream(model="m", max_tokens=9, messages=chat_arguments("hello")["messages"]) as stream:
                assert "".join(stream.text_stream) == provider_events.TEXT
                assert isinstance(stream.get_final_message(), anthropic.types.Message)
            with other.responses.stream(model="m", input="hello") as events:
                assert events.get_final_response().output_text == provider_events.TEXT
    assert provider.calls == 2
