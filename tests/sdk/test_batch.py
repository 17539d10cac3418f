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
DISTINCT = len(set(PROMPTS))


def ask_all(sdk: Sdk, cache: Cache, url: str, at_once: int) -> list[str]:
    """What the model said to each."""

    async def main() -> list[str]:
        semaphore = asyncio.Semaphore(at_once)
        async with sdk.async_client(cache, url) as client:

            async def one(prompt: str) -> str:
                async with semaphore:
                    return sdk.text(await sdk.ask_async(client, prompt))

            return await asyncio.gather(*(one(prompt) for prompt in PROMPTS))

    return asyncio.run(main())


@pytest.mark.parametrize("sdk", [OPENAI, ANTHROPIC, GROQ, GENAI], ids=str)
def test_a_thousand_prompts(sdk: Sdk, provider: Provider, cache: Cache) -> None:
    def echo(request: ReceivedRequest) -> Answer:
        prompt = next(prompt for prompt in (f"prompt {n}" for n in range(200)) if f'"{prompt}"' in request.body.decode())
        return Answer.of(sdk.answer(f"to {prompt}"))

    provider.script = echo
    provider.delay = 0.005
    expected = [f"to {prompt}" for prompt in PROMPTS]
    assert ask_all(sdk, cache, provider.url, 16) == expected
    assert provider.calls == DISTINCT
    with no_sockets() as tried:
        assert ask_all(sdk, cache, provider.url, 200) == expected
    assert (tried, provider.calls) == ([], DISTINCT)
    assert cache.stats.stored == DISTINCT
