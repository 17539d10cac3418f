"""agentrec: a transport of httpx that records and replays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
from agentrec.store import FileStore, InMemoryStore
from agentrec.transport import AutoTransport, SyncAutoTransport

from tests.benchmarks.peers.contestant import Contestant, Place, through_openai
from tests.benchmarks.peers.upstream import canned


def contestants(place: Place) -> Iterator[Contestant]:
    stores: dict[str, Any] = {"memory": InMemoryStore(), "files": FileStore(str(place.folder / "agentrec"))}
    for kind, store in stores.items():
        http = httpx.Client(transport=SyncAutoTransport(canned(httpx), store))
        async_http = httpx.AsyncClient(transport=AutoTransport(canned(httpx), store))
        yield through_openai(f"agentrec, {kind}", "transport", http, async_http)
