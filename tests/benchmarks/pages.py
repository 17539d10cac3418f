"""How soon do the pages of ``wirecache ui`` answer when the store is large? And how soon is the first one there, and the index complete?

``python -m tests.benchmarks.pages [--entries 100000]``; the store is on disk, the pages are fetched over a socket.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.ui import sample
from tests.ui.server import Served, serve
from wirecache._core.messages import Entry
from wirecache._inspector.search_index import Order

MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-5-mini", "o4-mini")
WORDS = ("river", "cache", "token", "stream", "prompt", "answer", "model", "mountain", "ferry", "harbour", "window", "lantern", "orchard")
PAGES = {
    "list": "/",
    "list, page 1,000": "/?page=1000",
    "list, last page": "/?page=2000",
    **{f"sorted by {order}": f"/?sort={order}" for order in Order},
    "one model": "/?model=gpt-4o",
    "one model, stale": "/?model=gpt-4o&fresh=stale",
    "one model, fresh, by cost": "/?model=gpt-4o&fresh=fresh&sort=cost",
    "models by a glob, oldest": "/?model=*mini*&sort=oldest",
    "one host, by size": "/?host=api.openai.com&sort=size",
    "one host, last page": "/?host=api.openai.com&page=2000",
    "a test that is not there": "/?test=nowhere*",
    "one endpoint, stale": "/?endpoint=chat&fresh=stale",
    "status, a week, by tokens": "/?status=200&age=7d&sort=tokens",
    "words, one model, stale": "/?q=river+mountain&model=gpt-4o&fresh=stale",
    "words, by cost, last page": "/?q=river+mountain&sort=cost&page=2000",
    "search, rare word": "/?q=number4711",
    "search, frequent words": "/?q=river+mountain",
    "search, a beginning": "/?q=r",
    "savings": "/savings",
    "savings, by day": "/savings?by=day",
    "sessions": "/sessions",
    "cassettes": "/cassettes",
    "other key options": "/explain?ignore_body=/messages/1/content",
    "API, 500 exchanges": "/api/v1/exchanges?limit=500",
}


def entries(count: int, now: float) -> Iterator[Entry]:
    """Yield that many exchanges of some days."""
    for number in range(count):
        words = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 40))
        yield sample.chat(
            f"number{number} {words}", f"{words} and so on", model=MODELS[number % 4], tokens=number % 997, age=number * 6.0, now=now
        )


def timed(served: Served, path: str, times: int = 5) -> float:
    """Return the median milliseconds of a page, after one look at it."""
    served.page(path)
    found = []
    for _ in range(times):
        started = time.perf_counter()
        served.page(path)
        found.append(time.perf_counter() - started)
    return statistics.median(found) * 1000


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    count = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        store = sample.write_store(Path(folder, "store"), entries(count, time.time()), now=time.time())
        with serve([store], wait=False) as served:
            started = time.perf_counter()
            served.page("/")
            print(f"first page, while the store is read: {(time.perf_counter() - started) * 1000:.0f} ms")
            while not served.client.get("/api/v1/progress").json()["ready"]:
                time.sleep(0.5)
            print(f"all {count:,} entries are in the index after {time.perf_counter() - started:.0f} s")
            key = served.client.get("/api/v1/exchanges").json()["exchanges"][0]["ref"]
            print(f"load: {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load: unknown")
            for name, path in {**PAGES, "an exchange": f"/x/0/{key}", "why was it no hit": f"/explain?x=0/{key}"}.items():
                print(f"{name:24} {timed(served, path):7.0f} ms")


if __name__ == "__main__":
    main()
