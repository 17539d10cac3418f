"""What holds for every SDK of the table, over real sockets."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.provider import Answer, Provider
from tests.sdk.table import ANTHROPIC, GROQ, OPENAI, SDKS, WITH_EMBEDDINGS, WITH_RAW_RESPONSE, Sdk
from tests.sdk.wire import STREAM, Gate
from wirecache import Cache, cached_client

each_sdk = pytest.mark.parametrize("sdk", SDKS, ids=str)
each_sdk_with_raw_response = pytest.mark.parametrize("sdk", WITH_RAW_RESPONSE, ids=str)


def number_the_answers(provider: Provider, sdk: Sdk) -> None:
    """No two answers are equal, so that one from the store cannot be mistaken for a new one."""
    provider.script = lambda _: Answer.of(sdk.answer(f"answer {provider.calls}"), x_request_id=f"req_{provider.calls}")


async def settled(value: Any) -> Any:
    """Some SDKs' ``parse()`` is awaited under an async client, others' is not."""
    return await value if inspect.isawaitable(value) else value


# -- hits -----------------------------------------------------------------------------------------------------------


@each_sdk
def test_the_second_equal_call_is_answered_from_the_store(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    number_the_answers(provider, sdk)
    with sdk.client(cache, provider.url) as client:
        live = sdk.ask(client, "hello")
        reused = sdk.ask(client, "hello")
    assert sdk.text(live) == "answer 1"
    assert sdk.parsed(reused) == sdk.parsed(live)
    assert provider.calls == 1
    assert (cache.stats.misses, cache.stats.hits, cache.stats.stored, cache.stats.tokens) == (1, 1, 1, 12)


@each_sdk
def test_a_new_client_and_a_new_cache_on_the_same_path_hit(sdk: Sdk, provider: Provider, store: Path) -> None:
    number_the_answers(provider, sdk)
    with Cache(store) as cache:
        with sdk.client(cache, provider.url) as client:
            live = sdk.ask(client, "hello")
        with sdk.client(cache, provider.url) as client:
            by_new_client = sdk.ask(client, "hello")
    with Cache(store) as cache, sdk.client(cache, provider.url) as client:
        by_new_cache = sdk.ask(client, "hello")
    assert sdk.parsed(live) == sdk.parsed(by_new_client) == sdk.parsed(by_new_cache)
    assert provider.calls == 1


@each_sdk
@pytest.mark.parametrize("async_first", [False, True], ids=["sync-first", "async-first"])
def test_sync_and_async_share_entries(sdk: Sdk, provider: Provider, cache: Cache, async_first: bool) -> None:
    def by_sync_client() -> Any:
        with sdk.client(cache, provider.url) as client:
            return sdk.parsed(sdk.ask(client, "hello"))

    async def by_async_client() -> Any:
        async with sdk.async_client(cache, provider.url) as client:
            first, second = await sdk.ask_async(client, "hello"), await sdk.ask_async(client, "hello")
        assert sdk.parsed(first) == sdk.parsed(second)
        return sdk.parsed(first)

    number_the_answers(provider, sdk)
    if async_first:
        assert asyncio.run(by_async_client()) == by_sync_client()
    else:
        assert by_sync_client() == asyncio.run(by_async_client())
    assert provider.calls == 1
    assert (cache.stats.misses, cache.stats.hits) == (1, 2)


@each_sdk
def test_another_prompt_is_another_call(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    number_the_answers(provider, sdk)
    prompts = ["hello", "hello!", "Hello", "hello "]
    with sdk.client(cache, provider.url) as client:
        for _ in range(2):
            assert [sdk.text(sdk.ask(client, prompt)) for prompt in prompts] == ["answer 1", "answer 2", "answer 3", "answer 4"]
    assert provider.calls == 4


@pytest.mark.parametrize("sdk", WITH_EMBEDDINGS, ids=str)
def test_embeddings_hit(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    assert sdk.embed is not None
    assert sdk.vector is not None
    with sdk.client(cache, provider.url) as client:
        live, reused = sdk.embed(client, "hello"), sdk.embed(client, "hello")
        assert sdk.vector(live) == sdk.vector(reused) == [0.5, 0.25]
        assert provider.calls == 1
        sdk.embed(client, "bye")
    assert provider.calls == 2


@each_sdk
def test_a_list_of_models_is_asked_anew_each_time(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    with sdk.client(cache, provider.url) as client:
        for _ in range(3):
            sdk.models(client)
    assert [request.method for request in provider.requests] == ["GET"] * 3
    assert cache.stats.hits == 0


# -- raw and streaming responses ------------------------------------------------------------------------------------


@each_sdk_with_raw_response
def test_a_raw_response_tells_of_the_hit(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    assert sdk.resource is not None
    assert sdk.arguments is not None
    number_the_answers(provider, sdk)
    with sdk.client(cache, provider.url) as client:
        plain = sdk.ask(client, "hello")
        raw = sdk.resource(client).with_raw_response.create(**sdk.arguments("hello"))
        other = sdk.resource(client).with_raw_response.create(**sdk.arguments("bye"))
    assert raw.parse() == plain
    assert raw.headers["cache-status"].startswith("wirecache; hit; ttl=")
    assert raw.headers["age"] == "0"
    assert raw.headers["x-request-id"] == "req_1"
    assert raw.status_code == 200
    assert raw.http_version == "HTTP/1.1"
    assert raw.elapsed.total_seconds() >= 0
    assert raw.http_response.num_bytes_downloaded == len(raw.http_response.content) > 0
    assert other.headers["cache-status"].startswith("wirecache; fwd=miss; stored; key=")
    assert "age" not in other.headers
    assert provider.calls == 2


@each_sdk_with_raw_response
def test_a_raw_response_tells_of_the_hit_under_async(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    async def main() -> None:
        assert sdk.resource is not None
        assert sdk.arguments is not None
        async with sdk.async_client(cache, provider.url) as client:
            plain = await sdk.ask_async(client, "hello")
            raw = await sdk.resource(client).with_raw_response.create(**sdk.arguments("hello"))
            assert await settled(raw.parse()) == plain
            assert raw.headers["cache-status"].startswith("wirecache; hit; ttl=")
            assert raw.elapsed.total_seconds() >= 0

    number_the_answers(provider, sdk)
    asyncio.run(main())
    assert provider.calls == 1


def _in_every_way(sdk: Sdk, client: Any) -> list[Any]:
    """The answer by each way of reading that a streaming response has."""
    assert sdk.resource is not None
    assert sdk.arguments is not None
    open_response = sdk.resource(client).with_streaming_response.create
    read: list[Any] = []
    for way in (
        lambda response: list(response.iter_lines()),
        lambda response: b"".join(response.iter_bytes()),
        lambda response: b"".join(response.iter_bytes(chunk_size=7)),
        lambda response: "".join(response.iter_text()),
        lambda response: response.read(),
        lambda response: response.json(),
        lambda response: response.parse(),
    ):
        with open_response(**sdk.arguments("hello")) as response:
            read.append(way(response))
            assert response.headers["cache-status"].startswith("wirecache; ")
            assert response.http_response.num_bytes_downloaded > 0
    return read


@each_sdk_with_raw_response
def test_a_streaming_response_reads_the_same_from_the_store(sdk: Sdk, provider: Provider, cache: Cache, store: Path) -> None:
    provider.script = lambda _: Answer.of(sdk.answer("line\nline \N{SNOWMAN}"))
    with Cache(store, mode="off") as off, sdk.client(off, provider.url) as client:
        live = _in_every_way(sdk, client)
    calls = provider.calls
    with sdk.client(cache, provider.url) as client:
        reused = _in_every_way(sdk, client)
    assert reused == live
    assert provider.calls == calls + 1
    assert cache.stats.hits == len(live) - 1


@each_sdk_with_raw_response
def test_a_streaming_response_reads_the_same_from_the_store_under_async(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    async def main() -> None:
        assert sdk.resource is not None
        assert sdk.arguments is not None
        async with sdk.async_client(cache, provider.url) as client:
            open_response = sdk.resource(client).with_streaming_response.create
            async with open_response(**sdk.arguments("hello")) as response:
                live = [chunk async for chunk in response.iter_bytes()]
            async with open_response(**sdk.arguments("hello")) as response:
                assert response.headers["cache-status"].startswith("wirecache; hit; ")
                assert b"".join([chunk async for chunk in response.iter_bytes()]) == b"".join(live)
            async with open_response(**sdk.arguments("hello")) as response:
                assert "\n".join([line async for line in response.iter_lines()]).encode() == b"".join(live)
            async with open_response(**sdk.arguments("hello")) as response:
                assert await settled(response.parse()) == await sdk.ask_async(client, "hello")

    number_the_answers(provider, sdk)
    asyncio.run(main())
    assert provider.calls == 1


@each_sdk_with_raw_response
def test_a_streaming_response_that_nobody_reads_is_not_stored(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    assert sdk.resource is not None
    assert sdk.arguments is not None
    with sdk.client(cache, provider.url) as client:
        for _ in range(2):
            with sdk.resource(client).with_streaming_response.create(**sdk.arguments("hello")):
                pass
    assert provider.calls == 2
    assert cache.stats.stored == 0


# -- streams --------------------------------------------------------------------------------------------------------


@each_sdk
def test_a_stream_passes_as_it_comes_and_is_not_stored(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    with sdk.client(cache, provider.url) as client:
        for call in (1, 2):
            gate = Gate(sdk.events)
            provider.script = lambda _, gate=gate: gate.answer()
            words = sdk.stream(client, "hello")
            first = next(words)
            gate.open()
            assert [first, *(word for word in words if word)] == list(STREAM)
            assert gate.in_time
            assert provider.calls == call
    assert (cache.stats.bypassed, cache.stats.hits, cache.stats.stored) == (2, 0, 0)
    assert list(cache.entries()) == []


@each_sdk
def test_a_stream_passes_as_it_comes_under_async(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    async def main() -> None:
        async with sdk.async_client(cache, provider.url) as client:
            for call in (1, 2):
                gate = Gate(sdk.events)
                provider.script = lambda _, gate=gate: gate.answer()
                words = sdk.stream_async(client, "hello")
                first = await anext(words)
                gate.open()
                assert [first, *[word async for word in words if word]] == list(STREAM)
                assert gate.in_time
                assert provider.calls == call

    asyncio.run(main())
    assert (cache.stats.bypassed, cache.stats.hits, cache.stats.stored) == (2, 0, 0)


@each_sdk
def test_a_stream_and_a_whole_answer_do_not_meet(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    with sdk.client(cache, provider.url) as client:
        number_the_answers(provider, sdk)
        sdk.ask(client, "hello")
        gate = Gate(sdk.events)
        gate.open()
        provider.script = lambda _: gate.answer()
        assert "".join(sdk.stream(client, "hello")) == "".join(STREAM)
        assert sdk.text(sdk.ask(client, "hello")) == "answer 1"
    assert provider.calls == 2


# -- answers that are not stored ------------------------------------------------------------------------------------


@each_sdk
@pytest.mark.parametrize("status", [400, 429, 500, 529])
def test_an_error_status_is_raised_each_time(sdk: Sdk, provider: Provider, cache: Cache, status: int) -> None:
    provider.script = lambda _: Answer.of({"error": {"message": "no room", "type": "t", "code": status}}, status)
    with sdk.client(cache, provider.url, **sdk.no_retries) as client:
        for _ in range(2):
            with pytest.raises(sdk.error, match="no room"):
                sdk.ask(client, "hello")
        assert provider.calls == 2
        assert list(cache.entries()) == []
        number_the_answers(provider, sdk)
        assert [sdk.text(sdk.ask(client, "hello")) for _ in range(2)] == ["answer 3"] * 2


@each_sdk
def test_an_error_status_is_not_stored_whatever_its_body_says(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of(sdk.answer("as good as any"), 500)
    with sdk.client(cache, provider.url, **sdk.no_retries) as client:
        for _ in range(2):
            with pytest.raises(sdk.error):
                sdk.ask(client, "hello")
    assert provider.calls == 2
    assert (cache.stats.misses, cache.stats.stored) == (2, 0)


@each_sdk
def test_an_error_with_status_200_is_not_stored(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({"error": {"message": "no room", "type": "t", "code": 500}})
    with sdk.client(cache, provider.url) as client:
        for _ in range(2):
            with suppress(sdk.error):  # some SDKs notice it, some return an empty answer
                sdk.ask(client, "hello")
    assert provider.calls == 2
    assert (cache.stats.stored, cache.stats.refused, dict(cache.stats.reasons)) == (0, 2, {"error": 2})


@each_sdk
def test_an_answer_that_was_cut_by_a_filter_is_not_stored(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of(sdk.filtered)
    with sdk.client(cache, provider.url) as client:
        for _ in range(2):
            sdk.ask(client, "hello")
    assert provider.calls == 2
    assert (cache.stats.stored, cache.stats.refused) == (0, 2)
    assert list(cache.entries()) == []


@each_sdk_with_raw_response
def test_the_sdks_own_retry_goes_through_and_its_answer_is_stored(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    def script(request: Any) -> Answer:
        if provider.calls == 1:
            return Answer.of({"error": {"message": "no room"}}, 429, retry_after_ms="1")
        return Answer.of(sdk.answer(f"answer {provider.calls}"))

    provider.script = script
    with sdk.client(cache, provider.url) as client:
        assert [sdk.text(sdk.ask(client, "hello")) for _ in range(2)] == ["answer 2"] * 2
    assert provider.calls == 2


# -- the two libraries ----------------------------------------------------------------------------------------------


def test_clients_of_the_two_libraries_share_entries(provider: Provider, cache: Cache) -> None:
    answers = []
    for sdk in [sdk for sdk in SDKS if sdk.name.startswith("openai")]:
        number_the_answers(provider, sdk)
        with sdk.client(cache, provider.url) as client:
            answers.append(sdk.ask(client, "hello"))
    assert answers[0] == answers[1]
    assert provider.calls == 1


@pytest.mark.parametrize(("sdk", "other"), [(GROQ, "httpx2"), (ANTHROPIC, "httpx")], ids=str)
def test_the_wrong_library_is_the_sdks_own_error_and_the_option_helps(sdk: Sdk, other: Any, provider: Provider, cache: Cache) -> None:
    with (
        cached_client(cache, library=other) as wrong,
        pytest.raises(TypeError, match=rf"Invalid `http_client` argument; .*{sdk.library}\.Client"),
    ):
        sdk.make(wrong, None, provider.url)
    with cached_client(cache, library=sdk.library) as right:
        assert sdk.text(sdk.ask(sdk.make(right, None, provider.url), "hello")) == "hi"


def test_what_is_picked_by_default_fits_openai_and_anthropic_and_not_groq(provider: Provider, cache: Cache) -> None:
    with cached_client(cache) as http:
        for sdk in (OPENAI, ANTHROPIC):
            assert sdk.text(sdk.ask(sdk.make(http, None, provider.url), "hello")) == "hi"
        with pytest.raises(TypeError, match=r"Expected an instance of `httpx\.Client` but got <class 'httpx2\.Client'>"):
            GROQ.make(http, None, provider.url)
