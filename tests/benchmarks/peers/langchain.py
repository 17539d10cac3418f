"""LangChain's cache of chat models: a hit does not reach the SDK. It does not serve ``stream``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
from langchain_community.cache import SQLiteCache
from langchain_core.caches import InMemoryCache
from langchain_openai import ChatOpenAI

from tests.benchmarks.peers.contestant import URL, Contestant, Place
from tests.benchmarks.peers.sqlite import copied_rows
from tests.benchmarks.peers.upstream import canned


def contestants(place: Place) -> Iterator[Contestant]:
    yield _contestant("LangChain, no cache", False)
    yield _contestant("LangChain, memory", InMemoryCache())
    path = place.folder / "langchain.db"

    def grow(count: int) -> None:
        with closing(sqlite3.connect(path, timeout=60)) as database, database:
            copied_rows(database, "full_llm_cache", "prompt", count)

    yield _contestant("LangChain, SQLite", SQLiteCache(str(path)), grow=grow, largest=1_000_000)


def _contestant(name: str, cache: Any, **more: Any) -> Contestant:
    http, async_http = httpx.Client(transport=canned(httpx)), httpx.AsyncClient(transport=canned(httpx))
    model = ChatOpenAI(model="m", api_key="k", base_url=URL, http_client=http, http_async_client=async_http, temperature=0.5, cache=cache)  # type: ignore[arg-type]
    return Contestant(
        name, "SDK call", ask=model.invoke, ask_async=model.ainvoke, plain="LangChain, no cache", is_cache=cache is not False, **more
    )
