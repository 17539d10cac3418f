"""A batch with duplicates, a thousand prompts by gather and a semaphore: as many calls go out as there are distinct prompts."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.provider import Answer, Provider, ReceivedRequest
from tests.sdk.table import ANTHROPIC, GENAI, GROQ, OPENAI, Sdk
from tests.sdk.wire import no_sockets
from wirecache import Cache

PROMPTS = [f"prompt {number % 137}" for number in range(1000)]
random.Random(7).shuffle(PROMPTS)


def ask_all(sdk: Sdk, cache: Cache, url: str, prompts: list[str], at_once: int) -> list[str]:
    """What the model said to each."""

    async def main() -> list[str]:
        semaphore = asyncio.Semaphore(at_once)
        async with sdk.async_client(cache, url) as client:

            async def one(prompt: str) -> str:
                async with semaphore:
                    return sdk.text(await sdk.ask_async(client, prompt))

            return await asyncio.gather(*(one(prompt) for prompt in prompts))

    return asyncio.run(main())


@pytest.mark.parametrize(("sdk", "count"), [(OPENAI, 1000), (GROQ, 200), (ANTHROPIC, 200), (GENAI, 200)], ids=str)
def test_a_thousand_prompts(sdk: Sdk, count: int, provider: Provider, cache: Cache) -> None:
    """One SDK asks a thousand, the others a part of them."""
    prompts = PROMPTS[:count]
    distinct = len(set(prompts))

    def echo(request: ReceivedRequest) -> Answer:
        prompt = next(prompt for prompt in (f"prompt {n}" for n in range(200)) if f'"{prompt}"' in request.body.decode())
        return Answer.of(sdk.answer(f"to {prompt}"))

    provider.script = echo
    provider.delay = 0.005
    expected = [f"to {prompt}" for prompt in prompts]
    assert ask_all(sdk, cache, provider.url, prompts, 16) == expected
    assert provider.calls == distinct
    with no_sockets() as tried:
        assert ask_all(sdk, cache, provider.url, prompts, 200) == expected
    assert (tried, provider.calls) == ([], distinct)
    assert cache.stats.stored == distinct
