"""hishel 2 under the OpenAI SDK. It never answers a POST, so what is measured is a GET: ``models.retrieve``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import openai
from hishel import SqliteStorage
from hishel.httpx import CacheTransport

from tests.benchmarks.peers.contestant import URL, Contestant, Layer, Place
from tests.benchmarks.peers.upstream import canned

GET: Layer = "transport, GET only"


def contestants(place: Place) -> Iterator[Contestant]:
    yield _contestant("GET, no cache", httpx.Client(transport=canned(httpx)), is_cache=False)
    storage = SqliteStorage(database_path=place.folder / "hishel.db")
    yield _contestant("hishel, SQLite", httpx.Client(transport=CacheTransport(canned(httpx), storage)))


def _contestant(name: str, http: httpx.Client, **more: Any) -> Contestant:
    sdk = openai.OpenAI(api_key="k", base_url=URL, http_client=http)

    def ask(prompt: str) -> Any:
        return sdk.models.retrieve(prompt[:40])

    return Contestant(name, GET, ask=ask, plain="GET, no cache", misses=False, **more)
