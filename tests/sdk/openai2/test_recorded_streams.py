"""Recorded streams through the OpenAI SDK before it moved to httpx2, which leaves a chat's stream at ``[DONE]`` and closes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import openai
import pytest

from tests import provider_events
from tests.provider import Answer, Provider
from tests.sdk.openai2.test_openai2 import ARGUMENTS, opened, opened_async
from wirecache import Cache

CALLS: dict[str, tuple[Sequence[bytes], Callable[[Any], Any]]] = {
    "chat": (provider_events.CHAT, lambda client: client.chat.completions.create(**ARGUMENTS, stream=True)),
    "chat-tool": (provider_events.CHAT_TOOL, lambda client: client.chat.completions.create(**ARGUMENTS, stream=True)),
    "completions": (provider_events.COMPLETIONS, lambda client: client.completions.create(model="m", prompt="hello", stream=True)),
    "responses": (provider_events.RESPONSES, lambda client: client.responses.create(model="m", input="hello", stream=True)),
    "chat-helper": (provider_events.CHAT, lambda client: client.chat.completions.stream(**ARGUMENTS)),
    "responses-helper": (provider_events.RESPONSES, lambda client: client.responses.stream(model="m", input="hello")),
}
each_call = pytest.mark.parametrize("name", CALLS)


@pytest.fixture
def cache(store: Path) -> Iterator[Cache]:
    """A cache that records streams."""
    with Cache(store, streams="record") as cache:
        yield cache


def plain(event: Any) -> Any:
    return type(event).__name__, event.model_dump(warnings=False)


def read(client: openai.OpenAI, name: str) -> list[Any]:
    opened = CALLS[name][1](client)
    if not name.endswith("helper"):
        return [plain(event) for event in opened]
    with opened as stream:
        return [plain(event) for event in stream]


async def read_async(client: openai.AsyncOpenAI, name: str) -> list[Any]:
    opened = CALLS[name][1](client)
    if not name.endswith("helper"):
        return [plain(event) async for event in await opened]
    async with opened as stream:
        return [plain(event) async for event in stream]


def send(provider: Provider, events: Sequence[bytes], **how: Any) -> None:
    provider.script = lambda _: Answer(200, {"content-type": provider_events.SSE}, events, **how)


@each_call
def test_the_same_events_live_recorded_and_replayed(name: str, provider: Provider, cache: Cache) -> None:
    send(provider, CALLS[name][0])
    with openai.OpenAI(api_key="k", base_url=f"{provider.url}/v1") as plain_client:
        live = read(plain_client, name)
    with opened(cache, provider.url) as client:
        recording, replayed = read(client, name), read(client, name)
    assert recording == replayed == live
    assert provider.calls == 2


@each_call
def test_the_same_events_under_async(name: str, provider: Provider, cache: Cache) -> None:
    async def main() -> list[Any]:
        async with opened_async(cache, provider.url) as client:
            return [await read_async(client, name) for _ in range(2)]

    send(provider, CALLS[name][0])
    recording, replayed = asyncio.run(main())
    assert recording == replayed
    with opened(cache, provider.url) as client:
        assert read(client, name) == recording
    assert provider.calls == 1


def test_an_error_within_a_stream_is_raised_each_time(provider: Provider, cache: Cache) -> None:
    send(provider, provider_events.CHAT_ERROR)
    with opened(cache, provider.url) as client:
        for _ in range(2):
            with pytest.raises(openai.APIError, match="overloaded"):
                read(client, "chat")
    assert provider.calls == 2
    assert dict(cache.stats.reasons) == {"error": 2}


def test_a_program_that_stops_early_asks_again(provider: Provider, cache: Cache) -> None:
    send(provider, provider_events.CHAT, pause=0.002)
    with opened(cache, provider.url) as client:
        with client.chat.completions.create(**ARGUMENTS, stream=True) as stream:
            first = plain(next(iter(stream)))
        whole = read(client, "chat")
        assert read(client, "chat") == whole
        assert whole[0] == first
    assert provider.calls == 2
