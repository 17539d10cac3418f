"""The cache itself: how it is made, what it tells, what becomes of answers that wait to be written, and what is never written."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.stores.processes import Script, locked, run
from tests.stores.upstream import URL, Model, question
from wirecache import Cache, ConfigError, DiskStore, Entry, Mode, Stats, Store
from wirecache._core.unset import UNSET
from wirecache._storage.write_queue import MAX_QUEUED, WriteJob, WriteQueue
from wirecache.httpx import CacheTransport, cached_client

KEY = "0" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def model() -> Model:
    return Model()


def hit(response: httpx.Response) -> bool:
    found: bool = response.extensions["wirecache"].hit
    return found


class TwoMethods:
    """The least that is a store. Its ``ttl``s are remembered."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.ttls: list[float | None] = []

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        self.values[key] = value
        self.ttls.append(ttl)


class TestMaking:
    def test_the_defaults(self, tmp_path: Path) -> None:
        cache = Cache()
        assert (cache.mode, cache.plan.ttl, cache.plan.namespace, cache.plan.miss) == (Mode.AUTO, 604800.0, "", "respond")
        assert isinstance(cache.store, DiskStore)
        assert cache.store.path == tmp_path / "default-store"  # WIRECACHE_DIR, see conftest.py
        assert repr(cache) == f"Cache(DiskStore('{tmp_path}/default-store'), mode='auto')"

    @pytest.mark.parametrize("given", [str, Path], ids=["text", "path"])
    def test_a_path_is_a_disk_store(self, given: Callable[[Path], Any], path: Path) -> None:
        assert Cache(given(path)).store.path == path  # type: ignore[attr-defined]

    def test_a_store_is_taken_as_it_is(self) -> None:
        store = TwoMethods()
        assert Cache(store).store is store
        assert isinstance(store, Store)

    @pytest.mark.parametrize("store", [42, b"path", object(), [42], {}.get], ids=lambda store: type(store).__name__)
    def test_what_is_no_store(self, store: Any) -> None:
        with pytest.raises(
            ConfigError, match=r"store must be a path, a URL, or an object with get\(key\) and set\(key, value, \*, ttl\), got "
        ):
            Cache(store)

    @pytest.mark.parametrize("url", ["ftp://host/x", "file:///tmp/x"])
    def test_a_url(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ConfigError, match=r"^store must be a path, or a URL that begins with memory, disk, redis, "):
            Cache(url)
        monkeypatch.setenv("WIRECACHE_STORE", url)
        with pytest.raises(ConfigError, match=r"^WIRECACHE_STORE must be a path, or a URL that begins with memory, disk, redis, "):
            Cache()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"mode": "online"}, r"mode must be one of auto, offline, refresh, off, got 'online'"),
            ({"mode": None}, r"mode must be one of auto, offline, refresh, off, got None"),
            ({"ttl": "soon"}, r"ttl must be seconds, a timedelta, \"90s\" .* or None .*, got 'soon'"),
            ({"ttl": -1}, r"ttl must be .*, got -1"),
            ({"ttl": True}, r"ttl must be .*, got True"),
            ({"keep_stale": "later"}, r"keep_stale must be .*, got 'later'"),
            ({"namespace": None}, r"namespace must be a string, got None"),
            ({"miss": "shrug"}, r"miss must be 'respond' or 'raise', got 'shrug'"),
        ],
    )
    def test_wrong_arguments_are_named(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            Cache(**options)

    def test_nothing_is_opened_or_made(self, path: Path) -> None:
        Cache(path)
        assert not path.exists()


class TestEnvironment:
    @pytest.fixture
    def cache_with(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cache]:
        """A cache made under these variables."""

        def make(variables: dict[str, str], *store: Any, **options: Any) -> Cache:
            for name, value in variables.items():
                monkeypatch.setenv(f"WIRECACHE_{name}", value)
            return Cache(*store, **options)

        return make

    def test_each_variable(self, cache_with: Callable[..., Cache], path: Path) -> None:
        cache = cache_with({"STORE": str(path), "MODE": "Offline", "TTL": "90s", "NAMESPACE": "team"})
        assert cache.store.path == path  # type: ignore[attr-defined]
        assert (cache.mode, cache.plan.ttl, cache.plan.namespace) == (Mode.OFFLINE, 90.0, "team")

    def test_store_wins_over_dir(self, cache_with: Callable[..., Cache], path: Path) -> None:
        cache = cache_with({"STORE": str(path / "store"), "DIR": str(path / "dir")})
        assert cache.store.path == path / "store"  # type: ignore[attr-defined]

    def test_an_argument_wins(self, cache_with: Callable[..., Cache], path: Path) -> None:
        variables = {"STORE": str(path / "variable"), "MODE": "offline", "TTL": "90s", "NAMESPACE": "team"}
        cache = cache_with(variables, path / "argument", mode="auto", ttl=None, namespace="")
        assert cache.store.path == path / "argument"  # type: ignore[attr-defined]
        assert (cache.mode, cache.plan.ttl, cache.plan.namespace) == (Mode.AUTO, None, "")

    def test_an_argument_wins_over_a_wrong_variable(self, cache_with: Callable[..., Cache], path: Path) -> None:
        assert cache_with({"MODE": "wrong", "TTL": "wrong"}, path, mode="auto", ttl=1).mode is Mode.AUTO

    def test_an_empty_variable_is_none(self, cache_with: Callable[..., Cache]) -> None:
        cache = cache_with({"STORE": "", "MODE": "", "TTL": "", "NAMESPACE": ""})
        assert (cache.mode, cache.plan.ttl) == (Mode.AUTO, 604800.0)

    @pytest.mark.parametrize(
        ("variable", "value", "message"),
        [
            ("MODE", "online", r"WIRECACHE_MODE must be one of auto, offline, refresh, off, got 'online'"),
            ("TTL", "soon", r"WIRECACHE_TTL must be .*\"90s\".*, got 'soon'"),
            ("TTL", "-5", r"WIRECACHE_TTL must be .*, got '-5'"),
        ],
    )
    def test_wrong_ones_are_named(self, cache_with: Callable[..., Cache], variable: str, value: str, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            cache_with({variable: value})

    def test_the_mode_holds(self, cache_with: Callable[..., Cache], path: Path, model: Model) -> None:
        assert model.ask(cache_with({"MODE": "offline"}, path)).status_code == 424
        assert model.calls == 0


class TestTimeToLive:
    @pytest.mark.parametrize("ttl", [None, "never"])
    def test_none_is_for_ever(self, ttl: Any, path: Path, model: Model) -> None:
        store = TwoMethods()
        cache = Cache(store, ttl=ttl)
        model.ask(cache)
        found = model.ask(cache).extensions["wirecache"]
        assert (found.hit, found.ttl) == (True, None)
        cache.close()
        assert store.ttls == [None]

    def test_zero_is_never_fresh_but_kept(self, path: Path, model: Model) -> None:
        with Cache(path, ttl=0) as cache:
            model.ask(cache)
            assert not hit(model.ask(cache))
            assert model.calls == 2
            assert len(list(cache.entries())) == 1
        with Cache(path, ttl=0, mode="offline") as cache:
            assert hit(model.ask(cache))

    @pytest.mark.parametrize("ttl", [90, 90.0, "90s", "90", "1.5m", timedelta(seconds=90)], ids=str)
    def test_forms(self, ttl: Any, model: Model) -> None:
        store = TwoMethods()
        with Cache(store, ttl=ttl, keep_stale=10) as cache:
            model.ask(cache)
            left = model.ask(cache).extensions["wirecache"].ttl
        assert 80 < left <= 90
        assert store.ttls == [100.0]

    def test_stale_entries_are_kept_for_thirty_days(self, model: Model) -> None:
        store = TwoMethods()
        with Cache(store, ttl="1d") as cache:
            model.ask(cache)
        assert store.ttls == [86400.0 * 31]

    def test_it_is_the_readers_that_counts(self, path: Path, model: Model) -> None:
        with Cache(path, ttl=None) as cache:
            model.ask(cache)
        with Cache(path, ttl=0) as cache:
            assert not hit(model.ask(cache))
        with Cache(path, ttl="1h") as cache:
            assert hit(model.ask(cache))


class TestStats:
    def test_what_is_counted(self, path: Path, model: Model) -> None:
        with Cache(path) as cache:
            assert cache.stats == Stats()
            model.ask(cache, "one")
            model.ask(cache, "two")
            for _ in range(3):
                model.ask(cache, "one")
            model.client(cache).post("https://api.example/v1/files", json={})
            stats = cache.stats
        assert (stats.misses, stats.stored, stats.hits, stats.bypassed, stats.refused, stats.store_errors) == (2, 2, 3, 1, 0, 0)
        assert stats.tokens == 3 * 12
        assert 0 < stats.seconds_saved < 1
        assert stats.reasons == {"no-rule": 1}

    def test_a_snapshot_stays_as_it_is(self, path: Path, model: Model) -> None:
        with Cache(path) as cache:
            before = cache.stats
            model.ask(cache)
            assert before == Stats()
            with pytest.raises(AttributeError):
                before.hits = 7  # type: ignore[misc]

    def test_each_cache_counts_its_own(self, path: Path, model: Model) -> None:
        with Cache(path) as one, Cache(path) as two:
            model.ask(one)
            model.ask(two)
            assert (one.stats.misses, one.stats.hits) == (1, 0)
            assert (two.stats.misses, two.stats.hits) == (0, 1)


class TestEntries:
    @pytest.fixture
    def cache(self, path: Path) -> Any:
        with Cache(path) as cache:
            yield cache

    def test_the_public_face(self, cache: Cache, model: Model) -> None:
        started = time.time()
        response = model.ask(cache, "grüße")
        entry = cache.get(response.extensions["wirecache"].key)
        assert isinstance(entry, Entry)
        assert entry.key == response.extensions["wirecache"].key
        assert (entry.status_code, entry.status) == (200, 200)
        assert entry.content == entry.body == response.content
        assert entry.text == response.text
        assert entry.json() == response.json()
        assert (entry.request.method, entry.request.url) == ("POST", URL)
        assert (entry.request.model, entry.request.endpoint) == ("m", "chat")
        assert entry.usage is not None
        assert entry.usage.total == 12
        assert started <= entry.stored_at <= time.time()
        assert 0 < entry.seconds < 60

    def test_the_face_is_the_same_from_memory_and_from_the_store(self, path: Path, model: Model) -> None:
        with Cache(path) as cache:
            key = model.ask(cache).extensions["wirecache"].key
            fresh = cache.get(key)
        read = Cache(path).get(key)
        assert fresh is not None
        assert read is not None
        assert (fresh.request, fresh.json(), fresh.headers, fresh.usage, fresh.stored_at) == (
            read.request,
            read.json(),
            read.headers,
            read.usage,
            read.stored_at,
        )
        assert bytes(fresh.request_body) == bytes(read.request_body)

    def test_text_that_is_not_utf_8(self, cache: Cache) -> None:
        speech = httpx.MockTransport(lambda _: httpx.Response(200, headers={"content-type": "audio/mpeg"}, content=b"\xff\xfb\x90"))
        with httpx.Client(transport=CacheTransport(cache, speech)) as client:
            client.post("https://api.example/v1/audio/speech", json={"input": "hi"}).read()
        (entry,) = cache.entries()
        assert entry.content == b"\xff\xfb\x90"
        assert entry.text == "\ufffd" * 3
        with pytest.raises(UnicodeDecodeError):  # a ValueError
            entry.json()

    def test_entries_get_discard_clear(self, cache: Cache, model: Model) -> None:
        keys = [model.ask(cache, prompt).extensions["wirecache"].key for prompt in ("one", "two", "three")]
        assert [entry.key for entry in cache.entries()] == keys
        assert cache.get("0" * 64) is None
        cache.discard(keys[0])
        cache.discard(keys[0])
        cache.discard("0" * 64)
        assert cache.get(keys[0]) is None
        assert [entry.key for entry in cache.entries()] == keys[1:]
        assert not hit(model.ask(cache, "one"))
        cache.clear()
        assert list(cache.entries()) == []
        assert not hit(model.ask(cache, "two"))

    def test_prune_drops_what_is_past_its_ttl(self, path: Path, model: Model) -> None:
        with Cache(path, ttl=None) as cache:
            model.ask(cache, "one")
            model.ask(cache, "two")
            assert cache.prune() == 0
        with Cache(path, ttl=0) as cache:
            assert cache.prune() == 2
            assert cache.prune() == 0
            assert list(cache.entries()) == []

    def test_discard_and_clear_reach_what_still_waits(self, path: Path, model: Model) -> None:
        with Cache(path) as cache:
            for n in range(20):
                key = model.ask(cache, f"prompt {n}").extensions["wirecache"].key
                cache.discard(key)
                assert cache.get(key) is None
            for n in range(20):
                model.ask(cache, f"prompt {n}")
            cache.clear()
            assert list(cache.entries()) == []

    @pytest.mark.parametrize("name", ["entries", "clear", "prune"])
    def test_a_store_that_cannot_do_it_is_named(self, name: str) -> None:
        cache = Cache(TwoMethods())
        with pytest.raises(ConfigError, match=r"TwoMethods has no (keys|clear)\(\), which this needs"):
            list(getattr(cache, name)() or ())

    def test_a_store_without_close_or_delete(self, model: Model) -> None:
        store = TwoMethods()
        with Cache(store) as cache:
            key = model.ask(cache).extensions["wirecache"].key
            assert hit(model.ask(cache))
            cache.discard(key)
            assert not hit(model.ask(cache))
        assert len(store.values) == 1


class TestClosing:
    def test_use_after_close(self, path: Path, model: Model) -> None:
        cache = Cache(path)
        model.ask(cache, "one")
        cache.close()
        cache.close()
        assert hit(model.ask(cache, "one"))
        model.ask(cache, "two")
        assert cache.stats.stored == 2
        cache.close()

    def test_closing_a_client_leaves_the_cache_open(self, path: Path, model: Model) -> None:
        with Cache(path) as cache:
            with model.client(cache) as client:
                client.post(URL, json=question("hi"))
            with model.client(cache) as client:
                assert hit(client.post(URL, json=question("hi")))

    def test_the_context_manager_closes_after_an_error_too(self, path: Path, model: Model) -> None:
        class Noting(TwoMethods):
            closed = 0

            def close(self) -> None:
                self.closed += 1

        store = Noting()

        def fail() -> None:
            with Cache(store) as cache:
                model.ask(cache)
                raise LookupError

        with pytest.raises(LookupError):
            fail()
        assert (store.closed, len(store.values)) == (1, 1)

    @pytest.mark.parametrize("run_loop", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
    def test_async(self, run_loop: Callable[[Any], object], path: Path, model: Model) -> None:
        async def main() -> None:
            async with Cache(path) as cache:
                async with model.async_client(cache) as client:
                    await client.post(URL, json=question("hi"))
                    assert hit(await client.post(URL, json=question("hi")))
                await cache.aflush()
                assert len(list(cache.entries())) == 1
            await cache.aclose()

        run_loop(main())
        assert hit(model.ask(Cache(path)))


class TestBacklog:
    def test_what_was_stored_is_read_at_once(self, path: Path, model: Model) -> None:
        """While another process keeps it from being written."""
        with Cache(DiskStore(path, lock_wait=30)) as cache, Cache(DiskStore(path, lock_wait=30)) as other:
            model.ask(cache, "before")
            cache.flush()
            bare = DiskStore(path)
            assert bare.get(KEY) is None
            with locked(path, "BEGIN IMMEDIATE"):
                key = model.ask(cache).extensions["wirecache"].key
                assert hit(model.ask(cache))
                assert hit(model.ask(other))  # another cache of this process, on the same path
                assert other.get(key) is not None
                assert bare.get(key) is None
            cache.flush()
            assert bare.get(key) is not None
        assert model.calls == 2

    def test_each_counts_what_it_stored(self, path: Path, model: Model) -> None:
        with Cache(path) as one, Cache(path) as two:
            model.ask(one, "one")
            model.ask(two, "two")
            model.ask(two, "three")
            assert (one.stats.stored, two.stats.stored) == (1, 2)

    def test_close_flushes(self, path: Path, model: Model) -> None:
        cache = Cache(path)
        for n in range(50):
            model.ask(cache, f"prompt {n}")
        cache.close()
        assert len(list(DiskStore(path).keys())) == 50

    def test_closing_a_client_flushes(self, path: Path, model: Model) -> None:
        with model.client(Cache(path)) as client:
            client.post(URL, json=question("hi"))
        assert len(list(DiskStore(path).keys())) == 1

    @pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise RuntimeError('unhandled')", "raise KeyboardInterrupt"], ids=str)
    def test_the_end_of_the_program_flushes(self, end: str, path: Path) -> None:
        code = f"""
        import sys
        from tests.stores.upstream import Model
        from wirecache import Cache
        model = Model()
        for n in range(20):
            model.ask(Cache(sys.argv[1]), f"prompt {{n}}", size=100_000)
        {end}
        """
        status, _, errors = Script(code, path).end()
        assert (status == 0) == (not end)
        assert ("unhandled" in errors) == ("unhandled" in end)
        assert len(list(DiskStore(path).keys())) == 20

    def test_a_call_at_the_very_end(self, path: Path) -> None:
        """In an ``atexit`` function, when the interpreter may start no thread any more."""
        code = """
        import atexit, sys
        from tests.stores.upstream import Model
        from wirecache import Cache
        cache = Cache(sys.argv[1])
        atexit.register(lambda: print(Model().ask(cache).status_code))
        """
        assert run(code, path) == "200\n"
        assert len(list(DiskStore(path).keys())) == 1

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    def test_the_end_of_a_child_of_multiprocessing_flushes(self, method: str, path: Path) -> None:
        """It ends by ``os._exit``, without ``atexit``."""
        workers = path.parent / "workers.py"
        workers.write_text(
            "import sys\n"
            "from tests.stores.upstream import Model\n"
            "from wirecache import Cache\n"
            "cache = Cache(sys.argv[1])\n"
            "def work(n):\n"
            "    for turn in range(20):\n"
            "        Model().ask(cache, f'prompt {n} {turn}', size=100_000)\n"
        )
        code = f"""
        import multiprocessing, sys
        sys.path.insert(0, {str(path.parent)!r})
        import workers
        workers.work("parent")
        context = multiprocessing.get_context({method!r})
        children = [context.Process(target=workers.work, args=(n,)) for n in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0
        """
        run(code, path)
        assert len(list(DiskStore(path).keys())) == 60

    def test_no_thread_to_be_had(self, path: Path) -> None:
        """The call is answered, and not stored."""
        code = """
        import sys, threading
        from tests.stores.upstream import Model
        from wirecache import Cache
        cache, model = Cache(sys.argv[1]), Model()
        threading.stack_size(1 << 46)  # more than any system gives
        assert model.ask(cache).status_code == 200
        assert (cache.stats.stored, cache.stats.reasons) == (0, {"backlog": 1})
        threading.stack_size(0)
        model.ask(cache)
        assert cache.stats.stored == 1
        """
        run(code, path)

    def test_what_waits_at_a_fork_is_written_once(self, path: Path) -> None:
        code = """
        import os, sys
        from tests.stores.upstream import Model
        from wirecache import Cache
        model, cache = Model(), Cache(sys.argv[1])
        for n in range(20):
            model.ask(cache, f"prompt {n}", size=100_000)
        pid = os.fork()
        model.ask(cache, f"of {'the parent' if pid else 'the child'}")
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
            assert cache.stats.stored == 21
        else:
            assert cache.stats.store_errors == 0
        """
        run(code, path)
        assert len(list(DiskStore(path).keys())) == 22

    def test_too_much_that_waits_is_not_taken(self) -> None:
        """Nobody runs out of memory because a store is slow."""
        go = threading.Event()
        errors: list[Exception | None] = []

        class Waiting(TwoMethods):
            def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
                go.wait(30)
                super().set(key, value, ttl=ttl)

        store = Waiting()
        backlog = WriteQueue(store)
        entry = Entry("0" * 64, 200, (), b"", 0.0, 0.0, b"HTTP/1.1", None, UNSET, b"{}", b"")
        sizes = [MAX_QUEUED // 2, MAX_QUEUED // 2 + 1, 1]
        jobs = [WriteJob(f"{n:064x}", size, lambda: entry, None, errors.append) for n, size in enumerate(sizes)]
        assert [backlog.put(job) for job in jobs] == [True, True, False]
        assert backlog.get(jobs[1].key) is entry
        assert backlog.get(jobs[2].key) is None
        assert not backlog.flush(0)
        go.set()
        assert backlog.flush()
        assert errors == [None, None]
        assert backlog.put(jobs[2])
        assert backlog.flush()
        assert sorted(store.values) == [job.key for job in jobs]

    def test_the_newest_answer_wins(self, path: Path, model: Model) -> None:
        """Equal requests that were forwarded one after the other (mode refresh) are written in that order."""
        with Cache(path, mode="refresh") as cache:
            for _ in range(10):
                last = model.ask(cache).json()["id"]
        assert model.ask(Cache(path)).json()["id"] == last == "chatcmpl-10"


class TestAccept:
    @pytest.mark.parametrize(
        ("verdict", "reason"),
        [(True, None), (False, "accept"), ("too short", "too short"), ("", "accept"), (None, "accept"), (1, None)],
        ids=repr,
    )
    def test_it_has_the_last_word(self, verdict: Any, reason: str | None, path: Path, model: Model) -> None:
        judged: list[Entry] = []

        def accept(entry: Entry) -> Any:
            judged.append(entry)
            return verdict

        with Cache(path, accept=accept) as cache:
            response = model.ask(cache)
            status = response.extensions["wirecache"]
            assert (status.stored, status.detail) == (reason is None, reason)
            assert hit(model.ask(cache)) == (reason is None)
            assert cache.stats.reasons == ({} if reason is None else {reason: 2})
            assert cache.stats.refused == (0 if reason is None else 2)
        assert judged[0].json() == response.json()
        assert judged[0].request.model == "m"

    def test_one_that_raises_refuses(self, path: Path, model: Model, caplog: pytest.LogCaptureFixture) -> None:
        def accept(entry: Entry) -> bool:
            raise LookupError("my own fault")

        with Cache(path, accept=accept) as cache:
            for _ in range(2):
                assert model.ask(cache).status_code == 200
            assert cache.stats.reasons == {"accept-error": 2}
            assert cache.stats.stored == 0
        assert "my own fault" in caplog.text

    def test_it_is_not_asked_of_what_is_not_good_anyway(self, path: Path) -> None:
        def accept(entry: Entry) -> bool:
            raise AssertionError

        failing = httpx.MockTransport(lambda _: httpx.Response(500, json={"error": {}}))
        with Cache(path, accept=accept) as cache, httpx.Client(transport=CacheTransport(cache, failing)) as client:
            assert client.post(URL, json=question("hi")).status_code == 500
            assert cache.stats.stored == 0


SECRET = re.compile(rb"S3CRET")
REQUEST_SECRETS = {
    "authorization": "Bearer S3CRET-1",
    "proxy-authorization": "Basic S3CRET-2",
    "x-api-key": "S3CRET-3",
    "api-key": "S3CRET-4",
    "x-goog-api-key": "S3CRET-5",
    "cookie": "session=S3CRET-6",
    "openai-organization": "org-S3CRET-7",
    "openai-project": "proj-S3CRET-8",
    "anthropic-organization-id": "S3CRET-9",
    "x-amz-security-token": "S3CRET-10",
    "x-goog-user-project": "S3CRET-11",
    "ocp-apim-subscription-key": "S3CRET-12",
    "x-my-own-header": "S3CRET-13",
}
RESPONSE_SECRETS = {
    "set-cookie": "session=S3CRET-20; HttpOnly",
    "openai-organization": "org-S3CRET-21",
    "openai-project": "proj-S3CRET-22",
    "anthropic-organization-id": "S3CRET-23",
    "x-goog-user-project": "S3CRET-24",
    "authorization": "S3CRET-25",
    "x-api-key": "S3CRET-26",
    "www-authenticate": "Bearer realm=S3CRET-27",
}
QUERY = "?key=S3CRET-30&api_key=S3CRET-31&access_token=S3CRET-32&alt=json&KEY=S3CRET-33&%6bey=S3CRET-34&X-Amz-Signature=S3CRET-35"


class TestSecrets:
    """The bytes of all files in the store's directory are searched."""

    @staticmethod
    def found_in(path: Path) -> list[bytes]:
        written = {file.name: file.read_bytes() for file in path.rglob("*") if file.is_file()}
        assert sum(map(len, written.values())) > 4000
        return [line for data in written.values() for line in re.findall(rb".{0,20}S3CRET-?\d*", data)]

    def test_the_search_finds_what_is_there(self, path: Path, model: Model) -> None:
        cache = Cache(path)
        model.ask(cache, "S3CRET-0 is in the prompt")
        cache.flush()
        assert self.found_in(path)
        cache.close()
        assert self.found_in(path)

    @pytest.mark.parametrize(
        ("method", "url"),
        [("POST", URL), ("POST", "https://api.example/v1beta/models/gemini:generateContent"), ("GET", "https://api.example/v1/models")],
        ids=["chat", "gemini", "get"],
    )
    @pytest.mark.parametrize("vary", ["", "Authorization, Cookie, X-Api-Key", "OpenAI-Organization, X-My-Own-Header"])
    def test_none_is_written(self, method: str, url: str, vary: str, path: Path) -> None:
        answering = {"cache-control": "max-age=60", **RESPONSE_SECRETS, **({"vary": vary} if vary else {})}
        model = Model(**answering)
        cache = Cache(path)
        request = {"json": question("hi")} if method == "POST" else {}
        with model.client(cache, headers=REQUEST_SECRETS, auth=("user", "S3CRET-40")) as client:
            first = client.request(method, url + QUERY, **request)  # type: ignore[arg-type]
            assert first.headers["set-cookie"] == RESPONSE_SECRETS["set-cookie"]  # the caller gets all of it
            client.request(method, url.replace("//", "//user:S3CRET-41@") + QUERY, **request)  # type: ignore[arg-type]
        assert cache.stats.stored >= 1
        (entry, *_) = cache.entries()
        assert "REDACTED" in entry.request.url
        assert self.found_in(path) == []
        cache.close()
        assert self.found_in(path) == []

    def test_none_is_logged(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "wirecache")
        with Cache(path) as cache, Model(**RESPONSE_SECRETS).client(cache, headers=REQUEST_SECRETS) as client:
            for _ in range(2):
                client.post(URL + QUERY, json=question("hi"))
            client.get("https://api.example/v1/models" + QUERY)
            client.post("https://api.example/v1/files" + QUERY)
        lines = [found.getMessage() for found in caplog.records if found.name == "wirecache"]
        assert len(lines) == 4
        assert not [line for line in lines if "S3CRET" in line]


def test_a_sync_caller_finds_on_disk_what_it_stored(tmp_path: Path) -> None:
    """Another program may look at the files right after the call, with nothing closed."""
    for at in range(5):
        cache = Cache(tmp_path / str(at))
        client = cached_client(cache, transport=httpx.MockTransport(lambda _: httpx.Response(200, json={})))
        client.post("https://h/v1/chat/completions", json={"model": "m"})
        connection = sqlite3.connect(tmp_path / str(at) / "cache.db")
        (count,) = connection.execute("SELECT count(*) FROM Cache").fetchone()
        connection.close()
        assert count == 1
        client.close()
        cache.close()
