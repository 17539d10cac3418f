"""Where does the time of a miss go, and where that of a large request? ``python -m tests.benchmarks.parts`` prints their parts.

Microseconds of processor time (of the thread that does it, so that others on the machine count little), medians, on httpx with a canned
upstream. Beside each part that has one, its floor: what the same takes without wirecache.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

import wirecache
from tests.benchmarks.check import HEADERS, URL, Upstream
from wirecache import Cache, DiskStore, KeyOptions, make_key
from wirecache._core import codec
from wirecache._core.flows import inference
from wirecache._core.flows.recorder import Recorder
from wirecache._engine.engine import Call
from wirecache._storage.entry_store import EntryStore
from wirecache._storage.write_queue import WriteQueue
from wirecache._transport import transport
from wirecache._transport.effects import SyncEffects

WARM = 20
PARTS: list[tuple[str, Any, str]] = [
    ("  its method, URL and headers", transport, "to_request"),
    ("  parsing its body", inference, "parse_body"),
    ("  its key", inference, "key_of"),
    ("  looking it up in SQLite", EntryStore, "look_up"),
    ("  making equal calls wait for it", Call, "claim"),
    ("  the head of the answer", SyncEffects, "received"),
    ("  the caller's response, its status", SyncEffects, "relayed"),
    ("  judging the answer", Recorder, "refusal_reason"),
    ("  queueing the write", WriteQueue, "put"),
    ("  waiting for it, where that is cheap", WriteQueue, "flush_if_cheap"),
    ("  statistics and the log", Call, "end"),
    ("all that the writing thread does", WriteQueue, "_write"),
    ("  making the entry", Recorder, "entry"),
    ("  its bytes and their checksum", codec, "encode"),
    ("  the row: diskcache and SQLite", DiskStore, "set"),
]


def median(times: list[float]) -> float:
    """Return the median in microseconds."""
    return statistics.median(times) * 1e6


def timed(function: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    """Return the function, which notes the processor time of each call."""

    def call(*arguments: Any, **named: Any) -> Any:
        started = time.thread_time()
        try:
            return function(*arguments, **named)
        finally:
            times.append(time.thread_time() - started)

    return call


def of_a_miss(folder: Path, rounds: int) -> dict[str, float]:
    """Return the parts of a miss: whole calls first, then what of it is ours, measured by itself."""
    times: dict[str, list[float]] = {"a call without the cache": [], "a miss, in the caller's thread": []}
    with (
        Cache(folder / "store") as cache,
        httpx.Client(transport=Upstream()) as plain,
        wirecache.cached_client(cache, library="httpx", transport=Upstream()) as http,
    ):
        for number in range(rounds + WARM):
            for name, client in zip(times, (plain, http), strict=True):
                timed(client.post, times[name])(URL, json=body(number), headers=HEADERS)
            cache.flush()
        for name, owner, attribute in PARTS:
            times[name] = []
            with patch.object(owner, attribute, timed(getattr(owner, attribute), times[name])):
                for number in range(rounds):
                    http.post(URL, json=body(len(times) * 10**6 + number), headers=HEADERS)
                    cache.flush()
    return {name: median(taken[WARM:] or taken) for name, taken in times.items()}


def of_a_plain_row(folder: Path, rounds: int) -> float:
    """Return what SQLite alone takes for a row of 2 KB, in a transaction of its own, as the store's are."""
    taken: list[float] = []
    with closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = wal")
        database.execute("PRAGMA synchronous = 1")
        database.execute("CREATE TABLE entry (key TEXT PRIMARY KEY, value BLOB)")
        for number in range(rounds):
            timed(database.execute, taken)("INSERT INTO entry VALUES (?, ?)", (f"{number:064x}", bytes(2000)))
    return median(taken)


def of_a_large_request(rounds: int) -> dict[str, float]:
    """Return what the key of a request of 5 MB takes, and its floor: the hash of as many bytes."""
    content = json.dumps(body(0, "QUJD" * 1_250_000)).encode()
    times: dict[str, list[float]] = {"key of a request of 5 MB": [], "  SHA-256 of 5 MB": []}
    for _ in range(rounds):
        for name, action in zip(times, (lambda: make_key("POST", URL, HEADERS, content), lambda: hashlib.sha256(content)), strict=True):
            timed(action, times[name])()
    return {name: median(taken) for name, taken in times.items()}


def of_an_agents_request(rounds: int) -> dict[str, float]:
    """Return what the key of a coding agent's request of 300 KB takes, as it is and normalized."""
    names = {"key of an agent's request of 300 KB": KeyOptions(), "  the same, normalized": KeyOptions(normalize="coding-agent")}
    content = json.dumps(body(0, "see /tmp/tmp1/a.py\n" + "    return of(some)  # a line of code\n" * 8_000)).encode()
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, options in names.items():
            timed(make_key, times[name])("POST", URL, HEADERS, content, options=options)
    return {name: median(taken) for name, taken in times.items()}


def body(number: int, prompt: str = "Why should a program not ask the same question twice?") -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{prompt} {number}"}], "temperature": 0.5}


def run(rounds: int) -> dict[str, float]:
    """Return all parts by name, in microseconds."""
    with tempfile.TemporaryDirectory() as folder:
        parts = of_a_miss(Path(folder), rounds)
        parts["  floor: a plain row in SQLite"] = of_a_plain_row(Path(folder), rounds)
    return parts | of_a_large_request(max(1, rounds // 10)) | of_an_agents_request(max(1, rounds // 10))


def main() -> None:
    """Print the parts."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.parts", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300, help="misses for each part")
    for name, microseconds in run(parser.parse_args().rounds).items():
        print(f"{name:40} {microseconds:8,.0f} µs")


if __name__ == "__main__":
    main()
