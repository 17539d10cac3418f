"""Each thread that reads has a connection, and each connection a cache of pages: it is small."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.stores.processes import run
from wirecache import DiskStore

READ = """
import sys, threading
from wirecache import DiskStore

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

store = DiskStore(sys.argv[1])
keys = list(store.keys())
before = resident()
together = threading.Barrier(9)

def read():
    for key in keys:
        store.get(key)
    together.wait()
    together.wait()

threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
together.wait()
print(resident() - before)
together.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_many_threads_that_read_all_of_it_take_little_memory(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    for number in range(100):
        store.set(f"{number:064x}", bytes(100_000), ttl=None)
    store.close()
    assert int(run(READ, tmp_path)) < 45_000_000, "8 times the 10 MB that it has are 80"
