"""Does one SQLite file hold up many writers? The disk store beside diskcache's FanoutCache (eight files), in 1 to 16 processes.

``python -m tests.benchmarks.disk_writers``: each process opens the store, then writes and reads entries of 10 KB for some seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.stores.processes import Script
from wirecache import DiskStore
from wirecache.stores._safe_disk import SETTINGS, SafeDisk

__all__ = ["main", "measured"]

SIZE = 10_000  # bytes; an answer with its request
WRITES_IN = 5  # one operation of so many is a write
WORK = """
import sys
from tests.benchmarks.disk_writers import work
work(*sys.argv[1:])
"""


def opened(kind: str, folder: str) -> tuple[Callable[[str], Any], Callable[[str, bytes], Any]]:
    """``get`` and ``set`` of a store, both with the same settings of SQLite."""
    if kind == "disk":
        store = DiskStore(folder)
        return store.get, lambda key, value: store.set(key, value, ttl=60)
    import diskcache

    fanout = diskcache.FanoutCache(folder, shards=8, timeout=5.0, disk=SafeDisk, size_limit=4 * 10**9, **SETTINGS)
    return fanout.get, lambda key, value: fanout.set(key, value, expire=60)


def work(kind: str, folder: str, mine: str, seconds: str, writes_in: str) -> None:
    began = time.perf_counter()
    get, put = opened(kind, folder)
    get("0" * 64)
    print(f"{time.perf_counter() - began:.4f}", flush=True)
    input()
    value, waits, n = os.urandom(SIZE), [], 0
    end = time.perf_counter() + float(seconds)
    while (now := time.perf_counter()) < end:
        key = f"{mine}-{n % 500:060d}"
        if n % int(writes_in):
            get(key)
        else:
            put(key, value)
            waits.append(time.perf_counter() - now)
        n += 1
    waits.sort()
    print(n, len(waits), waits[len(waits) // 2], waits[int(len(waits) * 0.99)], waits[-1], flush=True)


def measured(kind: str, processes: int, seconds: float, writes_in: int) -> str:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "store")
        scripts = [Script(WORK, kind, path, n, seconds, writes_in) for n in range(processes)]
        opening = max(float(script.line()) for script in scripts)
        for script in scripts:
            script.go()
        rows = [[float(word) for word in script.line().split()] for script in scripts]
        for script in scripts:
            assert script.end()[0] == 0
    operations, writes = (sum(row[at] for row in rows) / seconds for at in (0, 1))
    half, most, worst = (max(row[at] for row in rows) * 1000 for at in (2, 3, 4))
    return (
        f"{kind:7} {processes:9} {writes_in:7} {opening * 1000:9.0f} {operations:11.0f} {writes:9.0f} {half:9.2f} {most:9.1f} {worst:9.0f}"
    )


def main(seconds: float = 3.0, counts: tuple[int, ...] = (1, 4, 16)) -> None:
    """Print the table: waits are those of a write, in milliseconds, in the process that waited longest."""
    print("store   processes 1 write  open (ms) operations/s  writes/s    median       99%     worst")
    for writes_in in (1, WRITES_IN):
        for count in counts:
            for kind in ("disk", "fanout"):
                print(measured(kind, count, seconds, writes_in), flush=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
