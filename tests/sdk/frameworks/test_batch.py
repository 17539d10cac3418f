"""LangChain's ``batch`` and ``abatch`` with duplicates: as many calls go out as there are distinct prompts."""

from __future__ import annotations

import asyncio

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI

from tests.provider import Provider
from tests.sdk.matrix.bodies import TEXT, script
from wirecache import Cache, attach, cached_async_client, cached_client, detach

PROMPTS = [f"prompt {number % 37}" for number in range(300)]
DISTINCT = 37

# LangChain leaves its connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


def test_batch_by_parameter(provider: Provider, cache: Cache) -> None:
    async def main() -> list[str]:
        async with cached_async_client(cache) as http:
            model = ChatOpenAI(model="m", base_url=f"{provider.url}/v1", api_key="k", http_async_client=http)
            return [answer.content for answer in await model.abatch(PROMPTS, config={"max_concurrency": 32})]

    provider.script = script
    provider.delay = 0.005
    with cached_client(cache) as http:
        model = ChatOpenAI(model="m", base_url=f"{provider.url}/v1", api_key="k", http_client=http)
        answers = model.batch(PROMPTS, config={"max_concurrency": 16})
    assert [answer.content for answer in answers] == [TEXT] * 300
    assert provider.calls == DISTINCT
    assert asyncio.run(main()) == [TEXT] * 300
    assert provider.calls == DISTINCT


def test_batch_attached(provider: Provider, cache: Cache) -> None:
    provider.script = script
    provider.delay = 0.005
    model = attach(ChatAnthropic(model="m", base_url=provider.url, api_key="k"), cache)
    answers = model.batch(PROMPTS, config={"max_concurrency": 16})
    assert [answer.content for answer in answers] == [TEXT] * 300
    assert provider.calls == DISTINCT
    detach(model)
