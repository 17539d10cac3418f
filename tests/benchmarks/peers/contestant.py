"""What is measured: a way to ask, with one cache or recorder, or none, at the layer where it sits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import openai

URL = "http://127.0.0.1:9/v1"
Layer = Literal["none", "transport", "SDK call", "function", "HTTP, no SDK", "transport, GET only"]


@dataclass(frozen=True)
class Place:
    """Where contestants keep what they store, and what is undone at the end."""

    folder: Path
    exits: ExitStack
    redis: dict[str, str] = field(default_factory=dict)  # "socket" and "TCP": their URLs; none without a redis-server


@dataclass(frozen=True)
class Contestant:
    """One way to ask. What it cannot do is None; each function takes a prompt and returns when the whole answer is there.

    ``library``: whose floor is its floor. ``plain``: the name of the same way without its cache. ``grow``: fills what it keeps with so
    many entries, at most ``largest``. ``rehearse``: called with a function, a prompt and how often it will be asked, for a recorder
    that replays a recording once. ``misses=False``: a miss is not what it is for. ``is_cache=False``: nothing is kept, every call is sent.
    """

    name: str
    layer: Layer
    library: str = "httpx"
    ask: Callable[[str], Any] | None = None
    ask_async: Callable[[str], Awaitable[Any]] | None = None
    embed: Callable[[str], Any] | None = None
    stream: Callable[[str], Any] | None = None
    plain: str = ""
    grow: Callable[[int], None] | None = None
    largest: int = 0
    rehearse: Callable[[Callable[[str], Any], str, int], None] | None = None
    misses: bool = True
    is_cache: bool = True


def messages(prompt: str) -> list[Any]:
    return [{"role": "user", "content": prompt}]


def through_openai(name: str, layer: Layer, http: Any = None, async_http: Any = None, **more: Any) -> Contestant:
    """Return the contestant that asks through the OpenAI SDK on these clients."""
    sdk = openai.OpenAI(api_key="k", base_url=URL, http_client=http, max_retries=0)

    def ask(prompt: str) -> Any:
        return sdk.chat.completions.create(model="m", messages=messages(prompt), temperature=0.5)

    def embed(prompt: str) -> Any:
        return sdk.embeddings.create(model="m", input=prompt, encoding_format="base64")

    def stream(prompt: str) -> None:  # not the prompt of ``ask``: agentrec would answer one with the other
        for _ in sdk.chat.completions.create(model="m", messages=messages(f"stream {prompt}"), temperature=0.5, stream=True):
            pass

    if async_http is None:
        return Contestant(name, layer, **{"ask": ask, "embed": embed, "stream": stream, **more})
    async_sdk = openai.AsyncOpenAI(api_key="k", base_url=URL, http_client=async_http, max_retries=0)

    async def ask_async(prompt: str) -> Any:
        return await async_sdk.chat.completions.create(model="m", messages=messages(prompt), temperature=0.5)

    return Contestant(name, layer, **{"ask": ask, "ask_async": ask_async, "embed": embed, "stream": stream, **more})
