"""What is reset in a child, and that nothing is kept alive for that."""

from __future__ import annotations

import ast
import gc
import os
import signal
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import wirecache
from wirecache import DiskStore, MemoryStore, RedisStore, TieredStore
from wirecache._clients import install, patches
from wirecache._runtime.forks import ModuleLock, reset_after_fork

Make = Callable[[Path], object]
STORES: dict[str, Make] = {
    "disk": lambda path: DiskStore(path),
    "memory": lambda path: MemoryStore(),
    "redis": lambda path: RedisStore("redis://127.0.0.1:1/0"),
    "tiered": lambda path: TieredStore([MemoryStore(), path]),
}


class Counter:
    def __init__(self) -> None:
        self.resets = 0
        reset_after_fork(self)

    def after_fork(self) -> None:
        self.resets += 1


def test_an_object_is_reset_once_in_each_child_and_not_in_the_parent() -> None:
    counter = Counter()
    for _ in range(2):
        child = os.fork()
        if child == 0:
            os._exit(0 if counter.resets == 1 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert counter.resets == 0


def test_a_lock_that_another_thread_holds_is_free_in_the_child() -> None:
    lock, is_held, is_over = ModuleLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            is_held.set()
            is_over.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        with lock, lock:
            os._exit(0)
    is_over.set()
    holder.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("module", [patches, install])
def test_the_modules_that_patch_have_such_a_lock(module: ModuleType) -> None:
    assert isinstance(module._lock, ModuleLock)


def test_an_object_is_held_weakly() -> None:
    gone = weakref.ref(Counter())
    assert gone() is None


@pytest.mark.parametrize("make", STORES.values(), ids=STORES)
def test_a_store_that_nobody_holds_is_freed_at_once(make: Make, tmp_path: Path) -> None:
    """Without the garbage collector: its connections are closed when the program drops it, not some time later."""
    gc.disable()
    try:
        store = make(tmp_path / "store")
        if not isinstance(store, RedisStore):
            store.set("a" * 64, b"value", ttl=None)  # type: ignore[attr-defined]
            assert store.get("a" * 64) == b"value"  # type: ignore[attr-defined]
        gone = weakref.ref(store)
        del store
        assert gone() is None
    finally:
        gc.enable()


def test_no_other_module_registers_anything() -> None:
    source = Path(wirecache.__file__).parent
    callers = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "register_at_fork"
    }
    assert callers == {"_runtime/forks.py"}
