"""``attach`` and ``install`` where aiohttp is installed: LiteLLM, whose async transport it is, and google-genai, which prefers it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else its import asks a host for prices

import aiohttp
import litellm
import openai
import pytest
from google import genai
from google.genai.types import HttpOptions

import wirecache
from tests.clients.row import How, Row, check, each_way
from tests.provider import Provider
from wirecache import Cache, attach, detach
from wirecache._clients.frameworks import LITELLM_FACTORIES

# Both warn of much, and leave their connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True, scope="module")
def no_connections_for_other_tests() -> Iterator[None]:
    """Leave none to be collected in the middle of a test of another module."""
    yield
    litellm.in_memory_llm_clients_cache.flush_cache()
    for _ in range(2):
        gc.collect()


MESSAGES = [{"role": "user", "content": "hi"}]


def _module(_: Any) -> Any:
    return litellm


def _litellm(model: str, base: str = "{}") -> Row:
    return Row(
        f"litellm-{model}",
        lambda url: {"model": model, "messages": MESSAGES, "api_key": "k", "api_base": base.format(url)},
        lambda call: litellm.completion(**call),
        lambda call: litellm.acompletion(**call),
        _module,
    )


LITELLM = [
    _litellm("openai/m", "{}/v1"),
    _litellm("anthropic/m"),
    _litellm("mistral/m", "{}/v1"),
    _litellm("gemini/m", "{}/v1beta"),
    Row(
        "litellm-embedding",
        lambda url: {"model": "openai/m", "input": ["hi"], "api_key": "k", "api_base": f"{url}/v1"},
        lambda call: litellm.embedding(**call),
        lambda call: litellm.aembedding(**call),
        _module,
    ),
    Row(
        "litellm-router",
        lambda url: litellm.Router([{"model_name": "a", "litellm_params": {"model": "openai/m", "api_key": "k", "api_base": f"{url}/v1"}}]),
        lambda router: router.completion(model="a", messages=MESSAGES),
        lambda router: router.acompletion(model="a", messages=MESSAGES),
    ),
]
OTHERS = [
    Row(
        "google-genai-on-aiohttp",
        lambda url: genai.Client(api_key="k", http_options=HttpOptions(base_url=url)),
        lambda client: client.models.generate_content(model="m", contents="hi"),
        lambda client: client.aio.models.generate_content(model="m", contents="hi"),
    ),
    Row(
        "openai",
        lambda url: openai.OpenAI(api_key="k", base_url=f"{url}/v1"),
        lambda client: client.chat.completions.create(model="m", messages=MESSAGES),
    ),
    Row(
        "openai-async",
        lambda url: openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1"),
        ask_async=lambda client: client.chat.completions.create(model="m", messages=MESSAGES),
    ),
]


@each_way
@pytest.mark.parametrize("row", [*LITELLM, *OTHERS], ids=str)
def test_a_framework(row: Row, how: How, provider: Provider, cache: Cache) -> None:
    check(row, how, provider, cache)


def test_litellms_clients_made_before_have_the_cache_too_and_detach_leaves_no_trace(provider: Provider, cache: Cache) -> None:
    import importlib

    call = {"model": "anthropic/m", "messages": MESSAGES, "api_key": "k", "api_base": provider.url}
    held = [(getattr(importlib.import_module(module), kind), name) for module, kind, name in LITELLM_FACTORIES]
    before = [id(vars(kind)[name]) for kind, name in held]
    litellm.completion(**call)
    attach(litellm, cache)
    for _ in range(2):
        litellm.completion(**call)
    assert (provider.calls, cache.stats.hits) == (2, 1)
    assert [id(vars(kind)[name]) for kind, name in held] != before
    detach(litellm)
    assert [id(vars(kind)[name]) for kind, name in held] == before
    litellm.completion(**call)
    assert (provider.calls, cache.stats.hits) == (3, 1)


@each_way
def test_what_goes_by_a_session_of_aiohttp_is_said_to_be_out_of_reach(
    how: How, provider: Provider, cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    import asyncio

    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            client = genai.Client(api_key="k", http_options=HttpOptions(base_url=provider.url, aiohttp_client=session))
            if how == "attach":
                with pytest.warns(UserWarning, match="uses aiohttp here, which an httpx cache cannot see"):
                    attach(client, cache)
            for _ in range(2):
                await client.aio.models.generate_content(model="m", contents="hi")
                client.models.generate_content(model="m", contents="hi")

    if how == "install":
        with wirecache.install(cache):
            asyncio.run(main())
        assert caplog.text.count("uses aiohttp here") == 1
    else:
        asyncio.run(main())
    assert provider.calls == 3  # the sync side is cached
    assert cache.stats.hits == 1
