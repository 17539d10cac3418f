"""A process forks while its threads make calls: parent and children go on, each answer is right, and nothing is lost or hangs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.faults import echo
from tests.stores.processes import run
from wirecache import Cache, DiskStore

FORKS = """
import os, sys, threading
from tests.faults import echo
from wirecache import Cache, DiskStore, MemoryStore, TieredStore

path, kind, count = sys.argv[1:]
store = DiskStore(path, lock_wait=60) if kind == "disk" else TieredStore([MemoryStore(), DiskStore(path, lock_wait=60)])
cache = Cache(store, collapse="shared" if kind == "shared" else True)
over = threading.Event()
failed = []

def work(name):
    number = 0
    while not over.is_set():
        number += 1
        try:
            echo.ask(cache, f"thread {name} {number % 7}")
        except BaseException as error:
            failed.append(error)
            raise

threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
for thread in threads:
    thread.start()
children = []
for fork in range(int(count)):
    echo.ask(cache, f"parent {fork}")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for number in range(5):
                echo.ask(cache, f"child {fork} {number}")
                echo.ask(cache, f"parent {fork}")
            cache.flush()
            status = 0 if echo.ask(cache, f"child {fork} 0").hit else 2
        finally:
            os._exit(status)
    children.append(pid)
statuses = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
over.set()
for thread in threads:
    thread.join()
cache.flush()
print(set(statuses), failed, cache.stats.store_errors)
cache.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork") or sys.version_info >= (3, 15), reason="Python warns of a fork with threads, or has none")
@pytest.mark.parametrize("kind", ["disk", "tiered"])
def test_while_threads_make_calls(kind: str, tmp_path: Path) -> None:
    ignored = "import warnings; warnings.filterwarnings('ignore', category=DeprecationWarning)\n"  # Python 3.12 warns of such a fork
    assert run(ignored + FORKS, tmp_path / "store", kind, 8).strip() == "{0} [] 0"
    with Cache(DiskStore(tmp_path / "store")) as cache:
        assert {f"{fork}" for fork in range(8) if echo.ask(cache, f"child {fork} 0").hit} == {f"{fork}" for fork in range(8)}
        assert all(echo.is_right(entry.body) for entry in cache.entries())
