"""What instructor's own cache and its guide to caching promise, claim by claim, with the real instructor on the transport's cache.

And what they leave out: partial objects, iterables, and the provider's own completion.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import instructor
import openai
import pytest
from openai.types.chat import ChatCompletion
from pydantic import BaseModel, Field, create_model, field_validator

from tests import provider_events
from tests.provider import Answer, Provider, ReceivedRequest
from tests.sdk.matrix.bodies import chat_tool
from tests.sdk.matrix.calls import messages_of
from tests.sdk.wire import no_sockets
from wirecache import (
    Cache,
    DiskStore,
    EncryptedStore,
    KeyOptions,
    MemoryStore,
    Rule,
    TieredStore,
    attach,
    cached_async_client,
    cached_client,
    capture,
    make_key,
    options,
)

# The SDK leaves its own connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


class Place(BaseModel):
    """A place that the text names."""

    city: str


def script(request: ReceivedRequest) -> Answer:
    """The model calls the tool that it must; in a mode of JSON it writes the object."""
    if not request.json.get("tools"):
        chat = chat_tool("none", {})
        choice = {"index": 0, "message": {"role": "assistant", "content": '{"city": "Oslo"}'}, "finish_reason": "stop"}
        return Answer.of({**chat, "choices": [choice]})
    return Answer.of(chat_tool(request.json["tools"][0]["function"]["name"], {"city": "Oslo", "rivers": 1}))


@pytest.fixture(autouse=True)
def _scripted(provider: Provider) -> None:
    provider.script = script


@contextmanager
def opened(cache: Cache, provider: Provider, mode: instructor.Mode = instructor.Mode.TOOLS, **more: Any) -> Iterator[Any]:
    with cached_client(cache) as http:
        sdk = openai.OpenAI(**{"api_key": "k", "base_url": f"{provider.url}/v1", "http_client": http, **more})
        yield instructor.from_openai(sdk, mode=mode)


@asynccontextmanager
async def opened_async(cache: Cache, provider: Provider) -> AsyncIterator[Any]:
    async with cached_async_client(cache) as http:
        yield instructor.from_openai(openai.AsyncOpenAI(api_key="k", base_url=f"{provider.url}/v1", http_client=http))


def ask(client: Any, prompt: str = "hello", of: Any = Place, **more: Any) -> Any:
    return client.create(**{"model": "m", "response_model": of, "messages": messages_of(prompt), "max_retries": 0, **more})


# -- given once, when the client is made ------------------------------------------------------------------------------


def test_every_call_of_a_client_is_cached_with_no_other_change(provider: Provider, cache: Cache) -> None:
    with opened(cache, provider) as client:
        for _ in range(3):
            assert ask(client).city == "Oslo"
            assert client.chat.completions.create(model="m", response_model=Place, messages=messages_of("bye")).city == "Oslo"
    assert (provider.calls, cache.stats.hits) == (2, 4)


def test_from_provider(provider: Provider, cache: Cache) -> None:
    where = {"api_key": "k", "base_url": f"{provider.url}/v1"}

    async def main() -> list[Any]:
        async with cached_async_client(cache) as http:
            client = instructor.from_provider("openai/m", async_client=True, http_client=http, **where)
            return await asyncio.gather(*(client.create(response_model=Place, messages=messages_of("hello")) for _ in range(5)))

    with cached_client(cache) as http:
        client = instructor.from_provider("openai/m", http_client=http, **where)
        assert [client.create(response_model=Place, messages=messages_of("hello")).city for _ in range(2)] == ["Oslo"] * 2
        assert [place.city for place in asyncio.run(main())] == ["Oslo"] * 5
    assert provider.calls == 1


def test_a_client_that_is_there_already(provider: Provider, cache: Cache) -> None:
    client = attach(instructor.from_openai(openai.OpenAI(api_key="k", base_url=f"{provider.url}/v1")), cache)
    assert [ask(client).city for _ in range(2)] == ["Oslo"] * 2
    assert provider.calls == 1


def test_async_with_gather(provider: Provider, cache: Cache) -> None:
    """Equal calls that run at the same time share one forward; different ones go out each."""

    async def main() -> list[Any]:
        async with opened_async(cache, provider) as client:
            return await asyncio.gather(*(ask(client, f"prompt {number % 4}") for number in range(40)))

    provider.delay = 0.05
    assert {place.city for place in asyncio.run(main())} == {"Oslo"}
    assert provider.calls == 4


# -- where it is kept -------------------------------------------------------------------------------------------------


def test_in_memory_with_a_maximum_size(provider: Provider) -> None:
    with Cache(MemoryStore(max_entries=2)) as cache, opened(cache, provider) as client:
        for prompt in ("one", "two", "three", "three", "two", "one"):
            ask(client, prompt)
        assert (provider.calls, cache.stats.hits) == (4, 2)  # the oldest had to go


def test_on_disk_for_another_program_and_offline(provider: Provider, store: Path) -> None:
    with Cache(DiskStore(store)) as cache, opened(cache, provider) as client:
        live = ask(client)
    provider.close()
    with Cache(DiskStore(store), mode="offline") as cache, opened(cache, provider) as client, no_sockets() as tried:
        assert ask(client).model_dump() == live.model_dump()
        with pytest.raises(Exception, match="wirecache is offline and has no stored answer for POST"):
            ask(client, "never asked")
    assert tried == []


def test_in_anything_that_has_get_and_set(provider: Provider) -> None:
    class Own:
        kept: dict[str, bytes] = {}

        def get(self, key: str) -> bytes | None:
            return self.kept.get(key)

        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            self.kept[key] = value

    with Cache(Own()) as cache, opened(cache, provider) as client:
        assert [ask(client).city for _ in range(2)] == ["Oslo"] * 2
    assert provider.calls == len(Own.kept) == 1


def test_memory_over_disk(provider: Provider, store: Path) -> None:
    for _ in range(2):
        with Cache(TieredStore([MemoryStore(), DiskStore(store)])) as cache, opened(cache, provider) as client:
            assert [ask(client).city for _ in range(2)] == ["Oslo"] * 2
    assert provider.calls == 1


def test_a_store_that_fails_does_not_fail_the_call(provider: Provider) -> None:
    class Broken:
        def get(self, key: str) -> bytes | None:
            raise OSError("gone")

        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            raise OSError("gone")

    with Cache(Broken()) as cache, opened(cache, provider) as client:
        assert [ask(client).city for _ in range(2)] == ["Oslo"] * 2
        assert cache.stats.store_errors > 0
    assert provider.calls == 2


def test_encrypted(provider: Provider, store: Path) -> None:
    with Cache(EncryptedStore(DiskStore(store), [bytes(32)])) as cache, opened(cache, provider) as client:
        assert [ask(client, "a secret of mine").city for _ in range(2)] == ["Oslo"] * 2
    assert provider.calls == 1
    assert not [file for file in store.rglob("*") if file.is_file() and b"a secret of mine" in file.read_bytes()]


# -- what makes two calls one -----------------------------------------------------------------------------------------


def test_a_changed_field_or_description_misses_by_itself(provider: Provider, cache: Cache) -> None:
    described = create_model("Place", __doc__=Place.__doc__, city=(str, Field(description="in Norway")))
    longer = create_model("Place", __doc__=Place.__doc__, city=(str, ...), rivers=(int, ...))
    optional = create_model("Place", __doc__=Place.__doc__, city=(str | None, None))
    documented = create_model("Place", __doc__="A place, any place.", city=(str, ...))
    with opened(cache, provider) as client:
        for number, model in enumerate((Place, described, longer, optional, documented), 1):
            for _ in range(2):
                assert ask(client, of=model).city == "Oslo"
            assert provider.calls == number
    assert len({json.dumps(request.json["tools"]) for request in provider.requests}) == 5


def test_the_same_model_defined_again_hits(provider: Provider, cache: Cache) -> None:
    again = create_model("Place", __doc__=Place.__doc__, city=(str, ...))
    with opened(cache, provider) as client:
        assert ask(client).city == ask(client, of=again).city == "Oslo"
    assert provider.calls == 1


def test_the_model_the_messages_and_the_mode_count(provider: Provider, cache: Cache) -> None:
    with opened(cache, provider) as client:
        for number, more in enumerate(
            ({}, {"model": "other"}, {"messages": [*messages_of("hello"), *messages_of("hello")]}, {"temperature": 0.5}, {"seed": 1}), 1
        ):
            assert ask(client, **more).city == ask(client, **more).city == "Oslo"
            assert provider.calls == number
    with opened(cache, provider, instructor.Mode.JSON) as client:
        assert ask(client).city == ask(client).city == "Oslo"
    assert provider.calls == 6


def test_the_key_is_public_and_a_sha_256(provider: Provider, cache: Cache) -> None:
    with opened(cache, provider) as client:
        with capture() as exchanges:
            ask(client)
            ask(client)
        request = provider.requests[0]
        made = make_key("POST", f"{provider.url}/v1/chat/completions", {"content-type": "application/json"}, request.body)
    assert [exchange.status.key for exchange in exchanges] == [made] * 2
    assert re.fullmatch("[0-9a-f]{64}", made)


def test_a_namespace_and_a_version_of_the_application(provider: Provider, store: Path) -> None:
    for number, name in enumerate(("app-1", "app-2", "app-1"), 1):
        with Cache(store, namespace=name) as cache, opened(cache, provider) as client:
            ask(client)
        assert provider.calls == min(number, 2)


def test_tenants_do_not_share(provider: Provider, cache: Cache, store: Path) -> None:
    with Cache(store / "apart", key=KeyOptions(credentials=True)) as apart:
        for key in ("one", "two", "one"):
            with opened(apart, provider, api_key=key) as client:
                ask(client)
    assert provider.calls == 2


# -- how long ---------------------------------------------------------------------------------------------------------


def test_a_ttl_for_one_call(provider: Provider, store: Path) -> None:
    with Cache(store, ttl=0) as cache, opened(cache, provider) as client:
        for _ in range(2):
            ask(client, "not kept")
        assert provider.calls == 2
        for _ in range(2):
            ask(client, "kept", extra_headers={"Wirecache-TTL": "1h"})
        assert provider.calls == 3
        for _ in range(2):
            with options(ttl="1h"):
                ask(client, "kept too")
        assert provider.calls == 4


def test_different_times_for_different_kinds(provider: Provider, store: Path) -> None:
    with Cache(store, rules=[Rule(model="fast-*", ttl=0)]) as cache, opened(cache, provider) as client:
        for _ in range(2):
            ask(client, of=Place)
            client.create(model="fast-1", response_model=Place, messages=messages_of("hello"))
        assert provider.calls == 3


# -- what is cached ---------------------------------------------------------------------------------------------------


def test_the_completion_that_comes_back_is_the_providers_own(provider: Provider, cache: Cache) -> None:
    seen = []
    with opened(cache, provider) as client:
        for _ in range(2):
            place, completion = client.create_with_completion(model="m", response_model=Place, messages=messages_of("hello"))
            assert type(completion) is ChatCompletion
            seen.append((place.model_dump(), completion.model_dump(), completion._request_id))
    assert seen[0] == seen[1]
    assert completion.choices[0].message.tool_calls[0].function.name == "Place"
    assert completion.usage.total_tokens == 12
    assert provider.calls == 1


def _partial(client: Any) -> Any:
    return client.create_partial(model="m", response_model=Place, messages=messages_of("hello"))


def _iterable(client: Any) -> Any:
    return client.create_iterable(model="m", response_model=Place, messages=messages_of("hello"))


def _many() -> list[bytes]:
    """Two places, in pieces."""
    parts = ('{"tasks": [{"city"', ': "Oslo"}, {"ci', 'ty": "Bergen"}]}')
    called = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "IterablePlace", "arguments": ""}}
    return [
        provider_events.sse(provider_events.chunk({"role": "assistant", "content": None, "tool_calls": [called]})),
        *(provider_events.sse(provider_events.chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})) for part in parts),
        *provider_events.CHAT_TOOL[-3:],
    ]


STREAMS = [
    pytest.param(_partial, provider_events.CHAT_TOOL, [None, None, "Oslo"], id="partial"),
    pytest.param(_iterable, _many(), ["Oslo", "Bergen"], id="iterable"),
]


@pytest.mark.parametrize(("begin", "sent", "cities"), STREAMS)
def test_partial_objects_and_iterables_are_recorded(begin: Any, sent: Any, cities: Any, provider: Provider, store: Path) -> None:
    provider.script = lambda _: Answer(200, {"content-type": provider_events.SSE}, sent)
    with Cache(store, streams="record") as cache, opened(cache, provider) as client:
        for _ in range(3):
            assert [place.city for place in begin(client)] == cities
        assert (provider.calls, cache.stats.hits) == (1, 2)


@pytest.mark.parametrize(("begin", "sent", "cities"), STREAMS)
def test_partial_objects_and_iterables_under_async(begin: Any, sent: Any, cities: Any, provider: Provider, store: Path) -> None:
    async def main(cache: Cache) -> None:
        async with opened_async(cache, provider) as client:
            for _ in range(3):
                stream = begin(client)
                stream = stream if hasattr(stream, "__aiter__") else await stream
                assert [place.city async for place in stream] == cities

    provider.script = lambda _: Answer(200, {"content-type": provider_events.SSE}, sent)
    with Cache(store, streams="record") as cache:
        asyncio.run(main(cache))
        assert (provider.calls, cache.stats.hits) == (1, 2)


class Loud(BaseModel):
    """A city in upper case."""

    city: str

    @field_validator("city")
    @classmethod
    def _upper(cls, value: str) -> str:
        if not value.isupper():
            raise ValueError("write it in upper case")
        return value


def test_each_validation_retry_is_an_entry_of_its_own(provider: Provider, cache: Cache) -> None:
    def corrected(request: ReceivedRequest) -> Answer:
        return Answer.of(chat_tool("Loud", {"city": "OSLO" if len(request.json["messages"]) > 1 else "Oslo"}))

    provider.script = corrected
    with opened(cache, provider) as client:
        for _ in range(3):
            assert ask(client, of=Loud, max_retries=2).city == "OSLO"
    assert (provider.calls, cache.stats.misses, cache.stats.hits) == (2, 2, 4)
    assert len(list(cache.entries())) == 2


# -- how it is watched ------------------------------------------------------------------------------------------------


def test_hits_misses_and_time_saved_in_all_and_for_a_block_of_code(provider: Provider, cache: Cache) -> None:
    provider.delay = 0.01
    with opened(cache, provider) as client:
        with capture() as first:
            ask(client)
        with capture() as second:
            ask(client)
            ask(client)
    assert [exchange.status.hit for exchange in (*first, *second)] == [False, True, True]
    assert (cache.stats.hits, cache.stats.misses) == (2, 1)
    assert cache.stats.seconds_saved >= 0.02
    assert cache.stats.tokens == 24


def test_warmed_with_common_questions(provider: Provider, store: Path) -> None:
    async def main(cache: Cache) -> None:
        async with opened_async(cache, provider) as client:
            await asyncio.gather(*(ask(client, f"common {number}") for number in range(5)))

    with Cache(store) as cache:
        asyncio.run(main(cache))
    provider.close()
    with Cache(store, mode="offline") as cache, opened(cache, provider) as client:
        assert [ask(client, f"common {number}").city for number in range(5)] == ["Oslo"] * 5


def test_an_answer_that_turned_out_useless_is_not_given_again(provider: Provider, cache: Cache) -> None:
    with opened(cache, provider) as client:
        with capture() as exchanges:
            ask(client)
        exchanges[-1].discard()
        ask(client)
    assert provider.calls == 2
