"""An upstream of which it can be said what it answers to a prompt, and so whether an answer is the right one."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import httpx

from tests.faces.ask import chat
from tests.stores.upstream import URL, Chunks, question
from wirecache import Cache
from wirecache.httpx import CacheTransport

__all__ = ["ask", "client", "is_right", "right"]


def right(prompt: str) -> bytes:
    """Return the answer to the prompt; ``large`` ones have 100 KB."""
    text = sha256(prompt.encode()).hexdigest()
    return json.dumps(chat(f"{prompt}: {text * (1500 if prompt.startswith('large') else 20)}")).encode()


def is_right(body: bytes) -> bool:
    """Return whether it is the whole answer to a prompt."""
    try:
        return body == right(json.loads(body)["choices"][0]["message"]["content"].partition(":")[0])
    except (ValueError, LookupError):
        return False


def _answer(request: httpx.Request) -> httpx.Response:
    body = right(json.loads(request.content)["messages"][0]["content"])
    return httpx.Response(200, headers={"content-type": "application/json", "content-length": str(len(body))}, stream=Chunks(body))


def client(cache: Cache) -> httpx.Client:
    return httpx.Client(transport=CacheTransport(cache, httpx.MockTransport(_answer)))


def ask(cache: Cache, prompt: str) -> Any:
    """Ask, and check the answer; return what the cache did."""
    reply = client(cache).post(URL, json=question(prompt))
    assert (reply.status_code, reply.content) == (200, right(prompt)), prompt
    return reply.extensions["wirecache"]
