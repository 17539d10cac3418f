"""Eight processes of 64 tasks on one budget: none of them is lost or counted twice, though some are killed, and though Redis goes away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.redis_server import RedisServer
from tests.stores.contract import until
from tests.stores.processes import Script
from tests.stores.upstream import URL, Model
from wirecache import Budget, Cache, RedisStore, Spending

PROCESSES, TASKS = 8, 64
CENT = Decimal("0.01")  # that each call costs: 3,000 tokens of gpt-4o and 250 of its output

# Each task makes calls until one is refused. What is sent is noted in a file first, a byte for each call.
CHILD = """
import asyncio, json, os, random, sys
import httpx
from wirecache import Budget, Cache
from wirecache.httpx import AsyncCacheTransport

place, sent, budget, calls = sys.argv[1:]
file = os.open(sent, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
USAGE = {"prompt_tokens": 3000, "completion_tokens": 250}
ANSWER = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}], "usage": USAGE}

async def answer(request):
    os.write(file, b".")
    await asyncio.sleep(random.uniform(0.001, 0.02))
    return httpx.Response(200, json=ANSWER)

async def task(client, number):
    codes = []
    for call in range(int(calls)):
        question = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{os.getpid()} {number} {call}"}]}
        codes.append((await client.post("https://api.openai.com/v1/chat/completions", json=question)).status_code)
        if codes[-1] == 424:
            break
    return codes

async def main(cache):
    async with httpx.AsyncClient(transport=AsyncCacheTransport(cache, httpx.MockTransport(answer)), timeout=60) as client:
        found = await asyncio.gather(*(task(client, number) for number in range(64)))
    return sum(found, [])

with Cache(place, budget=budget, mode="off") as cache:
    print("ready", flush=True)
    input()
    codes = asyncio.run(main(cache))
    cache.flush()
    print("done", json.dumps({str(code): codes.count(code) for code in set(codes)}), flush=True)
    input()  # the run is not over
"""


@pytest.fixture(params=["disk", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that all processes share."""
    if request.param == "disk":
        return str(tmp_path / "store")
    url: str = request.getfixturevalue("redis_url")
    return url


class Run:
    """Eight processes, and what they sent."""

    def __init__(self, place: str, file: Path, budget: str, calls: int) -> None:
        self._file = file
        self.children = [Script(CHILD, place, file, budget, calls) for _ in range(PROCESSES)]
        for child in self.children:
            assert child.line() == "ready"
        for child in self.children:
            child.go()

    @property
    def sent(self) -> int:
        """How many calls went out."""
        return self._file.stat().st_size if self._file.exists() else 0

    def codes(self) -> dict[str, int]:
        """Wait until those that were not killed are done; the statuses of their answers."""
        found: dict[str, int] = {}
        for child in self.children:
            word, _, codes = child.line().partition(" ")
            assert word == "done"
            for code, number in json.loads(codes).items():
                found[code] = found.get(code, 0) + number
        return found

    def kill(self, number: int) -> None:
        for child in self.children[:number]:
            child.kill()
        self.children = self.children[number:]


@contextmanager
def running(place: str, tmp_path: Path, budget: str, calls: int) -> Iterator[Run]:
    with ExitStack() as stack:
        run = Run(place, tmp_path / "sent", budget, calls)
        for child in run.children:
            stack.callback(child.kill)
        yield run


def spent(place: str, budget: Budget) -> Spending:
    with Cache(place, budget=budget) as cache:
        return cache.spending()[0]


@pytest.fixture
def name() -> str:
    """The name of a budget that no other test has: they share a Redis."""
    return uuid4().hex


def test_a_limit_of_calls_is_exact(place: str, tmp_path: Path, name: str) -> None:
    with running(place, tmp_path, f"calls=700, name={name}", 3) as run:
        codes = run.codes()
        assert codes["200"] == run.sent == 700
        found = spent(place, Budget(calls=700, name=name))
    assert (found.calls, found.open, found.untold) == (700, 0, 0)
    assert found.refused == codes["424"]


def test_a_limit_of_dollars_is_crossed_by_what_is_under_way_at_most(place: str, tmp_path: Path, name: str) -> None:
    with running(place, tmp_path, f"usd=6, name={name}", 3) as run:
        codes = run.codes()
        found = spent(place, Budget(usd=6, name=name))
        assert 600 <= run.sent <= 600 + PROCESSES * TASKS
    assert codes["200"] == run.sent
    assert codes["424"] > 0
    assert (found.usd, found.calls, found.open) == (run.sent * CENT, run.sent, 0)


def test_a_process_that_is_killed_spends_what_was_under_way(place: str, tmp_path: Path, name: str) -> None:
    with running(place, tmp_path, f"usd=6, name={name}", 6) as run:
        until(lambda: run.sent >= 300)
        run.kill(2)
        assert run.codes()["424"] > 0
        found = spent(place, Budget(usd=6, name=name))
        assert run.sent <= 600 + PROCESSES * TASKS
    assert found.usd is not None
    assert found.open <= 2 * TASKS, "those that were killed"
    assert run.sent * CENT <= found.usd + found.open * CENT, "all that was sent is counted, or under way"
    assert found.usd + found.open * CENT >= 6


# -- Redis goes away --------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


def test_a_redis_that_is_gone_lets_no_call_pass_and_then_goes_on_where_it_was(server: RedisServer, tmp_path: Path, model: Model) -> None:
    store = RedisStore(server.url, timeout=5)
    with Cache(store, budget=Budget(calls=4), mode="off") as cache, model.client(cache) as client:

        def call(number: int) -> httpx.Response:
            return client.post(URL, json={"model": "m", "messages": [{"role": "user", "content": str(number)}]})

        assert [call(number).status_code for number in range(2)] == [200, 200]
        server.stop()
        refused: Any = call(2)
        assert refused.status_code == 424
        assert refused.json()["error"]["code"] == "budget_exceeded"
        assert "cannot be read or written" in refused.json()["error"]["message"]
        server.start()  # it holds nothing any more
        until(lambda: call(3).status_code == 200)
        assert [call(number).status_code for number in range(4, 7)] == [200, 424, 424], "two were sent before"
        assert cache.spending()[0].calls == 4


def test_a_redis_that_goes_away_while_a_call_is_under_way_counts_it_later(server: RedisServer, tmp_path: Path) -> None:
    from wirecache.httpx import CacheTransport

    def answer(request: httpx.Request) -> httpx.Response:
        server.stop()
        server.start()
        return httpx.Response(200, json={"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})

    with Cache(RedisStore(server.url, timeout=5), budget=Budget(tokens=100), mode="off") as cache:
        client = httpx.Client(transport=CacheTransport(cache, httpx.MockTransport(answer)))
        assert client.post(URL, json={"model": "m"}).status_code == 200
        found: list[Spending] = []

        def is_back() -> bool:
            try:
                found[:] = cache.spending()
            except Exception:
                return False
            return True

        until(is_back)
        assert (found[0].tokens, found[0].calls, found[0].open) == (7, 1, 0)


@pytest.mark.parametrize(("timeout", "code"), [(0.25, 424), (50, 200)], ids=["by default", "with more time"])
def test_a_slow_redis_refuses_unless_it_is_given_the_time(server: RedisServer, model: Model, timeout: float, code: int) -> None:
    """A cache would go on without it."""
    with Cache(RedisStore(server.url, timeout=timeout), budget=Budget(calls=9), mode="off") as cache, model.client(cache) as client:
        until(lambda: client.post(URL, json={"model": "m"}).status_code == 200)
        server.pause()
        resume = threading.Timer(1.0, server.resume)
        if code == 200:
            resume.start()
        reply = client.post(URL, json={"model": "m"})
        server.resume()
        assert reply.status_code == code
        assert ("cannot be read or written, so it is not known what was spent" in reply.text) is (code == 424)
        until(lambda: client.post(URL, json={"model": "m"}).status_code == 200)
        found = cache.spending()[0]
        assert (found.calls, found.open) == (3 if code == 200 else 2, 0)
        resume.cancel()


def test_a_foreign_value_in_the_place_of_a_counter_refuses(server: RedisServer, model: Model) -> None:
    store = RedisStore(server.url, timeout=5)
    with Cache(store, budget=Budget(calls=4, window="month"), mode="off") as cache, model.client(cache) as client:
        assert client.post(URL, json={"model": "m"}).status_code == 200
        (key,) = store._run(lambda redis: redis.keys("wirecache-budget:*month*"))
        store._run(lambda redis: redis.set(key, "nonsense"))
        assert client.post(URL, json={"model": "m"}).status_code == 424
        assert list(store.keys()) == [], "counters are no entries"
        store.clear()
        assert store._run(lambda redis: redis.get(key)) == b"nonsense", "and are not cleared"
