"""LiteLLM's cache: under its ``completion``. It is one for the process, and set before each call. It has none on disk any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import litellm
import openai
from litellm.caching.caching import Cache

from tests.benchmarks.peers.contestant import URL, Contestant, Place, messages
from tests.benchmarks.peers.upstream import canned


def contestants(place: Place) -> Iterator[Contestant]:
    litellm.suppress_debug_info = True
    yield _contestant("LiteLLM, no cache", None)
    yield _contestant("LiteLLM, memory", Cache(type="local"))  # type: ignore[arg-type]
    if "TCP" in place.redis:
        server = urlsplit(place.redis["TCP"])
        yield _contestant("LiteLLM, Redis (TCP)", Cache(type="redis", host=server.hostname, port=str(server.port)))  # type: ignore[arg-type]


def _contestant(name: str, cache: Cache | None) -> Contestant:
    client = openai.OpenAI(api_key="k", base_url=URL, http_client=httpx.Client(transport=canned(httpx)))
    async_client = openai.AsyncOpenAI(api_key="k", base_url=URL, http_client=httpx.AsyncClient(transport=canned(httpx)))
    options: dict[str, Any] = {"model": "openai/m", "temperature": 0.5, "api_base": URL, "api_key": "k", "caching": cache is not None}

    def ask(prompt: str) -> Any:
        litellm.cache = cache
        return litellm.completion(messages=messages(prompt), client=client, **options)

    async def ask_async(prompt: str) -> Any:
        litellm.cache = cache
        return await litellm.acompletion(messages=messages(prompt), client=async_client, **options)

    return Contestant(name, "SDK call", ask=ask, ask_async=ask_async, plain="LiteLLM, no cache", is_cache=cache is not None)
