"""Real SDKs whose lists of texts are looked up text by text: what they send is of a shape that is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google import genai
from google.genai.types import EmbedContentConfig, HttpOptions
from mistralai.client import Mistral
from openai import OpenAI

from tests.embedder import Embedder, vector
from tests.provider import Provider
from wirecache import Cache, MemoryStore, cached_client

Embed = Callable[[list[str]], list[Any]]


def openai(url: str, client: Any) -> Embed:
    sdk = OpenAI(http_client=client, base_url=f"{url}/v1", api_key="sk-example")
    return lambda texts: [item.embedding for item in sdk.embeddings.create(model="m", input=texts, dimensions=3, user="u").data]


def mistral(url: str, client: Any) -> Embed:
    sdk = Mistral(api_key="example", server_url=url, client=client)
    return lambda texts: [item.embedding for item in sdk.embeddings.create(model="m", inputs=texts, output_dimension=3).data]


def gemini(url: str, client: Any) -> Embed:
    sdk = genai.Client(api_key="example", http_options=HttpOptions(base_url=url, httpx_client=client))
    config = EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT", output_dimensionality=3, title="t")

    def embed(texts: list[str]) -> list[Any]:
        contents: Any = texts
        return [item.values for item in sdk.models.embed_content(model="m", contents=contents, config=config).embeddings or []]

    return embed


@pytest.fixture
def cache() -> Iterator[Cache]:
    """A cache that looks up text by text."""
    with Cache(MemoryStore(), embeddings="items") as made:
        yield made


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients of the SDKs' own, never used
@pytest.mark.parametrize("sdk", [openai, mistral, gemini])
def test_only_what_is_missing_is_sent(provider: Provider, cache: Cache, sdk: Callable[[str, Any], Embed]) -> None:
    provider.script = embedder = Embedder()
    client = cached_client(cache)
    embed = sdk(provider.url, client)
    first = embed(["a", "b"])
    second = embed(["c", "b", "a", "c"])
    assert [len(request) for request in embedder.requested] == [2, 1]
    assert (second[1], second[2], second[3]) == (first[1], first[0], second[0])
    if sdk is mistral:
        assert first == [json.loads(vector(text)) for text in "ab"]
    assert embed(["b", "c"]) == second[1::-1]
    assert provider.calls == 2
    client.close()
