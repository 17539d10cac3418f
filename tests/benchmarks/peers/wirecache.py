"""wirecache on each of its stores, and a cassette, under both HTTP libraries."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import httpx2

import wirecache
from tests.benchmarks.peers.contestant import Contestant, Place, through_openai
from tests.benchmarks.peers.sqlite import copied_rows
from tests.benchmarks.peers.upstream import canned
from wirecache import Cache, Cassette
from wirecache.stores import DiskStore, MemoryStore, RedisStore, TieredStore


def contestants(place: Place) -> Iterator[Contestant]:
    for library in (httpx, httpx2):
        name = library.__name__
        for kind, store in _stores(place, name).items():
            yield _contestant(
                f"wirecache, {kind}, {name}", Cache(store, streams="record"), library, **(_growth(store) if library is httpx else {})
            )
        yield _of_cassette(place.folder / f"cassette-{name}", library)


def _contestant(name: str, cache: Any, library: Any, **more: Any) -> Contestant:
    http = wirecache.cached_client(cache, library=library.__name__, transport=canned(library))
    async_http = wirecache.cached_async_client(cache, library=library.__name__, transport=canned(library))
    return through_openai(name, "transport", http, async_http, library=library.__name__, **more)


def _of_cassette(path: Path, library: Any) -> Contestant:
    """Return the contestant that replays from a cassette what was recorded to it before."""
    transports = importlib.import_module(f"wirecache.{library.__name__}")
    http, async_http = library.Client(), library.AsyncClient()

    def rehearse(action: Callable[[str], Any], prompt: str, times: int) -> None:
        http._transport = transports.CacheTransport(Cassette(path, "new_episodes"), canned(library))
        action(prompt)
        http._transport = transports.CacheTransport(Cassette(path), canned(library))
        async_http._transport = transports.AsyncCacheTransport(Cassette(path), canned(library))

    name = f"wirecache, cassette, {library.__name__}"
    return through_openai(name, "transport", http, async_http, library=library.__name__, rehearse=rehearse, misses=False)


def _stores(place: Place, name: str) -> dict[str, Any]:
    stores: dict[str, Any] = {
        "memory": MemoryStore(max_entries=2_000_000, max_bytes="8GB"),
        "disk": DiskStore(place.folder / f"disk-{name}", size_limit="60GB"),
    }
    for kind, url in place.redis.items():
        stores[f"Redis ({kind})"] = RedisStore(url, prefix=f"{name} {kind}:")
    tiers = [MemoryStore(), DiskStore(place.folder / f"tiers-{name}")]
    stores["memory over disk"] = TieredStore(tiers)
    return stores


def _growth(store: Any) -> dict[str, Any]:
    if isinstance(store, MemoryStore):

        def in_memory(count: int) -> None:
            value = store.get(next(iter(store.keys()))) or b""
            for number in range(count):
                store.set(f"{number:064x}", value, ttl=None)

        return {"grow": in_memory, "largest": 1_000_000}
    if isinstance(store, DiskStore):

        def on_disk(count: int) -> None:
            with closing(sqlite3.connect(store.path / "cache.db", timeout=60)) as database, database:
                copied_rows(database, "Cache", "key", count)

        return {"grow": on_disk, "largest": 1_000_000}
    return {}
