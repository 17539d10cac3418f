"""``attach``: the clients of the real SDKs, made in their own way, get the cache in place, and are as they were after ``detach``."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import weakref
from typing import Any

import anyio
import httpx
import httpx2
import openai
import pytest

from tests.clients.own import own_async_client, own_client
from tests.faces.face import TLS
from tests.provider import Provider
from tests.sdk.table import ANTHROPIC, GENAI, GROQ, MISTRAL, OPENAI, SDKS, Sdk, chat_arguments
from tests.sdk.wire import STREAM, Gate, no_sockets
from wirecache import Cache, attach, cached_client, detach, install

SDK_ROWS = [OPENAI, ANTHROPIC, GROQ, GENAI, MISTRAL]
each_sdk = pytest.mark.parametrize("sdk", SDK_ROWS, ids=str)
LIBRARIES = [httpx, httpx2]
each_library = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)


def embed(client: Any, provider: Provider, text: str = "hi") -> Any:
    return client.post(f"{provider.url}/v1/embeddings", json={"model": "m", "input": text})


# -- each SDK ---------------------------------------------------------------------------------------------------------


@each_sdk
def test_an_sdks_own_client(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    with own_client(sdk, provider.url) as client:
        assert attach(client, cache) is client
        live = sdk.ask(client, "hello")
        with no_sockets():
            assert sdk.parsed(sdk.ask(client, "hello")) == sdk.parsed(live)
        gate = Gate(sdk.events)
        gate.open()
        provider.script = lambda request: gate.answer()
        assert "".join(sdk.stream(client, "hello")) == "".join(STREAM)
        provider.script = None
        assert (cache.stats.misses, cache.stats.hits, cache.stats.bypassed) == (1, 1, 1)
        detach(client)
        sdk.ask(client, "hello")
        assert (provider.calls, cache.stats.hits) == (3, 1)


@each_sdk
def test_an_sdks_own_async_client_under_several_event_loops(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    async def main() -> list[Any]:
        async with own_async_client(sdk, provider.url) as client:
            attach(client, cache)
            answers = [sdk.parsed(await sdk.ask_async(client, "hello")) for _ in range(2)]
            detach(client)
            calls = provider.calls
            await sdk.ask_async(client, "hello")
            assert provider.calls == calls + 1
            return answers

    first, second = asyncio.run(main())
    assert asyncio.run(main()) == [first, second] == [first, first]
    assert (cache.stats.misses, cache.stats.hits) == (1, 3)


@pytest.mark.parametrize("sdk", [GENAI, MISTRAL], ids=str)
def test_both_sides_of_one_client(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    async def main(client: Any) -> Any:
        return await sdk.ask_async(client, "hello")

    with own_client(sdk, provider.url) as client:
        attach(client, cache)
        assert sdk.parsed(sdk.ask(client, "hello")) == sdk.parsed(asyncio.run(main(client)))
        assert (provider.calls, cache.stats.hits) == (1, 1)


@each_sdk
def test_detach_leaves_no_trace(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    def state(client: Any) -> list[Any]:
        from wirecache._clients.discovery import discover

        return [(id(patch.target), {name: id(value) for name, value in vars(patch.target).items()}) for patch in discover(client).patches]

    with own_client(sdk, provider.url) as client:
        before = state(client)
        attach(client, cache)
        attach(client, cache)
        assert state(client) != before
        detach(client)
        assert state(client) == before
        detach(client)
        assert state(client) == before


@each_sdk
def test_the_sdks_own_options_are_kept(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    from wirecache._clients.discovery import discover

    with own_client(sdk, provider.url) as client:
        clients = [patch.target for patch in discover(client).patches if hasattr(patch.target, "_mounts")]
        before = [(http.timeout, http.follow_redirects, http._transport, dict(http._mounts), http.base_url, type(http)) for http in clients]
        attach(client, cache)
        assert [(h.timeout, h.follow_redirects, h._transport, dict(h._mounts), h.base_url, type(h)) for h in clients] == before
        assert before


def test_a_copy_of_the_sdks_client_shares_the_cache(provider: Provider, cache: Cache) -> None:
    with own_client(OPENAI, provider.url) as client:
        attach(client, cache)
        for each in (client, client.with_options(max_retries=0, timeout=5)):
            each.chat.completions.create(**chat_arguments("hi"))
        assert provider.calls == 1


# -- raw clients ------------------------------------------------------------------------------------------------------


@each_library
def test_a_raw_client_its_mounts_and_a_transport_replaced_later(library: Any, provider: Provider, cache: Cache) -> None:
    mounts = {"http://mounted": library.HTTPTransport(proxy=provider.url, verify=TLS)}
    with library.Client(verify=TLS, mounts=mounts) as client:
        attach(client, cache)
        for url in (provider.url, "http://mounted"):
            statuses = [client.post(f"{url}/v1/embeddings", json={}).extensions["wirecache"] for _ in range(2)]
            assert [status.hit for status in statuses] == [False, True]
        client._transport.close()
        client._transport = library.MockTransport(lambda request: library.Response(200, json={"data": []}))
        assert [embed(client, provider, "new").extensions["wirecache"].hit for _ in range(2)] == [False, True]
    assert provider.calls == 2


@each_library
def test_attaching_twice_changes_nothing_and_another_cache_needs_a_detach(library: Any, provider: Provider, cache: Cache) -> None:
    with library.Client(verify=TLS) as client, Cache(cache.store, namespace="other") as other:
        for _ in range(2):
            attach(client, cache)
        attach(client, other)
        assert embed(client, provider).extensions["wirecache"].fwd == "miss"
        assert (cache.stats.misses, other.stats.misses) == (1, 0)
        attach(detach(client), other)
        assert embed(client, provider).extensions["wirecache"].fwd == "miss"
        assert (cache.stats.misses, other.stats.misses) == (1, 1)


@each_library
def test_a_cached_client_keeps_its_cache(library: Any, provider: Provider, cache: Cache) -> None:
    with cached_client(cache, library=library.__name__, verify=TLS) as client, Cache(cache.store, namespace="other") as other:
        attach(client, other)
        response = embed(client, provider)
        assert response.headers["cache-status"].count("wirecache") == 1
        detach(client)
        assert embed(client, provider).extensions["wirecache"].hit
        assert other.stats == type(other.stats)()


@each_library
def test_attach_comes_before_install(library: Any, provider: Provider, cache: Cache) -> None:
    with library.Client(verify=TLS) as client, Cache(cache.store, namespace="other") as other:
        attach(client, cache)
        with install(other):
            assert "," not in embed(client, provider).headers["cache-status"]
        assert (cache.stats.misses, other.stats.misses) == (1, 0)
        with install(other):
            detach(client)
            assert embed(client, provider).extensions["wirecache"].fwd == "miss"
        assert other.stats.misses == 1


def test_without_a_cache_it_is_the_default_one(provider: Provider) -> None:
    with httpx.Client(verify=TLS) as client:
        attach(client)
        assert [embed(client, provider).extensions["wirecache"].hit for _ in range(2)] == [False, True]


def test_an_attached_client_ends_with_its_last_reference(cache: Cache) -> None:
    client = attach(httpx.Client(verify=TLS), cache)
    alive = weakref.ref(client)
    client.close()
    gc.disable()
    try:
        del client
        assert alive() is None
    finally:
        gc.enable()


# -- objects that hold clients ----------------------------------------------------------------------------------------


class Holder:
    """A user's class, with slots."""

    __slots__ = ("__dict__", "__weakref__", "_hidden", "never_set")

    def __init__(self, hidden: Any, **more: Any) -> None:
        self._hidden = hidden
        self.me = self
        vars(self).update(more)


@pytest.mark.parametrize("place", ["slot", "list", "dict", "deep", "method"])
def test_a_client_is_found_wherever_it_is(place: str, provider: Provider, cache: Cache) -> None:
    with httpx.Client(verify=TLS) as client:
        holders = {
            "slot": Holder(client),
            "list": Holder(None, clients=[{}, (client,)]),
            "dict": Holder(None, by_name={"a": client}),
            "deep": Holder(Holder(Holder(Holder(Holder(client))))),
            "method": Holder(None, call=client.post),
        }
        attach(holders[place], cache)
        assert [embed(client, provider).extensions["wirecache"].hit for _ in range(2)] == [False, True]


def test_a_large_object_is_looked_through_in_bounds(cache: Cache) -> None:
    with httpx.Client(verify=TLS) as client:
        attach(Holder(client, rows=[Holder(None) for _ in range(100_000)]), cache)
        assert "_transport_for_url" in vars(client)


def test_the_openai_module(provider: Provider, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "api_key", "k")
    monkeypatch.setattr(openai, "base_url", f"{provider.url}/v1")
    attach(openai, cache)
    try:
        for _ in range(2):
            openai.chat.completions.create(**chat_arguments("hi"))
        assert provider.calls == 1
    finally:
        detach(openai)
        openai._load_client().close()
        openai._reset_client()


@pytest.mark.parametrize(
    ("client", "message"),
    [
        pytest.param(object(), r"attach\(\) found no httpx or httpx2 client in this builtins.object; .*wirecache.install\(\)", id="object"),
        pytest.param(Holder(Holder(None)), r"in this tests.clients.test_attach.Holder; it looked at Holder\.", id="a holder of nothing"),
        pytest.param(openai.OpenAI, r"OpenAI is a class: attach\(OpenAI\(\.\.\.\)\)", id="a class"),
        pytest.param(sys, "in the module sys", id="a module"),
        pytest.param(None, "in this builtins.NoneType", id="None"),
    ],
)
def test_where_nothing_is_found_the_error_says_what_was_looked_at(client: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        attach(client)
    with contextlib.suppress(TypeError):
        detach(client)


def test_the_rows_are_all_the_sdks_of_the_table() -> None:
    assert {sdk.name for sdk in SDK_ROWS} == {sdk.name for sdk in SDKS} - {"openai-on-httpx"}


# -- event loops ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@each_library
def test_an_async_client_goes_on_under_the_next_event_loop(library: Any, backend: str, provider: Provider, cache: Cache) -> None:
    """A pool's connections die with their loop; a client that is not attached fails then, and the OpenAI SDK with it."""
    mounts = {"http://mounted": library.AsyncHTTPTransport(proxy=provider.url, verify=TLS)}
    client = attach(library.AsyncClient(verify=TLS, mounts=mounts), cache)

    async def ask(text: str) -> bool:
        for url in (provider.url, "http://mounted"):
            response = await client.post(f"{url}/v1/embeddings", json={"model": "m", "input": text})
        hit: bool = response.extensions["wirecache"].hit
        return hit

    assert [anyio.run(ask, text, backend=backend) for text in ("one", "two", "one", "three")] == [False, False, True, False]
    assert provider.calls == 6


def test_the_openai_sdk_goes_on_under_the_next_event_loop(provider: Provider, cache: Cache) -> None:
    client = attach(openai.AsyncOpenAI(api_key="k", base_url=f"{provider.url}/v1", max_retries=0), cache)

    async def ask(text: str) -> None:
        await client.chat.completions.create(**chat_arguments(text))

    for text in ("one", "two", "three"):
        asyncio.run(ask(text))
    assert provider.calls == 3


@each_library
@pytest.mark.usefixtures("only_new_garbage")
def test_detach_closes_nothing_that_is_in_use(library: Any, provider: Provider, cache: Cache) -> None:
    async def main() -> None:
        async with library.AsyncClient(verify=TLS) as client:
            attach(client, cache)
            await embed(client, provider)
            pool = client._transport._pool
            (kept,) = pool.connections
            detach(client)
            gc.collect()
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            assert pool.connections == [kept]
            assert kept.is_available()

    asyncio.run(main())
