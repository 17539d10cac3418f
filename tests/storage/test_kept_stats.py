"""The statistics that stay: added by each process, read by all."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.programs import ran, started
from tests.provider import Answer, Provider, ReceivedRequest
from wirecache import Cache, DiskStore, EncryptedStore, MemoryStore, RedisStore, Stats, Store, TieredStore, cached_client
from wirecache._core.messages import Usage

TABLE = "WirecacheHistory"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def ask(client: httpx.Client, url: str, **changes: object) -> None:
    client.post(f"{url}/v1/chat/completions", json={**BODY, **changes}).read()


def calls(store: object, url: str, hits: int = 3) -> Stats:
    """One miss and some hits through one cache, which is closed."""
    with Cache(store) as cache, cached_client(cache, library="httpx") as client:  # type: ignore[arg-type]
        for _ in range(hits + 1):
            ask(client, url)
        return cache.stats


def kept(store: object) -> Stats:
    """What the store has, by a cache that counted nothing itself."""
    with Cache(store) as cache:  # type: ignore[arg-type]
        days = cache.history()
    return Stats.of({row: amounts for day in days.values() for row, amounts in day.rows.items()})


def test_a_session_is_kept_by_day(tmp_path: Path, provider: Provider) -> None:
    counted = calls(tmp_path, provider.url)
    assert (counted.hits, counted.misses, counted.stored) == (3, 1, 1)
    assert (counted.billed, counted.saved) == (Usage(5, 7), Usage(15, 21))
    with Cache(tmp_path) as cache:
        assert cache.stats == Stats()
        assert cache.history() == {datetime.now(UTC).date(): counted}
        assert cache.history(1) == cache.history()
        (today,) = cache.history().values()
        assert {name: part.calls for name, part in today.by("model").items()} == {"gpt-4o": 4}
        assert list(today.by("host")) == [provider.url.removeprefix("http://")]


@pytest.mark.parametrize("kind", ["disk", "memory", "redis", "encrypted", "tiered", "tiered-redis"])
def test_the_hits_of_each_entry_are_kept(kind: str, tmp_path: Path, provider: Provider, request: pytest.FixtureRequest) -> None:
    inner: Store
    if "redis" in kind:
        inner = RedisStore(request.getfixturevalue("redis_url"), prefix=f"wirecache-{uuid4()}:", timeout=10)
    else:
        inner = MemoryStore() if kind == "memory" else DiskStore(tmp_path)
    outer = {"encrypted": lambda: EncryptedStore(inner, bytes(32)), "tiered": lambda: TieredStore([MemoryStore(), inner])}
    store: Store = outer.get(kind.partition("-")[0], lambda: inner)()
    calls(store, provider.url), calls(store, provider.url)
    with Cache(store) as cache, cached_client(cache, library="httpx") as client:
        (key,) = (entry.key for entry in cache.entries())
        ask(client, provider.url)
        ask(client, provider.url, seed=1)
        assert cache.engine.source.hits() == {key: 8}  # those that are still to be written included
        cache.engine.source.save(cache.get(key))
        cache.flush()
        assert cache.engine.source.hits() == {}  # what is stored again begins anew
        cache.clear()
        assert cache.engine.source.hits() == {}


def test_a_store_that_counts_no_hits_has_none(provider: Provider) -> None:
    class Plain(dict[str, bytes]):
        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            self[key] = value

    with Cache(Plain()) as cache, cached_client(cache, library="httpx") as client:
        for _ in range(3):
            ask(client, provider.url)
        assert (cache.stats.hits, cache.engine.source.hits()) == (2, {})


def test_what_runs_one_after_the_other_adds_up(tmp_path: Path, provider: Provider) -> None:
    first, second = calls(tmp_path, provider.url), calls(tmp_path, provider.url)
    both = kept(tmp_path)
    assert (both.hits, both.misses, both.saved) == (first.hits + second.hits, 1, Usage(35, 49))
    assert both.seconds_saved == pytest.approx(first.seconds_saved + second.seconds_saved)


CHILD = """
import sys, httpx
from wirecache import Cache, cached_client
cache = Cache(sys.argv[1])
client = cached_client(cache, library="httpx")
for number in range(20):
    client.post(sys.argv[2] + "/v1/chat/completions", json={"model": "gpt-4o", "messages": [], "n": number})
    client.post(sys.argv[2] + "/v1/chat/completions", json={"model": "gpt-4o", "messages": [], "stream": True})
"""  # it closes nothing: what it counted is kept when it ends


def test_processes_add_to_one_sum(tmp_path: Path, provider: Provider) -> None:
    with ExitStack() as stack:
        store = f"disk://{tmp_path}/store?lock_wait=50&open_wait=50"
        running = [stack.enter_context(started("-c", CHILD, store, provider.url)) for _ in range(3)]
        assert [(program.wait(50), program.communicate()) for program in running] == [(0, ("", ""))] * 3
    stats = kept(tmp_path / "store")
    assert (stats.hits + stats.misses, stats.bypassed_for) == (60, {"stream": 60})
    assert stats.misses == stats.stored == provider.calls - 60
    assert (stats.saved.input, stats.billed.output) == (5 * stats.hits, 7 * stats.misses)


WRITES_AT_EXIT = """
import atexit, sys, threading
from wirecache import Cache, DiskStore, cached_client

class WritesAtExit(DiskStore):
    def set(self, key, value, *, ttl):
        at_exit.wait(30)
        super().set(key, value, ttl=ttl)

client = cached_client(Cache(WritesAtExit(sys.argv[1])), library="httpx")
at_exit = threading.Event()
atexit.register(at_exit.set)
client.post(sys.argv[2] + "/v1/chat/completions", json={"model": "gpt-4o", "messages": []})
"""


def test_what_is_written_last_is_counted(tmp_path: Path, provider: Provider) -> None:
    assert ran("-c", WRITES_AT_EXIT, tmp_path / "store", provider.url).returncode == 0
    stats = kept(tmp_path / "store")
    assert (stats.misses, stats.stored) == (1, 1)


def _in_child(url: str, store: str) -> None:
    with cached_client(Cache(store), library="httpx") as client:
        ask(client, url)


@pytest.mark.parametrize("way", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_keeps_its_own_and_not_its_parent_s(way: str, tmp_path: Path, provider: Provider) -> None:
    cache = Cache(tmp_path)
    with cached_client(cache, library="httpx") as client:
        ask(client, provider.url)
    process = multiprocessing.get_context(way).Process(target=_in_child, args=(provider.url, str(tmp_path)))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    cache.close()
    stats = kept(tmp_path)
    assert (stats.hits, stats.misses, stats.stored) == (1, 1, 1)


def test_threads_that_save_at_once_count_once(tmp_path: Path, provider: Provider) -> None:
    cache = Cache(tmp_path)
    with cached_client(cache, library="httpx") as client, ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(lambda: (ask(client, provider.url), cache.history())) for _ in range(40)]:
            done.result()
    cache.close()
    stats = kept(tmp_path)
    assert stats.hits + stats.misses + stats.collapsed == 40


def test_clearing_and_pruning_leave_it(tmp_path: Path, provider: Provider) -> None:
    calls(tmp_path, provider.url)
    with Cache(tmp_path, ttl=0) as cache:
        before = cache.history()
        assert cache.prune() == 1
        cache.clear()
        assert list(cache.entries()) == []
        assert cache.history() == before
        assert list(DiskStore(tmp_path).keys()) == []


def test_a_store_that_cannot_has_that_of_this_process(provider: Provider) -> None:
    cache = Cache(MemoryStore())
    with cached_client(cache, library="httpx") as client:
        ask(client, provider.url)
        ask(client, provider.url)
    (day,) = cache.history().values()
    assert (day, day.hits) == (cache.stats, 1)


def test_tiers_have_it_in_the_last_that_can(tmp_path: Path, provider: Provider) -> None:
    calls(TieredStore([MemoryStore(), DiskStore(tmp_path)]), provider.url)
    assert kept(DiskStore(tmp_path)).hits == 3


# -- what others may do to it ------------------------------------------------------------------------------------------


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path / "cache.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_rows_that_are_none_are_passed_over(tmp_path: Path, provider: Provider) -> None:
    counted = calls(tmp_path, provider.url)
    row = f"INSERT INTO {TABLE} VALUES "
    change(
        tmp_path,
        row + "('today', 'h', 'chat', 'm', '', 0, 'hits', 1)",
        row + "(1, x'80', 'chat', 'm', '', 0, 'hits', 1)",
        row + "(1, 'h', 'chat', 'm', '', 0, 'hits', 'many')",
        row + "(1, 'h', 'chat', 'm', '', 0, 'misses', -5)",
        row + "(1, 'h', 'chat', 'm', '', 0, 'stored', 9e999)",
    )
    assert kept(tmp_path) == counted


@pytest.mark.parametrize("made", ["(x)", "(day, name, amount)"])
def test_a_foreign_table_of_that_name_costs_the_statistics_and_nothing_else(
    made: str, tmp_path: Path, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    calls(tmp_path, provider.url)
    change(tmp_path, f"DROP TABLE {TABLE}", f"CREATE TABLE {TABLE} {made}")
    counted = calls(tmp_path, provider.url)
    assert (counted.hits, counted.store_errors) == (4, 0)
    assert "the statistics could not be kept" in caplog.text
    assert [path.name for path in tmp_path.glob("*corrupt*")] == []


def test_a_damaged_store_is_set_aside_and_the_count_begins_anew(tmp_path: Path, provider: Provider) -> None:
    calls(tmp_path, provider.url)
    for path in tmp_path.glob("cache.db*"):
        path.write_bytes(b"no database" * 1000)
    cache = Cache(tmp_path)
    with cached_client(cache, library="httpx") as client:
        ask(client, provider.url)
        cache.flush()
        ask(client, provider.url)
    cache.close()
    stats = kept(tmp_path)
    assert (stats.hits, stats.misses) == (1, 1)


def test_a_directory_that_was_removed_is_not_made_again(tmp_path: Path, provider: Provider) -> None:
    cache = Cache(tmp_path / "store")
    with cached_client(cache, library="httpx") as client:
        ask(client, provider.url)
        cache.flush()
        ask(client, provider.url)
    shutil.rmtree(tmp_path / "store")
    cache._kept.save()
    assert not (tmp_path / "store").exists()


def test_what_cannot_be_kept_now_is_kept_later(tmp_path: Path, provider: Provider) -> None:
    store = DiskStore(tmp_path, lock_wait=0.05)
    cache = Cache(store)
    with cached_client(cache, library="httpx") as client:
        ask(client, provider.url)
        cache.flush()
        other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        ask(client, provider.url)
        cache._kept.save()
        other.execute("ROLLBACK")
        other.close()
        cache.close()
    stats = kept(tmp_path)
    assert (stats.hits, stats.misses) == (1, 1)


def test_only_the_last_days(tmp_path: Path) -> None:
    day = (datetime.now(UTC).date() - date(1970, 1, 1)).days
    DiskStore(tmp_path).add_history([(at, "h", "chat", "m", "", 0, "hits", 1) for at in (day - 400, day - 1, day)])
    with Cache(tmp_path) as cache:
        assert [len(cache.history(last)) for last in (None, 401, 2, 1)] == [3, 3, 2, 1]


# -- a scripted session, and every figure by hand -----------------------------------------------------------------------


def test_every_figure(tmp_path: Path, provider: Provider) -> None:
    usages = {
        "/v1/messages": {"input_tokens": 4, "cache_read_input_tokens": 64, "cache_creation_input_tokens": 32, "output_tokens": 50},
        "/v1/responses": {"input_tokens": 100, "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 30}},
    }

    def script(request: ReceivedRequest) -> Answer | None:
        if b"broken" in request.body:
            return Answer.of({"error": {"message": "no"}}, 503)
        return Answer.of({"usage": usages[request.path], "status": "completed"}) if request.path in usages else None

    provider.script = script
    cache = Cache(tmp_path, namespace="team")
    with cached_client(cache, library="httpx") as client:
        for path, model, times in (("/v1/messages", "claude", 3), ("/v1/responses", "gpt", 2), ("/v1/chat/completions", "gpt", 1)):
            for _ in range(times):
                client.post(provider.url + path, json={"model": model, "input": "hi"})
        client.post(provider.url + "/v1/responses", json={"model": "gpt", "input": "broken"})
        client.post(provider.url + "/v1/chat/completions", json={"model": "gpt", "stream": True})
        client.post(provider.url + "/v1/files", json={})
        client.post(provider.url + "/v1/responses", json={"model": "gpt", "input": "hi"}, headers={"cache-control": "no-store"})
        stats = cache.stats
    assert (stats.hits, stats.misses, stats.bypassed, stats.stored) == (3, 4, 3, 3)
    assert stats.bypassed_for == {"stream": 1, "no-rule": 1, "no-store": 1}
    assert stats.refused_for == {"status-503": 1}
    assert stats.untold == 2
    assert stats.billed == Usage(100 + 100 + 5, 50 + 50 + 7, 64, 32, 0, 30)
    assert stats.saved == Usage(2 * 100 + 100, 2 * 50 + 50, 2 * 64, 2 * 32, 0, 30)
    assert stats.tokens == stats.saved.total == 450
    assert {name: (part.hits, part.misses, part.bypassed) for name, part in stats.by("model").items()} == {
        "": (0, 0, 2), "claude": (2, 1, 0), "gpt": (1, 3, 1)
    }  # fmt: skip
    assert {name: part.calls for name, part in stats.by("endpoint").items()} == {"": 1, "chat": 2, "messages": 3, "responses": 4}
    assert list(stats.by("namespace")) == ["team"]
    entries = {entry.request.model: entry for entry in cache.entries() if entry.request.endpoint != "chat"}
    assert stats.seconds_saved == pytest.approx(2 * entries["claude"].seconds + entries["gpt"].seconds)
    assert stats.seconds_spent >= sum(entry.seconds for entry in cache.entries())
    cache.close()
    assert kept(tmp_path) == stats
