"""The core facts for the OpenAI SDK before it moved to httpx2. Runs in an environment of its own: ``openai<3``, httpx, no httpx2."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.provider import Answer, Provider
from tests.sdk.wire import CHAT_STREAM, STREAM, Gate, chat, no_sockets
from wirecache import Cache, cached_async_client, cached_client, make_key

ARGUMENTS: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@contextmanager
def opened(cache: Cache, url: str) -> Iterator[openai.OpenAI]:
    with cached_client(cache) as http:
        yield openai.OpenAI(api_key="k", base_url=f"{url}/v1", http_client=http)


@asynccontextmanager
async def opened_async(cache: Cache, url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with cached_async_client(cache) as http:
        yield openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", http_client=http)


def number_the_answers(provider: Provider) -> None:
    provider.script = lambda _: Answer.of(chat(f"answer {provider.calls}"))


def test_the_environment_is_the_old_one_and_httpx_is_picked(cache: Cache) -> None:
    assert openai.__version__.startswith("2.")
    assert importlib.util.find_spec("httpx2") is None
    with cached_client(cache) as http:
        assert isinstance(http, httpx.Client)


def test_the_second_equal_call_is_answered_from_the_store(provider: Provider, store: Path) -> None:
    number_the_answers(provider)
    with Cache(store) as cache, opened(cache, provider.url) as client:
        live = client.chat.completions.create(**ARGUMENTS)
        assert client.chat.completions.create(**ARGUMENTS) == live
        assert client.chat.completions.create(**ARGUMENTS, seed=2**64).choices[0].message.content == "answer 2"
        assert (cache.stats.misses, cache.stats.hits) == (2, 1)
    provider.close()
    with Cache(store) as cache, opened(cache, provider.url) as client:
        assert client.chat.completions.create(**ARGUMENTS) == live
    assert provider.calls == 2


def test_async_shares_entries_with_sync(provider: Provider, cache: Cache) -> None:
    async def main() -> Any:
        async with opened_async(cache, provider.url) as client:
            return [await client.chat.completions.create(**ARGUMENTS) for _ in range(2)]

    number_the_answers(provider)
    first, second = asyncio.run(main())
    with opened(cache, provider.url) as client:
        assert client.chat.completions.create(**ARGUMENTS) == first == second
    assert provider.calls == 1


def test_embeddings_and_transcriptions_hit(provider: Provider, cache: Cache) -> None:
    with opened(cache, provider.url) as client:
        for _ in range(2):
            assert client.embeddings.create(model="m", input="hello").data[0].embedding == [0.5, 0.25]
            assert client.audio.transcriptions.create(model="m", file=("a.wav", b"RIFF")).text == "hi"
    assert provider.calls == 2


def test_a_raw_response_tells_of_the_hit_and_its_key_is_that_of_openai_3(provider: Provider, cache: Cache) -> None:
    with opened(cache, provider.url) as client:
        plain = client.chat.completions.create(**ARGUMENTS)
        raw = client.chat.completions.with_raw_response.create(**ARGUMENTS)
        with client.chat.completions.with_streaming_response.create(**ARGUMENTS) as streamed:
            assert "".join(streamed.iter_lines()) == raw.text
        with client.chat.completions.with_streaming_response.create(**ARGUMENTS) as streamed:
            assert streamed.parse() == plain
    assert raw.parse() == plain
    assert raw.elapsed.total_seconds() >= 0
    found = re.fullmatch(r'wirecache; hit; ttl=\d+; key="(.*)"', raw.headers["cache-status"])
    assert found
    assert list(provider.requests[0].json) == ["messages", "model"]
    as_openai_3 = json.dumps({name: ARGUMENTS[name] for name in ("model", "messages")}, separators=(",", ":"))
    headers = {"content-type": "application/json"}
    assert found[1] == make_key("POST", f"{provider.url}/v1/chat/completions", headers, as_openai_3)
    assert provider.calls == 1


def test_a_stream_passes_as_it_comes_and_is_not_stored(provider: Provider, cache: Cache) -> None:
    with opened(cache, provider.url) as client:
        for call in (1, 2):
            gate = Gate(CHAT_STREAM)
            provider.script = lambda _, gate=gate: gate.answer()
            chunks = client.chat.completions.create(**ARGUMENTS, stream=True)
            first = next(chunks)
            gate.open()
            assert [chunk.choices[0].delta.content for chunk in (first, *chunks)] == [*STREAM, ""]
            assert gate.in_time
            assert provider.calls == call
    assert (cache.stats.bypassed, cache.stats.hits, cache.stats.stored) == (2, 0, 0)


def test_a_stream_passes_as_it_comes_under_async(provider: Provider, cache: Cache) -> None:
    async def main() -> None:
        async with opened_async(cache, provider.url) as client:
            for call in (1, 2):
                gate = Gate(CHAT_STREAM)
                provider.script = lambda _, gate=gate: gate.answer()
                chunks = await client.chat.completions.create(**ARGUMENTS, stream=True)
                first = await anext(chunks)
                gate.open()
                words = [first, *[chunk async for chunk in chunks]]
                assert [chunk.choices[0].delta.content for chunk in words] == [*STREAM, ""]
                assert gate.in_time
                assert provider.calls == call

    asyncio.run(main())
    assert (cache.stats.bypassed, cache.stats.hits, cache.stats.stored) == (2, 0, 0)


def test_an_error_is_not_stored(provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({"error": {"message": "no room"}}, 500)
    with opened(cache, provider.url) as client:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError, match="no room"):
                client.with_options(max_retries=0).chat.completions.create(**ARGUMENTS)
    assert provider.calls == 2
    assert list(cache.entries()) == []


def check_refusal(error: openai.APIStatusError, cache: Cache) -> None:
    message = error.response.json()["error"]["message"]
    assert error.status_code == 424
    assert message.startswith("wirecache is offline and has no stored answer for POST ")
    assert message in str(error)
    assert (cache.stats.misses, cache.stats.hits, cache.stats.bypassed) == (1, 0, 0)


def test_an_offline_miss_costs_one_call_and_shows_the_whole_message(provider: Provider, store: Path) -> None:
    provider.close()
    with Cache(store, mode="offline") as cache, opened(cache, provider.url) as client:
        with no_sockets() as tried, pytest.raises(openai.APIStatusError) as raised:
            client.chat.completions.create(**ARGUMENTS)
        check_refusal(raised.value, cache)
        assert tried == []


def test_an_offline_miss_costs_one_call_and_shows_the_whole_message_under_async(provider: Provider, store: Path) -> None:
    async def main(cache: Cache) -> None:
        async with opened_async(cache, provider.url) as client:
            with pytest.raises(openai.APIStatusError) as raised:
                await client.chat.completions.create(**ARGUMENTS)
            check_refusal(raised.value, cache)

    provider.close()
    with Cache(store, mode="offline") as cache, no_sockets() as tried:
        asyncio.run(main(cache))
    assert tried == []
