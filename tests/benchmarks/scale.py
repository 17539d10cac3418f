"""Does it stay fast when there is a lot? ``make bench-scale`` fills a store with 1,000,000 entries of 2 KB, and more.

Opening, hits, misses, ``ls``, ``stats`` and ``prune`` of that store, the size limit at work on it; a day's statistics; 16 processes that
read and write; 1,000 concurrent misses with an upstream of 500 ms, beside a plain client; a cassette of 5,000. Each line is printed when
it is there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

import wirecache
from tests.benchmarks import cassette, disk_writers
from tests.benchmarks.transport import BODY, HEADERS, canned
from wirecache import Cache
from wirecache._core.codec import decode, encode
from wirecache.stores import DiskStore

URL = "https://api.openai.com/v1/chat/completions"
SECONDS_UPSTREAM = 0.5
TICK = 0.005  # seconds between two looks at the event loop


def body(number: int) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Question {number}: " + "why ask twice? " * 20}]}


def filled(path: Path, count: int) -> None:
    """Make a store with so many entries: one that a call stored, under other keys."""
    with (
        Cache(DiskStore(path, size_limit="1TB")) as cache,
        wirecache.cached_client(cache, library="httpx", transport=canned(httpx)) as http,
    ):
        http.post(URL, json=body(0))
    with closing(sqlite3.connect(path / "cache.db")) as database, database:
        names = [row[1] for row in database.execute("PRAGMA table_info(Cache)")]
        row = dict(zip(names, database.execute("SELECT * FROM Cache").fetchone(), strict=True))
        entry = decode(row["key"], row["value"])
        statement = f"INSERT INTO Cache ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"
        database.executemany(statement, _rows(row, entry, count))
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a store that grew by single writes has no journal of its own size


def _rows(row: dict[str, Any], entry: Any, count: int) -> Iterator[dict[str, Any]]:
    for _ in range(count - 1):
        key = os.urandom(32).hex()
        yield {**row, "rowid": None, "key": key, "value": encode(entry._replace(key=key))}


def timed(action: Callable[[], Any]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def of_the_store(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what calls take on it."""
    cache = Cache(DiskStore(path, size_limit="1TB"))
    http = wirecache.cached_client(cache, library="httpx", transport=canned(httpx))
    yield "opening and the first hit", f"{timed(lambda: http.post(URL, json=body(0))) * 1e3:.1f} ms"
    hits = [timed(lambda: http.post(URL, json=body(0))) for _ in range(500)]
    yield "a hit, with httpx's own time", f"{statistics.median(hits) * 1e6:.0f} µs"
    misses = [timed(lambda number=number: http.post(URL, json=body(number))) for number in range(1, 301)]  # type: ignore[misc]
    yield "a miss, likewise", f"{statistics.median(misses) * 1e6:.0f} µs, worst {max(misses) * 1e3:.0f} ms"
    http.close()
    cache.close()
    for command in ("ls", "stats", "prune"):
        line = [sys.executable, "-m", "wirecache", command, "--store", str(path)]
        yield f"wirecache {command}", f"{timed(lambda line=line: subprocess.run(line, check=True, capture_output=True)):.2f} s"  # type: ignore[misc]


def of_the_limit(path: Path, gigabytes: float) -> tuple[str, str]:
    """Return what a write takes while the store is above its limit, so that each deletes others."""
    store = DiskStore(path, size_limit=int(gigabytes * 1e9))
    taken = [timed(lambda number=number: store.set(f"{number:064x}", BODY, ttl=None)) for number in range(200)]  # type: ignore[misc]
    return "a write above the size limit", f"{statistics.median(taken) * 1e3:.2f} ms, worst {max(taken) * 1e3:.0f} ms"


def of_a_day(path: Path) -> list[tuple[str, str]]:
    """Return what a day's statistics take that as many models and namespaces made as are counted apart."""
    today = int(time.time()) // 86_400
    labels = [(f"gpt-{model}", f"team-{namespace}") for model in range(50) for namespace in range(20)]
    lines = [
        (today, "api.openai.com", "chat", *label, 0, name, 10.0)
        for label in labels
        for name in ("hits", "misses", "stored", "seconds_saved")
    ]
    store = DiskStore(path)
    adding = timed(lambda: store.add_history(lines))
    command = [sys.executable, "-m", "wirecache", "stats", "--store", str(path)]
    reading = timed(lambda: subprocess.run(command, check=True, capture_output=True))
    store.close()
    return [("a day's statistics, added", f"{adding * 1e3:.0f} ms"), ("wirecache stats of that day", f"{reading:.2f} s")]


async def at_once(client: httpx.AsyncClient, count: int, first: int) -> tuple[float, float]:
    """Return the seconds of so many concurrent calls, and the longest gap of the event loop."""
    gaps = [0.0]

    async def watch() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK)
            now = time.perf_counter()
            gaps.append(now - last - TICK)
            last = now

    watcher = asyncio.create_task(watch())
    started = time.perf_counter()
    await asyncio.gather(*(client.post(URL, json=body(first + number)) for number in range(count)))
    seconds = time.perf_counter() - started
    watcher.cancel()
    return seconds, max(gaps)


async def concurrent_misses(folder: Path, count: int) -> list[tuple[str, str]]:
    async def answer(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(SECONDS_UPSTREAM)
        return httpx.Response(200, headers=HEADERS, content=BODY)

    lines = []
    cache = Cache(folder / "concurrent")
    clients = {
        "a plain client": httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        "the cache": wirecache.cached_async_client(cache, library="httpx", transport=httpx.MockTransport(answer)),
    }
    for name, client in clients.items():
        async with client:
            runs = [await at_once(client, count, run * count) for run in range(3)]
        seconds, gap = statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)
        lines.append(
            (f"{count} concurrent misses, {name}", f"{seconds:.2f} s ({count / seconds:.0f} a second), longest gap {gap * 1e3:.0f} ms")
        )
    assert cache.stats.stored + cache.stats.misses >= count
    await cache.aclose()
    return lines


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--recordings", type=int, default=5_000, help="of the cassette")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        store = folder / "store"
        print(f"{options.entries:,} entries of 2 KB")
        show(
            "filling",
            f"{timed(lambda: filled(store, options.entries)):.0f} s, {sum(p.stat().st_size for p in store.iterdir()) / 1e9:.2f} GB",
        )
        for line in of_the_store(store):
            show(*line)
        show(*of_the_limit(store, options.entries * 1e-6))
        for line in of_a_day(folder / "day"):
            show(*line)
        for line in asyncio.run(concurrent_misses(folder, 1000)):
            show(*line)
        for line in cassette.run(options.recordings):
            show(*line)
    disk_writers.main(2.0, (16,))


def show(what: str, result: str) -> None:
    print(f"{what:44} {result}", flush=True)


if __name__ == "__main__":
    main()
