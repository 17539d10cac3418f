"""Offline, every SDK answers from the store alone, and says whole and at once what is missing. The provider is gone in each test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.provider import Provider
from tests.sdk.table import OPENAI, SDKS, Sdk
from tests.sdk.wire import SocketOpened, no_sockets
from wirecache import Cache

each_sdk = pytest.mark.parametrize("sdk", SDKS, ids=str)


def refused(error: Exception) -> tuple[str, Any]:
    """What wirecache said, and the headers that it came with."""
    response = getattr(error, "raw_response", None) or error.response  # type: ignore[attr-defined]
    assert response.status_code == 424
    error = response.json()["error"]
    assert (error["type"], error["code"]) == ("not_recorded", "not_recorded")
    return error["message"], response.headers


def check(error: Exception, cache: Cache, provider: Provider, method: str = "POST") -> None:
    """One call, and the whole message in the exception's text."""
    message, headers = refused(error)
    assert message.startswith(f"wirecache is offline and has no stored answer for {method} {provider.url}/")
    assert "WIRECACHE_MODE" in message
    assert message in str(error)
    assert headers["cache-status"].startswith("wirecache; fwd=miss; ")
    assert headers["x-should-retry"] == "false"
    assert (cache.stats.misses, cache.stats.hits, cache.stats.bypassed) == (1, 0, 0)


@each_sdk
def test_a_miss_costs_one_call_and_shows_the_whole_message(sdk: Sdk, provider: Provider, store: Path) -> None:
    provider.close()
    with Cache(store, mode="offline") as cache, sdk.client(cache, provider.url) as client:
        with no_sockets() as opened, pytest.raises(sdk.error) as raised:
            sdk.ask(client, "hello")
        check(raised.value, cache, provider)
        assert opened == []


@each_sdk
def test_a_miss_costs_one_call_and_shows_the_whole_message_under_async(sdk: Sdk, provider: Provider, store: Path) -> None:
    async def main(cache: Cache) -> None:
        async with sdk.async_client(cache, provider.url) as client:
            with pytest.raises(sdk.error) as raised:
                await sdk.ask_async(client, "hello")
            check(raised.value, cache, provider)

    provider.close()
    with Cache(store, mode="offline") as cache, no_sockets() as opened:
        asyncio.run(main(cache))
    assert opened == []


@each_sdk
def test_a_stream_is_refused_in_the_same_way(sdk: Sdk, provider: Provider, store: Path) -> None:
    provider.close()
    with Cache(store, mode="offline") as cache, sdk.client(cache, provider.url) as client:
        with no_sockets() as opened, pytest.raises(sdk.error) as raised:
            list(sdk.stream(client, "hello"))
        message, _ = refused(raised.value)
        assert "it asks for a stream" in message
        assert message in str(raised.value)
        assert cache.stats.misses == 1
        assert opened == []


@each_sdk
def test_a_get_is_refused_in_the_same_way(sdk: Sdk, provider: Provider, store: Path) -> None:
    with Cache(store) as cache, sdk.client(cache, provider.url) as client:
        sdk.models(client)
    provider.close()
    with Cache(store, mode="offline") as cache, sdk.client(cache, provider.url) as client:
        with no_sockets() as opened, pytest.raises(sdk.error) as raised:
            sdk.models(client)
        message, _ = refused(raised.value)
        assert message.startswith("wirecache is offline ")
        assert cache.stats.misses == 1
        assert opened == []


@each_sdk
def test_a_hit_needs_no_provider(sdk: Sdk, provider: Provider, store: Path) -> None:
    async def by_async_client(cache: Cache) -> Any:
        async with sdk.async_client(cache, provider.url) as client:
            return await sdk.ask_async(client, "hello")

    with Cache(store) as cache, sdk.client(cache, provider.url) as client:
        live = sdk.ask(client, "hello")
    provider.close()
    with Cache(store, mode="offline") as cache, no_sockets() as opened:
        with sdk.client(cache, provider.url) as client:
            assert sdk.parsed(sdk.ask(client, "hello")) == sdk.parsed(live)
        assert sdk.parsed(asyncio.run(by_async_client(cache))) == sdk.parsed(live)
        assert (cache.stats.hits, cache.stats.misses) == (2, 0)
    assert opened == []


@each_sdk
def test_a_hit_in_auto_mode_needs_no_provider_either(sdk: Sdk, provider: Provider, store: Path) -> None:
    with Cache(store) as cache, sdk.client(cache, provider.url) as client:
        live = sdk.ask(client, "hello")
    provider.close()
    with Cache(store) as cache, sdk.client(cache, provider.url) as client, no_sockets() as opened:
        assert sdk.parsed(sdk.ask(client, "hello")) == sdk.parsed(live)
    assert opened == []


def test_the_ban_on_sockets_sees_what_a_live_call_does(provider: Provider, store: Path) -> None:
    async def main(cache: Cache) -> None:
        async with OPENAI.async_client(cache, provider.url) as client:
            with pytest.raises((SocketOpened, BaseExceptionGroup)):  # anyio connects in a task group
                await OPENAI.ask_async(client, "hello")

    with Cache(store) as cache:
        with OPENAI.client(cache, provider.url) as client, no_sockets() as opened:
            with pytest.raises(SocketOpened):
                OPENAI.ask(client, "hello")
            assert len(opened) == 1
        with no_sockets() as opened:
            asyncio.run(main(cache))
            assert opened
    assert provider.calls == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.files.create(file=("a.jsonl", b"{}"), purpose="batch"),
        lambda client: client.batches.create(input_file_id="f", endpoint="/v1/responses", completion_window="24h"),
        lambda client: client.responses.create(model="m", input="hello", background=True),
        lambda client: client.responses.retrieve("resp_1"),
        lambda client: client.responses.delete("resp_1"),
    ],
    ids=["files", "batches", "background", "retrieve", "delete"],
)
def test_nothing_leaves_offline(call: Callable[[Any], Any], provider: Provider, store: Path) -> None:
    with Cache(store, mode="offline") as cache, OPENAI.client(cache, provider.url) as client:
        with pytest.raises(OPENAI.error) as raised:
            call(client)
        assert refused(raised.value)[0] in str(raised.value)
        assert cache.stats.misses == 1
    assert provider.calls == 0


def test_a_key_in_the_query_is_not_in_the_message(provider: Provider, store: Path) -> None:
    with Cache(store, mode="offline") as cache, OPENAI.client(cache, provider.url) as client:
        with pytest.raises(OPENAI.error) as raised:
            client.with_options(default_query={"api_key": "s3cret", "v": "1"}).embeddings.create(model="m", input="hello")
        assert "s3cret" not in json.dumps(raised.value.body) + str(raised.value)
        assert "v=1" in str(raised.value)
