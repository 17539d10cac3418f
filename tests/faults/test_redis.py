"""Redis goes away, hangs, is full or locked: calls go on at once, and the store is back when Redis is."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis
import trio

from tests.redis_server import RedisServer
from tests.stores.contract import KEY, until
from tests.stores.upstream import URL, Model, question
from wirecache import Cache, RedisStore, StoreError

Warnings = Callable[[], list[str]]
SOON = 10.0  # seconds: what a call may take that waits once, on a busy machine
RECOVERY = 30.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    opened = RedisStore(server.url)
    yield opened
    opened.close()


@pytest.fixture
def patient(server: RedisServer) -> Iterator[RedisStore]:
    """A store whose timeout a busy machine does not reach, for tests of something else."""
    opened = RedisStore(server.url, timeout=10)
    yield opened
    opened.close()


Ask = Callable[[str], httpx.Response]


@pytest.fixture(params=["sync", "asyncio", "trio"])
def ask(request: pytest.FixtureRequest, store: RedisStore, model: Model) -> Iterator[tuple[Ask, Cache]]:
    """One call, in each colour; the asyncio one stays in one loop, so that its connections do."""
    cache = Cache(store)
    if request.param == "sync":
        with cache:
            yield lambda prompt: model.ask(cache, prompt), cache
        return

    async def one(prompt: str) -> httpx.Response:
        return await model.async_client(cache).post(URL, json=question(prompt))

    if request.param == "trio":
        with cache:
            yield lambda prompt: trio.run(one, prompt), cache
        return
    with asyncio.Runner() as runner, cache:
        yield lambda prompt: runner.run(one(prompt)), cache


def timed(ask: Ask, prompt: str) -> tuple[bool, float]:
    """Was it answered from the store, and how long did that take?"""
    began = time.monotonic()
    hit: bool = ask(prompt).extensions["wirecache"].hit
    return hit, time.monotonic() - began


def test_it_hangs(ask: tuple[Ask, Cache], server: RedisServer, warnings: Warnings) -> None:
    """SIGSTOP: the port takes connections, and nobody answers."""
    call, cache = ask
    assert [timed(call, "hi")[0] for _ in range(3)] == [False, True, True]
    cache.flush()
    server.pause()
    hit, seconds = timed(call, "hi")
    assert not hit
    assert seconds > 0.2
    later = [timed(call, f"prompt {n}") for n in range(5)]
    assert not any(hit for hit, _ in later)
    assert min(each for _, each in later) < seconds  # the least: the machine may be busy
    cache.flush()
    server.resume()
    until(lambda: timed(call, "hi")[0], RECOVERY)
    assert len(warnings()) == 1
    assert "Timeout" in warnings()[0]
    assert cache.stats.store_errors >= 12


def test_it_hangs_from_the_beginning(ask: tuple[Ask, Cache], server: RedisServer, warnings: Warnings) -> None:
    call, cache = ask
    server.pause()
    hit, seconds = timed(call, "hi")
    assert not hit
    assert seconds > 0.2
    assert min(timed(call, "hi")[1] for _ in range(5)) < seconds
    server.resume()
    until(lambda: timed(call, "hi")[0], RECOVERY)
    cache.flush()
    assert len(warnings()) == 1
    assert "is unavailable" in warnings()[0]


def test_it_is_back_without_a_call(store: RedisStore, server: RedisServer) -> None:
    """A thread finds out, so that the first call after is a hit."""
    store.set(KEY, b"value", ttl=None)
    server.pause()
    with pytest.raises(StoreError, match="is unavailable"):
        store.get(KEY)
    server.resume()
    until(lambda: store._clients.breaker.current is not None, RECOVERY)
    assert store.get(KEY) == b"value"


def test_it_is_stopped_and_started_again(ask: tuple[Ask, Cache], server: RedisServer, warnings: Warnings) -> None:
    call, cache = ask
    assert [timed(call, "hi")[0] for _ in range(3)] == [False, True, True]
    cache.flush()
    server.stop()
    for n in range(5):
        hit, seconds = timed(call, f"prompt {n}")  # each another one: what could not be written yet is a hit, too
        assert not hit
        assert seconds < SOON
    cache.flush()
    server.start()
    until(lambda: timed(call, "hi")[0], RECOVERY)
    assert len(warnings()) == 1


def test_a_restart_that_nobody_saw(ask: tuple[Ask, Cache], server: RedisServer, warnings: Warnings) -> None:
    """The connections of the pool are dead, and known to be before one is used."""
    call, cache = ask
    assert [timed(call, "hi")[0] for _ in range(3)] == [False, True, True]
    cache.flush()
    server.stop()
    server.start()
    assert [timed(call, "hi")[0] for _ in range(3)] == [False, True, True]
    cache.flush()
    assert warnings() == []
    assert cache.stats.store_errors == 0


def test_many_calls_pay_once(store: RedisStore, server: RedisServer, model: Model) -> None:
    """A thousand tasks meet the hanging Redis at once: all of them are through after one wait."""
    cache = Cache(store)

    async def main() -> float:
        await store.aget(KEY)
        await store.aget(KEY)
        server.pause()
        began = time.monotonic()
        answers = await asyncio.gather(*(cache.engine.source.alook_up(f"{n:064x}") for n in range(1000)))
        assert answers == [None] * 1000
        return time.monotonic() - began

    assert asyncio.run(main()) < 5 * SOON  # a thousand waits in turn would be 250 s
    server.resume()


def test_it_is_full(tmp_path: Path, model: Model, warnings: Warnings) -> None:
    """maxmemory noeviction: what is there is still read, and each other call goes upstream."""
    with RedisServer(tmp_path / "full", maxmemory_policy="noeviction") as server, Cache(RedisStore(server.url)) as cache:
        model.ask(cache, "kept")
        assert model.ask(cache, "kept").extensions["wirecache"].hit
        with redis.Redis.from_url(server.url) as other:
            other.config_set("maxmemory", "1")
        for n in range(3):
            assert model.ask(cache, f"prompt {n}").status_code == 200
            cache.flush()
            assert not model.ask(cache, f"prompt {n}").extensions["wirecache"].hit
        assert model.ask(cache, "kept").extensions["wirecache"].hit
        assert cache.stats.stored == 1
        assert cache.stats.store_errors == 6
    assert len(warnings()) == 1
    assert "maxmemory" in warnings()[0]


SECRET = "s3cret-p%40ss"


@pytest.mark.parametrize("given", [f":{SECRET}@", f"someone:{SECRET}@", ""], ids=["password", "user", "none"])
def test_a_wrong_password(tmp_path: Path, given: str, model: Model, warnings: Warnings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with RedisServer(tmp_path / "locked", requirepass="another") as server:
        store = RedisStore(server.url.replace("://", f"://{given}"))
        with Cache(store) as cache:
            for _ in range(3):
                assert not model.ask(cache).extensions["wirecache"].hit
                cache.flush()  # an answer that waits to be written would answer the next call
            assert cache.stats.store_errors >= 6
        with pytest.raises(StoreError) as error:
            store.get(KEY)
        store.close()
    assert len(warnings()) == 1
    assert "AuthenticationError" in warnings()[0]
    visible = " ".join([caplog.text, repr(store), repr(cache), str(store.location), str(error.value), repr(error.value.__cause__)])
    for secret in (SECRET, "s3cret-p@ss"):
        assert secret not in visible


def test_the_right_password_of_a_user(tmp_path: Path) -> None:
    """An ACL user that may see its own keys only, and do what the store does."""
    rights = "on >p@ss ~wirecache:* ~wirecache-budget:* +get +set +unlink +scan +pttl +client"
    rights += " +incrby +persist +pexpire +eval +hincrby +hdel +hgetall"
    with RedisServer(tmp_path / "acl", user=f"cacher {rights}") as server:
        store = RedisStore(server.url.replace("://", "://cacher:p%40ss@"))
        store.set(KEY, b"value", ttl=60)
        assert store.get(KEY) == b"value"
        assert store.add(KEY, b"other", ttl=60) is False
        assert list(store.keys()) == [KEY]
        store.add_hits({KEY: 2})
        assert store.hits() == {KEY: 2}
        assert store.count("budget", {"calls": 1, "open": 0}, ttl=60) == {"calls": 1}
        store.clear()
        assert store.get(KEY) is None
        store.close()


def test_a_user_that_may_not_count_costs_the_hits_and_nothing_else(tmp_path: Path, model: Model, warnings: Warnings) -> None:
    rights = "on >p@ss ~wirecache:* +get +set +unlink +scan +pttl +client"
    with RedisServer(tmp_path / "acl", user=f"cacher {rights}") as server:
        with Cache(RedisStore(server.url.replace("://", "://cacher:p%40ss@"), timeout=10)) as cache:
            model.ask(cache, "hi")
            cache.flush()
            assert model.ask(cache, "hi").extensions["wirecache"].hit
            assert cache.engine.source.hits() == {}
            assert (cache.stats.hits, cache.stats.store_errors) == (1, 0)
        assert warnings() == []


def test_hits_of_an_outage_are_not_counted_and_cost_nothing(
    server: RedisServer, patient: RedisStore, model: Model, warnings: Warnings
) -> None:
    cache = Cache(patient)
    key = model.ask(cache, "hi").extensions["wirecache"].key
    cache.flush()
    server.stop()
    cache._statistics.tally.hits = {key: 5}
    cache._kept._is_pending = True
    cache._kept.save()  # as in the background, every ten seconds
    with pytest.raises(StoreError, match="is unavailable"):
        patient.add_hits({key: 1})
    assert (cache.stats.store_errors, warnings()) == (0, [])
    server.start()
    until(lambda: patient._clients.breaker.current is not None, RECOVERY)
    model.ask(cache, "hi")
    cache.flush()
    assert model.ask(cache, "hi").extensions["wirecache"].hit
    assert cache.engine.source.hits() == {key: 1}
    cache.close()


def test_no_message_has_what_was_to_be_stored(tmp_path: Path) -> None:
    """redis-py puts the beginning of the commands of a pipeline into the messages of their errors."""
    with RedisServer(tmp_path / "full", maxmemory_policy="noeviction", maxmemory="1") as server:
        store = RedisStore(server.url, timeout=10)
        messages = set()
        for key in ("k", "l"):
            with pytest.raises(StoreError) as error:
                store.set(key, b"a prompt", ttl=60)
            messages.add(str(error.value))
        store.close()
    assert len(messages) == 1  # and so it is one cause, of one warning
    assert "prompt" not in messages.pop()


def test_a_key_that_holds_something_else(server: RedisServer, patient: RedisStore, model: Model, warnings: Warnings) -> None:
    cache = Cache(patient)
    key = model.ask(cache).extensions["wirecache"].key
    cache.flush()
    with redis.Redis.from_url(server.url) as other:
        other.delete(f"wirecache:{key}")
        other.rpush(f"wirecache:{key}", "a list")
    assert not model.ask(cache).extensions["wirecache"].hit
    cache.flush()
    assert model.ask(cache).extensions["wirecache"].hit  # written anew
    assert len(warnings()) == 1
    assert "WRONGTYPE" in warnings()[0]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/redis.sock", "redis+sentinel://127.0.0.1:1/service"])
def test_there_is_none(url: str, model: Model, warnings: Warnings) -> None:
    store = RedisStore(url)
    with Cache(store) as cache:
        for _ in range(3):
            began = time.monotonic()
            assert model.ask(cache).status_code == 200
            assert time.monotonic() - began < SOON
    store.close()
    assert len(warnings()) == 1


def test_a_port_that_says_nothing(model: Model, warnings: Warnings) -> None:
    """It takes the connection, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        with Cache(store) as cache:
            began = time.monotonic()
            for _ in range(3):
                assert model.ask(cache).status_code == 200
            assert time.monotonic() - began < SOON
        store.close()
    assert len(warnings()) == 1


def test_something_else_answers(model: Model, warnings: Warnings, provider: Any) -> None:
    """A web server."""
    store = RedisStore(provider.url.replace("http://", "redis://"))
    with Cache(store) as cache:
        for _ in range(3):
            assert model.ask(cache).status_code == 200
    store.close()
    assert len(warnings()) == 1


def test_a_fork_opens_its_own(patient: RedisStore) -> None:
    """Parent and child use it at once, and neither reads the other's answers."""
    keys = {f"{n:064x}": os.urandom(1000) for n in range(50)}
    for key, value in keys.items():
        patient.set(key, value, ttl=None)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if all(patient.get(key) == value for _ in range(20) for key, value in keys.items()) else 2
        finally:
            os._exit(status)
    for _ in range(20):
        assert {key: patient.get(key) for key in keys} == keys
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_fork_while_it_hangs(store: RedisStore, server: RedisServer) -> None:
    """The thread that asks for it stays in the parent: the child has one of its own."""
    store.set(KEY, b"value", ttl=None)
    server.pause()
    with pytest.raises(StoreError):
        store.get(KEY)
    child = os.fork()
    if child == 0:
        try:
            try:
                store.get(KEY)
            except StoreError:
                os.kill(server.pid, signal.SIGCONT)
                until(lambda: store._clients.breaker.current is not None, RECOVERY)
                os._exit(0 if store.get(KEY) == b"value" else 2)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_its_connections_end_with_their_loop(patient: RedisStore, server: RedisServer) -> None:
    def connections() -> int:
        with redis.Redis.from_url(server.url) as other:
            return len(other.client_list())

    async def many() -> None:
        await patient.aget(KEY)
        await asyncio.gather(*(patient.aget(KEY) for _ in range(20)))

    for _ in range(5):
        asyncio.run(many())
    until(lambda: connections() == 2)  # this one, and that of the threads
    patient.close()
    until(lambda: connections() == 1)


@pytest.mark.parametrize("close", ["close", "aclose", "close-in-a-thread"])
def test_closing_it_in_a_loop(patient: RedisStore, server: RedisServer, close: str) -> None:
    async def main() -> None:
        patient.set(KEY, b"value", ttl=None)
        for _ in range(2):
            assert await patient.aget(KEY) == b"value"
            assert await patient.aget(KEY) == b"value"
            if close == "aclose":
                await patient.aclose()
            elif close == "close":
                patient.close()
            else:
                await asyncio.to_thread(patient.close)

    asyncio.run(main())
    with redis.Redis.from_url(server.url) as other:
        until(lambda: len(other.client_list()) == 1)


def test_a_task_that_is_cancelled_leaves_its_answer_to_nobody(store: RedisStore, server: RedisServer) -> None:
    """The connection of a cancelled read is not used again, or the next read would get the answer to that."""
    prefix = uuid4().hex
    values = {f"{prefix}{n}": b"%d" % n * 1000 for n in range(20)}
    for key, value in values.items():
        store.set(key, value, ttl=None)

    async def main() -> None:
        await store.aget(KEY)
        for turns in range(12):
            tasks = [asyncio.create_task(store.aget(key)) for key in values]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for key, value in values.items():
                assert await store.aget(key) == value

    asyncio.run(main())
