"""instructor's own cache (1.9.1 and later): under its ``create``, which returns a model of Pydantic."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import instructor
import openai
import redis
from instructor.cache import AutoCache, BaseCache, DiskCache
from pydantic import BaseModel

from tests.benchmarks.peers.contestant import URL, Contestant, Place, messages
from tests.benchmarks.peers.sqlite import copied_rows
from tests.benchmarks.peers.upstream import canned


class Answer(BaseModel):
    text: str


class RedisCache(BaseCache):
    """As instructor's guide describes one; the package has none."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url)

    def get(self, key: str) -> Any:
        return value.decode() if (value := self.client.get(key)) else None  # type: ignore[union-attr]

    def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        self.client.set(key, value, ex=ttl)


def contestants(place: Place) -> Iterator[Contestant]:
    yield _contestant("instructor, no cache", None)
    yield _contestant("instructor, memory", AutoCache(maxsize=1_000_000))
    path = place.folder / "instructor"

    def grow(count: int) -> None:
        with closing(sqlite3.connect(path / "cache.db", timeout=60)) as database, database:
            copied_rows(database, "Cache", "key", count)

    yield _contestant("instructor, disk", DiskCache(str(path), size_limit=2**40), grow=grow, largest=1_000_000)
    if "socket" in place.redis:
        yield _contestant("instructor, Redis (socket)", RedisCache(place.redis["socket"]))


def _contestant(name: str, cache: BaseCache | None, **more: Any) -> Contestant:
    options = {"mode": instructor.Mode.JSON, **({} if cache is None else {"cache": cache})}
    client = instructor.from_openai(openai.OpenAI(api_key="k", base_url=URL, http_client=httpx.Client(transport=canned(httpx))), **options)
    async_http = httpx.AsyncClient(transport=canned(httpx))
    async_client = instructor.from_openai(openai.AsyncOpenAI(api_key="k", base_url=URL, http_client=async_http), **options)

    def ask(prompt: str) -> Any:
        return client.create(model="m", messages=messages(prompt), response_model=Answer, temperature=0.5)

    async def ask_async(prompt: str) -> Any:
        return await async_client.create(model="m", messages=messages(prompt), response_model=Answer, temperature=0.5)

    return Contestant(name, "SDK call", ask=ask, ask_async=ask_async, plain="instructor, no cache", is_cache=cache is not None, **more)
