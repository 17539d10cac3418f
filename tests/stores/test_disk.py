"""The disk store: whose directory it takes, what it drops, who may use it at once."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.stores.processes import Script, locked, run
from wirecache import ConfigError, DiskStore, StoreError
from wirecache.stores._disk import default_directory

KEY, OTHER = "a" * 64, "b" * 64
NOT_READABLE = ("PRAGMA locking_mode = exclusive", "BEGIN IMMEDIATE", "COMMIT")  # a lock that keeps others from reading, too
forking = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # Python 3.12 warns of what is tested here


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def modes(path: Path) -> dict[str, int]:
    return {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.iterdir()}


def used(path: Path) -> int:
    """What ``size_limit`` measures: the bytes of the pages that hold something, whether in the database or still in its journal.

    The files may be larger by the journal, some megabytes, which SQLite moves into the database about every 4 MB.
    """
    connection = sqlite3.connect(path / "cache.db")
    try:
        count, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    finally:
        connection.close()
    return int((count - free) * size)


class TestDirectory:
    def test_it_is_private_whatever_the_umask(self, path: Path) -> None:
        before = os.umask(0)
        try:
            store = DiskStore(path)
            store.set(KEY, b"value", ttl=None)
            found = modes(path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert {name: found[name] for name in ("cache.db", "cache.db-wal", "cache.db-shm")} == dict.fromkeys(
            ("cache.db", "cache.db-wal", "cache.db-shm"), 0o600
        )

    def test_nothing_is_made_before_the_first_use(self, path: Path) -> None:
        DiskStore(path)
        assert not path.exists()

    def test_it_keeps_itself_out_of_version_control_and_backups(self, path: Path) -> None:
        DiskStore(path).set(KEY, b"value", ttl=None)
        assert (path / ".gitignore").read_text() == "*\n"
        assert (path / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")

    def test_the_default_is_the_users_cache_directory(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delenv("WIRECACHE_DIR")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("HOME", str(tmp_path))
        assert tmp_path in default_directory().parents
        assert DiskStore().path == default_directory()

    def test_the_variable_names_it(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("WIRECACHE_DIR", "~/mine")
        assert DiskStore().path == tmp_path / "mine"

    def test_parents_are_made(self, path: Path) -> None:
        DiskStore(path / "a" / "b").set(KEY, b"value", ttl=None)
        assert stat.S_IMODE((path / "a" / "b").stat().st_mode) == 0o700

    def test_an_empty_one_is_made_private(self, path: Path) -> None:
        path.mkdir()
        path.chmod(0o777)
        DiskStore(path).set(KEY, b"value", ttl=None)
        assert stat.S_IMODE(path.stat().st_mode) == 0o700

    def test_our_own_is_made_private_again(self, path: Path) -> None:
        DiskStore(path).set(KEY, b"value", ttl=None)
        path.chmod(0o755)
        assert DiskStore(path).get(KEY) == b"value"
        assert stat.S_IMODE(path.stat().st_mode) == 0o700

    def test_one_with_other_files_that_others_can_write_is_refused(self, path: Path) -> None:
        path.mkdir()
        (path / "thesis.txt").write_text("years of work")
        path.chmod(0o777)
        with pytest.raises(StoreError, match=r"store can be written by others, and holds other files\. Name a directory of its own"):
            DiskStore(path).get(KEY)
        assert [found.name for found in path.iterdir()] == ["thesis.txt"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o777

    def test_one_with_other_files_of_ours_is_used_as_it_is(self, path: Path) -> None:
        path.mkdir(0o755)
        (path / "thesis.txt").write_text("years of work")
        store = DiskStore(path)
        store.set(KEY, b"value", ttl=None)
        assert (path / "thesis.txt").read_text() == "years of work"
        assert modes(path)["cache.db"] == 0o600
        assert modes(path)["cache.db-wal"] == 0o600

    def test_one_of_another_user_is_refused(self, path: Path) -> None:
        path.mkdir(0o700)
        if os.getuid() == 0:
            os.chown(path, 65534, 65534)
        else:
            path = Path("/usr")
        with pytest.raises(StoreError, match=r"belongs to another user\. Set WIRECACHE_DIR to one of your own"):
            DiskStore(path).get(KEY)
        assert not (path / "cache.db").exists()

    def test_a_file_in_the_way(self, path: Path) -> None:
        path.write_text("mine")
        with pytest.raises(StoreError, match=r"store is a file\. Name a directory"):
            DiskStore(path).get(KEY)
        assert path.read_text() == "mine"

    def test_a_file_among_the_parents(self, path: Path) -> None:
        path.write_text("mine")
        with pytest.raises(StoreError, match=r"cannot be created: .*Set WIRECACHE_DIR to a directory that can"):
            DiskStore(path / "below").get(KEY)

    def test_a_directory_in_the_place_of_the_database(self, path: Path) -> None:
        (path / "cache.db").mkdir(parents=True, mode=0o700)
        with pytest.raises(StoreError, match=r"cache\.db cannot be opened"):
            DiskStore(path).get(KEY)
        assert (path / "cache.db").is_dir()

    def test_a_link_to_a_directory_of_ours_is_followed(self, path: Path, tmp_path: Path) -> None:
        path.mkdir()
        (tmp_path / "link").symlink_to(path)
        DiskStore(tmp_path / "link").set(KEY, b"value", ttl=None)
        assert DiskStore(path).get(KEY) == b"value"

    def test_a_link_to_nowhere(self, path: Path) -> None:
        path.symlink_to(path.parent / "nowhere")
        with pytest.raises(StoreError, match="store"):
            DiskStore(path).get(KEY)

    def test_a_link_in_the_place_of_the_database_is_not_followed(self, path: Path, tmp_path: Path) -> None:
        precious = tmp_path / "precious"
        precious.write_bytes(b"")
        path.mkdir(0o700)
        (path / "cache.db").symlink_to(precious)
        with pytest.raises(StoreError, match=r"cache\.db cannot be opened"):
            DiskStore(path).set(KEY, b"value", ttl=None)
        assert precious.read_bytes() == b""

    def test_a_place_is_one_by_whatever_name(self, path: Path, tmp_path: Path) -> None:
        path.mkdir()
        (tmp_path / "link").symlink_to(path)
        names = [path, tmp_path / "link", path / ".." / "store"]
        assert len({DiskStore(name).location for name in names}) == 1


class TestSize:
    @pytest.mark.parametrize(
        ("text", "size"),
        [
            (1000, 1000),
            ("1000", 1000),
            ("500MB", 5 * 10**8),
            ("4GB", 4 * 10**9),
            ("1.5 GiB", 3 << 29),
            ("2tb", 2 * 10**12),
            (" 64 kib ", 65536),
        ],
    )
    def test_forms(self, path: Path, text: int | str, size: int) -> None:
        assert DiskStore(path, size_limit=text).size_limit == size

    @pytest.mark.parametrize("text", ["", "many", "-1GB", 0, "0", "4XB", "GB", "nan", "inf", "1e999"])
    def test_wrong_ones_are_named(self, path: Path, text: int | str) -> None:
        with pytest.raises(ConfigError, match=r'size_limit must be a number of bytes, or a text such as "500MB" or "4GB", got '):
            DiskStore(path, size_limit=text)

    @pytest.mark.parametrize("size", [20_000, 300_000])
    def test_above_it_the_oldest_go_and_the_newest_stays(self, path: Path, size: int) -> None:
        store = DiskStore(path, size_limit="1MB")
        for n in range(60):
            store.set(f"{n:064x}", os.urandom(size), ttl=None)
            assert used(path) <= 1_000_000 + size
            kept = [int(key, 16) for key in iter(store.keys())]
            assert kept == list(range(kept[0], n + 1))  # the newest of them, without a gap
        assert len(kept) * size > 600_000  # no more than needed is dropped

    def test_what_is_pinned_stays_until_it_is_replaced(self, path: Path) -> None:
        store = DiskStore(path, size_limit="1MB")
        store.set(KEY, os.urandom(50_000), ttl=60)
        assert (store.pin(KEY), store.pin(OTHER)) == (True, False)
        for n in range(40):
            store.set(f"{n:064x}", os.urandom(50_000), ttl=None)
        assert store.get(KEY) is not None
        assert store.get_with_ttl(KEY)[1] is None
        assert used(path) <= 1_100_000
        store.set(KEY, os.urandom(50_000), ttl=None)
        for n in range(40):
            store.set(f"{n:064x}", os.urandom(50_000), ttl=None)
        assert store.get(KEY) is None

    def test_if_all_are_pinned_what_is_new_stays_for_once(self, path: Path) -> None:
        store = DiskStore(path, size_limit="1MB")
        for n in range(4):
            store.set(f"{n:064x}", os.urandom(400_000), ttl=None)
            store.pin(f"{n:064x}")
        assert len(list(store.keys())) == 4

    def test_stored_again_is_new_again(self, path: Path) -> None:
        store = DiskStore(path, size_limit="1MB")
        for n in range(40):
            store.set(f"{n:064x}", os.urandom(50_000), ttl=None)
            store.set(KEY, os.urandom(50_000), ttl=None)
        assert store.get(KEY) is not None

    def test_what_is_larger_than_all_of_it_stays_alone(self, path: Path) -> None:
        store = DiskStore(path, size_limit="1MB")
        store.set(OTHER, b"small", ttl=None)
        store.set(KEY, bytes(3_000_000), ttl=None)
        assert list(store.keys()) == [KEY]
        store.set(OTHER, b"small", ttl=None)
        assert list(store.keys()) == [OTHER]

    def test_what_was_stored_when_the_clock_was_ahead_does_not_push_out_the_new(self, path: Path) -> None:
        store = DiskStore(path, size_limit="1MB")
        for n in range(3):
            store.set(f"{n:064x}", os.urandom(300_000), ttl=None)
        with closing(sqlite3.connect(path / "cache.db")) as connection, connection:
            connection.execute("UPDATE Cache SET store_time = store_time + 86400")
        store.set(KEY, os.urandom(300_000), ttl=None)
        assert store.get(KEY) is not None

    def test_a_lower_limit_shrinks_it(self, path: Path) -> None:
        store = DiskStore(path)
        for n in range(100):
            store.set(f"{n:064x}", os.urandom(20_000), ttl=None)
        store.close()
        store = DiskStore(path, size_limit="1MB")
        store.set(KEY, b"value", ttl=None)
        assert used(path) <= 1_000_000
        assert store.get(f"{99:064x}") is not None

    def test_the_expired_go_first(self, path: Path) -> None:
        store = DiskStore(path, size_limit="1MB")
        store.set(OTHER, os.urandom(300_000), ttl=None)
        store.set(KEY, os.urandom(300_000), ttl=0)
        store.set("c" * 64, os.urandom(300_000), ttl=None)
        store.set("d" * 64, os.urandom(300_000), ttl=None)
        assert sorted(store.keys()) == [OTHER, "c" * 64, "d" * 64]

    def test_its_ttl_ends_it(self, path: Path) -> None:
        store = DiskStore(path)
        store.set(KEY, b"value", ttl=0)
        assert store.get(KEY) is None


READ = "import sys; from wirecache import DiskStore; store = DiskStore(sys.argv[1]); print(store.get(sys.argv[2]))"
WRITE = "import sys; from wirecache import DiskStore; DiskStore(sys.argv[1]).set(sys.argv[2], sys.argv[3].encode(), ttl=None)"


def busy(path: str, mine: int, started: multiprocessing.Barrier) -> None:  # type: ignore[valid-type]
    """Write own keys, read everybody's; a torn value or an error ends it with a status that is not 0."""
    store = DiskStore(path)
    started.wait()  # type: ignore[attr-defined]
    for turn in range(30):
        store.set(f"{mine * 100 + turn:064x}", bytes([mine]) * 40_000, ttl=None)
        for other in range(8):
            found = store.get(f"{other * 100 + turn:064x}")
            assert found in (None, bytes([other]) * 40_000)


class TestProcesses:
    def test_another_one_reads_and_writes(self, path: Path) -> None:
        store = DiskStore(path)
        store.set(KEY, b"from here", ttl=None)
        assert run(READ, path, KEY) == "b'from here'\n"
        run(WRITE, path, KEY, "from there")
        assert store.get(KEY) == b"from there"
        store.close()
        assert run(READ, path, KEY) == "b'from there'\n"

    def test_eight_begin_and_work_at_once(self, path: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        started = spawn.Barrier(8)
        workers = [spawn.Process(target=busy, args=(str(path), n, started)) for n in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0] * 8
        store = DiskStore(path)
        assert len(list(store.keys())) == 240
        assert all(store.get(f"{n * 100 + 29:064x}") == bytes([n]) * 40_000 for n in range(8))

    def test_writes_wait_for_one_another(self, path: Path) -> None:
        store = DiskStore(path, lock_wait=30.0)
        store.set(KEY, b"before", ttl=None)
        with locked(path, "BEGIN IMMEDIATE") as holder:
            thread = threading.Thread(target=store.set, args=(KEY, b"after"), kwargs={"ttl": None})
            thread.start()
            assert store.get(KEY) == b"before"  # a reader waits for nobody
            holder.go()
            thread.join()
        assert store.get(KEY) == b"after"


FORK = """
import gc, os, signal, sys, threading
from wirecache import DiskStore

store = DiskStore(sys.argv[1])
store.set("k", b"v" * 1000, ttl=None)


def forked(child):
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)  # a child that hangs ends with a signal
        try:
            child()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1]
"""


@forking
class TestFork:
    def test_the_child_and_the_parent_go_on(self, path: Path) -> None:
        run(
            FORK
            + """
def child():
    assert store.get("k") == b"v" * 1000
    store.set("child", b"c", ttl=None)
    assert store.get("child") == b"c"

assert forked(child) == 0
assert store.get("child") == b"c"
store.set("parent", b"p", ttl=None)
assert sorted(store.keys()) == ["child", "k", "parent"]
""",
            path,
        )

    def test_while_other_threads_read_and_write(self, path: Path) -> None:
        """SQLite's mutexes do not survive a fork: one that another thread held is held for ever in the child."""
        run(
            FORK
            + """
ended = threading.Event()

def write(name):
    turn = 0
    while not ended.is_set():
        store.set(f"{name}{turn % 20}", b"x" * 20000, ttl=None)
        turn += 1

def read():
    while not ended.is_set():
        assert store.get("k") == b"v" * 1000

def child():
    gc.collect()
    assert store.get("k") == b"v" * 1000
    store.set(f"child{number}", b"c", ttl=None)

threads = [threading.Thread(target=write, args=(name,)) for name in "ab"] + [threading.Thread(target=read)]
for thread in threads:
    thread.start()
statuses = []
for number in range(20):
    statuses.append(forked(child))
    if statuses[-1]:
        break
ended.set()
for thread in threads:
    thread.join()
assert statuses == [0] * 20, statuses
assert all(store.get(f"child{number}") == b"c" for number in range(20))
""",
            path,
        )

    def test_the_child_holds_locks_of_its_own(self, path: Path) -> None:
        """SQLite believes that a child has its parent's locks: once the parent closes, what the child writes would be lost."""
        run(
            FORK
            + """
import sqlite3

opened, end = threading.Event(), threading.Event()

def keep_open():
    store.get("k")
    opened.set()
    end.wait()

thread = threading.Thread(target=keep_open)
thread.start()
opened.wait()
to_child, to_parent = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    try:
        signal.alarm(10)
        store.set("first", b"1", ttl=None)
        os.write(to_parent[1], b".")
        os.read(to_child[0], 1)
        for turn in range(100):
            store.set(f"later{turn}", b"x" * 20000, ttl=None)
        assert store.get("elsewhere") == b"e"
        store.close()
        os._exit(0)
    finally:
        os._exit(1)
os.read(to_parent[0], 1)
end.set()
thread.join()
store.close()
gc.collect()
DiskStore(sys.argv[1]).set("elsewhere", b"e", ttl=None)
os.write(to_child[1], b".")
assert os.waitpid(pid, 0)[1] == 0
assert len(list(store.keys())) == 103
assert sqlite3.connect(sys.argv[1] + "/cache.db").execute("PRAGMA integrity_check").fetchall() == [("ok",)]
""",
            path,
        )

    def test_while_another_thread_opens_it(self, path: Path) -> None:
        DiskStore(path).set("k", b"v" * 1000, ttl=None)
        with locked(path, *NOT_READABLE):
            run(
                FORK.replace("store.set(", "# store.set(")
                + """
from wirecache import StoreError

def refused():
    try:
        DiskStore(sys.argv[1]).get("k")
        store.get("k")
    except StoreError:
        pass

def child():
    try:
        store.get("k")
    except StoreError:
        pass

thread = threading.Thread(target=refused)
thread.start()
while not any(thread.name == "wirecache-open" for thread in threading.enumerate()):
    pass
status = forked(child)
thread.join()
assert status == 0, status
""",
                path,
            )

    def test_multiprocessing(self, path: Path) -> None:
        run(
            """
            import multiprocessing, sys
            from wirecache import DiskStore

            store = DiskStore(sys.argv[1])
            store.set("k", b"v", ttl=None)

            def work(n):
                store.set(f"child{n}", store.get("k"), ttl=None)
                return store.get(f"child{n}")

            with multiprocessing.get_context("fork").Pool(3) as pool:
                assert pool.map(work, range(20)) == [b"v"] * 20
            assert len(list(store.keys())) == 21
            """,
            path,
        )


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


class TestThreads:
    def test_threads_that_come_and_go_leave_no_descriptor_open(self, path: Path) -> None:
        """Each thread has its own connection; it ends with the thread. SQLite itself keeps a few closed ones for the next."""
        store = DiskStore(path)
        store.set(KEY, b"value", ttl=None)

        def one_after_the_other(count: int) -> None:
            for _ in range(count):
                thread = threading.Thread(target=store.get, args=(KEY,))
                thread.start()
                thread.join()

        one_after_the_other(3)
        before = descriptors()
        one_after_the_other(100)
        assert descriptors() <= before + 1

    def test_many_at_once_are_given_back(self, path: Path) -> None:
        store = DiskStore(path)
        store.set(KEY, b"value", ttl=None)
        store.close()
        before = descriptors()
        together = threading.Barrier(20)

        def work() -> None:
            assert store.get(KEY) == b"value"
            together.wait()

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert descriptors() <= before + 1

    def test_close_closes_the_connections_of_all_threads(self, path: Path) -> None:
        before = descriptors()
        store = DiskStore(path)
        opened, end = threading.Event(), threading.Event()

        def work() -> None:
            store.set(KEY, b"value", ttl=None)
            opened.set()
            end.wait()
            assert store.get(KEY) == b"value"

        thread = threading.Thread(target=work)
        thread.start()
        opened.wait()
        assert store.get(KEY) == b"value"
        store.close()
        assert descriptors() <= before + 1
        end.set()
        thread.join()


class TestEventLoop:
    def test_the_first_read_opens_in_a_thread(self, path: Path) -> None:
        """A lock held elsewhere holds up the opening; the loop goes on meanwhile."""
        DiskStore(path).set(KEY, b"value", ttl=None)
        store = DiskStore(path, open_wait=1)

        async def turns_while_opening() -> int:
            turns = 0
            reading = asyncio.ensure_future(store.aget(KEY))
            while not reading.done():
                await asyncio.sleep(0)
                turns += 1
            with pytest.raises(StoreError, match=r"could not be opened within 1 s|database is locked"):
                await reading
            return turns

        with locked(path, *NOT_READABLE):
            assert asyncio.run(turns_while_opening()) > 1000


def test_a_trouble_that_is_recalled_does_not_grow(path: Path) -> None:
    path.write_text("in the way")
    store = DiskStore(path)
    depths = []
    for _ in range(10):
        with pytest.raises(StoreError) as error:
            store.get(KEY)
        depths.append(len(error.traceback))
    assert max(depths[1:]) == min(depths[1:])


def test_a_name_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSEWHERE", "elsewhere")
    for name in ("$ELSEWHERE", "~", "%APPDATA%", "a b", "a?mode=ro", "file:x", "#", "ü"):
        DiskStore(tmp_path / name).set(KEY, name.encode(), ttl=None)
        assert (tmp_path / name / "cache.db").stat().st_size > 0
        assert DiskStore(tmp_path / name).get(KEY) == name.encode()
    assert not (tmp_path / "elsewhere").exists()


def test_a_closed_and_collected_store_leaves_nothing(path: Path) -> None:
    with Script(
        """
        import os, sys, threading
        from wirecache import DiskStore
        before = len(os.listdir("/dev/fd"))
        store = DiskStore(sys.argv[1])
        store.set("k", b"v", ttl=None)
        store.close()
        print(len(os.listdir("/dev/fd")) - before, [thread.name for thread in threading.enumerate()])
        """,
        path,
    ) as script:
        assert script.line() == "0 ['MainThread']"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts the descriptors by /proc")
def test_stores_that_come_and_go_keep_no_descriptors(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with_another = DiskStore(tmp_path / "store")
    with_another.set("k", b"v", ttl=None)
    before = descriptors()
    dropped = [DiskStore(tmp_path / "store") for _ in range(400)]
    for store in dropped:
        assert store.get("k") == b"v"
    assert descriptors() <= before + 4
    dropped[0].close()
    del dropped, store
    assert with_another.get("k") == b"v"
    assert descriptors() <= before + 4


def test_an_async_read_after_a_while_takes_no_thread(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "store")
    store.set(KEY, b"value", ttl=None)

    async def read() -> tuple[bytes | None, list[str]]:
        store._next_check = 0.0  # as if the last read was long ago
        return await store.aget(KEY), [thread.name for thread in threading.enumerate() if "AnyIO" in thread.name]

    assert asyncio.run(read()) == (b"value", [])
