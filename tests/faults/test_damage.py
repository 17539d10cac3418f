"""The database is damaged, gone, or not to be written: the call goes upstream, once warned, and where it can be a fresh store is begun."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.stores.processes import Script, run
from tests.stores.upstream import Model
from wirecache import Cache, DiskStore, StoreError

Warnings = Callable[[], list[str]]


def garbage(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def garbage_of_another_size(file: Path) -> None:
    file.write_bytes(b"this is no database\n" * 500)


def bad_header(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(bytes(100))


def bad_pages(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(os.urandom(file.stat().st_size - 4096))


def cut_to_half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def emptied(file: Path) -> None:
    os.truncate(file, 0)


DAMAGES = [garbage, garbage_of_another_size, bad_header, bad_pages, cut_to_half, emptied]


def filled(path: Path, model: Model, count: int = 30) -> None:
    with Cache(path) as cache:
        for n in range(count):
            model.ask(cache, f"prompt {n}", size=5000)
    with closing(sqlite3.connect(path / "cache.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def works_again(path: Path, model: Model) -> None:
    """What is stored from now on is found, by this process and by another."""
    with Cache(path) as cache:
        model.ask(cache, "after all")
        assert model.ask(cache, "after all").extensions["wirecache"].hit
    code = "import sys; from wirecache import DiskStore; print(len(list(DiskStore(sys.argv[1]).keys())))"
    assert int(run(code, path)) >= 1
    connection = sqlite3.connect(path / "cache.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.parametrize("damage", DAMAGES)
def test_before_it_is_opened(damage: Callable[[Path], None], path: Path, model: Model, warnings: Warnings) -> None:
    filled(path, model)
    damage(path / "cache.db")
    calls = model.calls
    with Cache(path) as cache:
        for prompt in ("prompt 1", "prompt 29", "new"):
            assert model.ask(cache, prompt, size=5000).status_code == 200
        assert model.ask(cache, "new", size=5000).extensions["wirecache"].hit
        assert model.calls == calls + 3
        if damage is emptied:  # an empty file is an empty database
            assert (cache.stats.store_errors, warnings()) == (0, [])
        else:
            assert cache.stats.store_errors == 1
            assert len(warnings()) == 1
            (aside,) = (found.name for found in path.iterdir() if "corrupt" in found.name and not found.name.endswith(("-wal", "-shm")))
            assert "damaged" in warnings()[0]
            assert aside in warnings()[0]
    works_again(path, model)


@pytest.mark.parametrize("damage", DAMAGES)
def test_while_it_is_open(damage: Callable[[Path], None], path: Path, model: Model, warnings: Warnings) -> None:
    """SQLite may go on from what it has in memory; then nothing is lost, and nothing is reported."""
    filled(path, model)
    with Cache(path) as cache:
        assert model.ask(cache, "prompt 0", size=5000).extensions["wirecache"].hit
        damage(path / "cache.db")
        for n in range(1, 30):
            found = model.ask(cache, f"prompt {n}", size=5000)
            assert found.status_code == 200
            assert found.json()["object"] == "chat.completion"
        cache.flush()
        for n in range(30, 60):
            assert model.ask(cache, f"prompt {n}", size=5000).status_code == 200
        assert cache.stats.store_errors <= 2
        assert len(warnings()) == cache.stats.store_errors
    works_again(path, model)


def test_damaged_twice_within_a_second(path: Path, model: Model, warnings: Warnings) -> None:
    for _ in range(3):
        filled(path, model, 3)
        garbage(path / "cache.db")
        with Cache(path) as cache:
            model.ask(cache, "new")
    assert len([found for found in path.iterdir() if "corrupt" in found.name and not found.name.endswith(("-wal", "-shm"))]) == 3


def test_two_caches_of_one_process(path: Path, model: Model, warnings: Warnings) -> None:
    filled(path, model, 3)
    garbage(path / "cache.db")
    with Cache(path) as one, Cache(path) as two:
        model.ask(one, "new")
        model.ask(two, "newer")
        assert model.ask(two, "new").extensions["wirecache"].hit
        assert model.ask(one, "newer").extensions["wirecache"].hit
        assert one.stats.store_errors + two.stats.store_errors == 1
    assert len(warnings()) == 1


def begin(path: str, mine: int, started: multiprocessing.Barrier) -> None:  # type: ignore[valid-type]
    store = DiskStore(path)
    started.wait()  # type: ignore[attr-defined]
    try:
        store.get("0" * 64)
    except StoreError as error:
        assert "damaged" in str(error)  # noqa: PT017
    for turn in range(5):
        store.set(f"{mine * 100 + turn:064x}", b"value", ttl=None)


def test_eight_processes_find_it_damaged(path: Path, model: Model) -> None:
    """One of them sets it aside; nothing that any of them stored after is lost."""
    spawn = multiprocessing.get_context("spawn")
    filled(path, model, 3)
    garbage(path / "cache.db")
    started = spawn.Barrier(8)
    workers = [spawn.Process(target=begin, args=(str(path), n, started)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 8
    assert len(list(DiskStore(path).keys())) == 40
    assert len([found for found in path.iterdir() if "corrupt" in found.name]) == 1


def removed(path: Path) -> None:
    shutil.rmtree(path)


def renamed(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def replaced(path: Path) -> None:
    shutil.rmtree(path)
    run("import sys; from wirecache import DiskStore; DiskStore(sys.argv[1]).set('0' * 64, b'value', ttl=None)", path)


def database_removed(path: Path) -> None:
    for file in path.glob("cache.db*"):
        file.unlink()


@pytest.mark.parametrize("loss", [removed, renamed, replaced, database_removed])
def test_it_is_gone_while_open(loss: Callable[[Path], None], path: Path, model: Model, warnings: Warnings) -> None:
    """What is stored after is in a store that others see, too."""
    filled(path, model, 3)
    with Cache(path) as cache:
        assert model.ask(cache, "prompt 0", size=5000).extensions["wirecache"].hit
        loss(path)
        for prompt in ("prompt 1", "new", "newer"):
            assert model.ask(cache, prompt).status_code == 200
        cache.flush()
        with Script("import sys; from wirecache import Cache; print([e.key for e in Cache(sys.argv[1]).entries()])", path) as other:
            seen = other.line()
        for prompt in ("new", "newer"):
            again = model.ask(cache, prompt).extensions["wirecache"]
            assert again.hit
            assert again.key in seen
        assert cache.stats.store_errors == len(warnings()) == 0


def a_file(path: Path) -> None:
    path.write_bytes(b"in the way")


def database_is_a_directory(path: Path) -> None:
    (path / "cache.db").mkdir(parents=True)


def journal_is_a_directory(path: Path) -> None:
    DiskStore(path).set("0" * 64, b"value", ttl=None)
    (path / "cache.db-wal").unlink(missing_ok=True)
    (path / "cache.db-wal").mkdir()


def link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere" / "at-all")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def open_to_all(path: Path) -> None:
    path.mkdir()
    (path / "other").write_text("file")
    path.chmod(0o777)


@pytest.mark.parametrize(
    "obstacle", [a_file, database_is_a_directory, journal_is_a_directory, link_to_nowhere, link_to_itself, open_to_all]
)
def test_it_cannot_be_opened(obstacle: Callable[[Path], None], path: Path, model: Model, warnings: Warnings) -> None:
    obstacle(path)
    with Cache(path) as cache:
        for prompt in ("one", "two", "three"):
            assert model.ask(cache, prompt).status_code == 200
        assert model.calls == 3
        assert (cache.stats.store_errors, cache.stats.stored) == (6, 0)
    assert len(warnings()) == 1


NOT_WRITABLE = """
import os, sys, logging
import wirecache.httpx, wirecache.stores._safe_disk, anyio
from tests.stores.upstream import Model
from wirecache import Cache

path, user = sys.argv[1], int(sys.argv[2])
if os.getuid() == 0:  # root may write everywhere
    os.setgid(user)
    os.setuid(user)
model, messages = Model(), []
handler = logging.Handler()
handler.emit = lambda record: messages.append(record.getMessage())
logging.getLogger("wirecache").addHandler(handler)
with Cache(path) as cache:
    for prompt in ("one", "one", "two"):
        assert model.ask(cache, prompt).status_code == 200
    stats = cache.stats
print(model.calls, stats.stored, stats.store_errors > 0, len(messages))
"""
NOBODY = 65534


@pytest.fixture
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that belongs to whoever is not root, and may not be written."""
    import tempfile

    base = Path(tempfile.mkdtemp(prefix="wirecache-"))
    base.chmod(0o755)
    return base


@pytest.mark.parametrize("what", ["parent", "directory", "database"])
def test_it_may_not_be_written(what: str, somebodys: Path) -> None:
    path = somebodys / "store"
    if what != "parent":
        with Cache(path) as cache:
            Model().ask(cache, "one")
    if os.getuid() == 0:
        for found in (somebodys, *somebodys.rglob("*")):
            os.chown(found, NOBODY, NOBODY)
    if what == "database":
        (path / "cache.db").chmod(0o400)
    (somebodys if what == "parent" else path).chmod(0o500)
    try:
        calls, stored, errors, messages = run(NOT_WRITABLE, path, NOBODY).split()
    finally:
        path.parent.chmod(0o700)
        if path.exists():
            path.chmod(0o700)
        shutil.rmtree(somebodys)
    assert (stored, errors, messages) == ("0", "True", "1")
    assert 2 <= int(calls) <= 3


FULL = """
import logging, resource, sys
from tests.stores.upstream import Model
from wirecache import Cache

path, limit = sys.argv[1], int(sys.argv[2])
model, messages = Model(), []
handler = logging.Handler()
handler.emit = lambda record: messages.append(record.getMessage())
logging.getLogger("wirecache").addHandler(handler)
with Cache(path) as cache:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for n in range(40):
        assert model.ask(cache, f"prompt {n}", size=100_000).status_code == 200
    hits = sum(model.ask(cache, f"prompt {n}", size=100_000).extensions["wirecache"].hit for n in range(40))
    stats = cache.stats
    assert stats.store_errors > 0, stats
    assert len(messages) == 1, messages
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(hits)
"""


@pytest.mark.parametrize(("limit", "least"), [(1_000_000, 1), (40_000, 0), (0, 0)], ids=["after-some", "after-opening", "at-once"])
def test_the_disk_is_full(limit: int, least: int, path: Path) -> None:
    """The system takes no byte beyond ``limit`` in any file."""
    assert int(run(FULL, path, limit)) >= least
    assert sorted(path.rglob("*.corrupt*")) == []
    works_again(path, Model())


def test_killed_while_it_writes(path: Path, model: Model) -> None:
    """Whatever is in the store after is whole."""
    code = """
        import sys
        from tests.stores.upstream import Model
        from wirecache import Cache
        model = Model()
        cache = Cache(sys.argv[1])
        for n in range(10**6):
            model.ask(cache, f"prompt {sys.argv[2]} {n}", size=200_000)
            if n == 5:
                print("writing", flush=True)
    """
    for turn in range(3):
        with Script(code, path, turn) as script:
            assert script.line() == "writing"
            script.kill()
        with Cache(path) as cache:
            entries = list(cache.entries())
            assert all(entry.json()["object"] == "chat.completion" for entry in entries)
            assert len(entries) == len(list(cache.store.keys()))  # type: ignore[attr-defined]
            assert cache.stats.store_errors == 0
            assert cache.stats.stored == 0
    works_again(path, model)
