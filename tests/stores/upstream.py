"""An upstream in this process: it counts its calls, and its bodies come in chunks, as those of a network do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from tests.provider import CHAT
from wirecache import Cache
from wirecache.httpx import AsyncCacheTransport, CacheTransport

__all__ = ["URL", "Chunks", "Model"]

URL = "https://api.example/v1/chat/completions"


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in two pieces, as those of a network do."""

    def __init__(self, body: bytes) -> None:
        self._parts = [body[:100], body[100:]]

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


class Model:
    """Answers each chat with its own number, so that a test sees which call an answer is from."""

    def __init__(self, **headers: str) -> None:
        self.calls = 0
        self.headers = {"content-type": "application/json", **headers}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        body = json.dumps({**CHAT, "id": f"chatcmpl-{self.calls}"}).encode()
        return httpx.Response(200, headers={**self.headers, "content-length": str(len(body))}, stream=Chunks(body))

    def client(self, cache: Cache, **options: Any) -> httpx.Client:
        return httpx.Client(transport=CacheTransport(cache, httpx.MockTransport(self)), **options)

    def async_client(self, cache: Cache) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=AsyncCacheTransport(cache, httpx.MockTransport(self)))

    def ask(self, cache: Cache, prompt: str = "hi", size: int = 0) -> httpx.Response:
        """One call; ``size``: bytes that are added to the request, and so to the entry."""
        return self.client(cache).post(URL, json=question(prompt, size))


def question(prompt: str, size: int = 0) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": prompt + "x" * size}]}
