"""A cache on each store against a dictionary with a clock: any calls, times, failures and restarts, in any order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.provider import CHAT
from tests.stores.upstream import URL, question
from wirecache import Cache, DiskStore, EncryptedStore, MemoryStore, RedisStore, TieredStore, options
from wirecache._core.messages import Entry
from wirecache.httpx import cached_client

TTL = 100.0
# Times are no multiples of each other's, so that no entry is looked at in the very moment in which it becomes stale.
TIMES = st.sampled_from([7.0, 45.0, 130.0, 5000.0])
TTLS = st.sampled_from([None, None, 20.5, 1000.5])
PROMPTS = st.sampled_from(["a", "b"])
NAMESPACES = st.sampled_from(["", "other"])
MODES = st.sampled_from(["auto", "auto", "auto", "offline", "refresh", "off"])
CONTROLS = st.sampled_from(["", "", "", "no-store", "no-cache", "only-if-cached", "max-age=30"])


class Kept(NamedTuple):
    """What the dictionary has of an entry. ``ttl``: that of the call that stored it."""

    answer: str
    stored_at: float
    ttl: float | None


def prompt_of(entry: Entry) -> str:
    prompt: str = json.loads(bytes(entry.request_body))["messages"][0]["content"]
    return prompt


class Machine(RuleBasedStateMachine):
    """Each rule does the same to the cache and to the dictionary, and compares what comes of it."""

    def __init__(self, make_store: Callable[[], Any], set_clock: Callable[[float], None]) -> None:
        super().__init__()
        self.make_store = make_store
        self.set_clock = set_clock
        self.now = 1_800_000_000.0
        self.answers = 0
        self.fails = False
        self.kept: dict[tuple[str, str], Kept] = {}

    @initialize()
    def begin(self) -> None:
        self.set_clock(self.now)
        self.open()
        self.cache.clear()

    def open(self) -> None:
        self.cache = Cache(self.make_store(), ttl=TTL)
        self.hits = self.misses = 0

    def teardown(self) -> None:
        self.cache.close()

    def upstream(self, request: httpx.Request) -> httpx.Response:
        self.answers += 1
        return httpx.Response(500 if self.fails else 200, json={**CHAT, "id": str(self.answers)})

    def age_and_ttl(self, key: tuple[str, str], ttl: float | None = None) -> tuple[float, float]:
        kept = self.kept[key]
        return self.now - kept.stored_at, kept.ttl or ttl or TTL

    @rule(prompt=PROMPTS, namespace=NAMESPACES, mode=MODES, ttl=TTLS, control=CONTROLS)
    def ask(self, prompt: str, namespace: str, mode: Any, ttl: float | None, control: str) -> None:
        key, before = (namespace, prompt), self.answers
        given: dict[str, Any] = {"mode": mode, "namespace": namespace, **({"ttl": ttl} if ttl else {})}
        with options(**given), cached_client(self.cache, transport=httpx.MockTransport(self.upstream)) as client:
            response = client.post(URL, json=question(prompt), headers={"cache-control": control} if control else {})
        outcome = self.outcome(key, mode, ttl, control)
        if outcome == "hit":
            assert (response.json()["id"], self.answers) == (self.kept[key].answer, before)
            self.hits += 1
            return
        if outcome == "refused":
            assert (response.status_code, self.answers) == (424, before)
            return
        assert (self.answers, response.status_code) == (before + 1, 500 if self.fails else 200)
        if not self.fails and mode != "off" and control != "no-store":
            assert response.extensions["wirecache"].stored
            self.kept[key] = Kept(str(self.answers), self.now, ttl)

    def outcome(self, key: tuple[str, str], mode: str, ttl: float | None, control: str) -> str:
        """Return what the contract says: a hit, a forward, or refused."""
        otherwise = "refused" if mode == "offline" or control == "only-if-cached" else "forward"
        if mode in ("off", "refresh") or control in ("no-store", "no-cache") or key not in self.kept:
            return otherwise
        age, lifetime = self.age_and_ttl(key, ttl)
        is_fresh = age < lifetime and (control != "max-age=30" or age <= 30)
        return "hit" if is_fresh or mode == "offline" else otherwise

    @rule(seconds=TIMES)
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.set_clock(self.now)

    @rule(fails=st.booleans())
    def fail(self, fails: bool) -> None:
        self.fails = fails

    @rule(prompt=PROMPTS)
    def discard(self, prompt: str) -> None:
        found = [entry.key for entry in self.cache.entries() if prompt == prompt_of(entry)]
        for key in found:
            self.cache.discard(key)
        assert len(found) == sum(self.kept.pop((namespace, prompt), None) is not None for namespace in ("", "other"))

    @rule()
    def prune(self) -> None:
        stale = [key for key in self.kept if (lambda age, ttl: age >= ttl)(*self.age_and_ttl(key))]
        assert self.cache.prune() == len(stale)
        for key in stale:
            del self.kept[key]

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.kept.clear()

    @rule()
    def restart(self) -> None:
        self.cache.close()
        self.open()

    @invariant()
    def all_that_is_kept_is_there(self) -> None:
        self.cache.flush()
        assert sorted(json.loads(entry.body)["id"] for entry in self.cache.entries()) == sorted(kept.answer for kept in self.kept.values())
        assert self.cache.stats.hits == self.hits
        assert self.cache.stats.store_errors == 0


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that sets the time of day for all of this process."""

    def set_clock(now: float) -> None:
        monkeypatch.setattr(time, "time", lambda: now)

    return set_clock


def in_memory(folder: Path, redis: str) -> Callable[[], Any]:
    store = MemoryStore()
    return lambda: store


def in_tiers(folder: Path, redis: str) -> Callable[[], Any]:
    memory = MemoryStore()
    return lambda: TieredStore([memory, DiskStore(folder)])


STORES: dict[str, Callable[[Path, str], Callable[[], Any]]] = {
    "memory": in_memory,
    "disk": lambda folder, redis: partial(DiskStore, folder, open_wait=50, lock_wait=50),
    "redis": lambda folder, redis: partial(RedisStore, redis, prefix=f"model-{uuid4()}:", timeout=20),
    "tiers": in_tiers,
    "encrypted": lambda folder, redis: lambda: EncryptedStore(DiskStore(folder), b"k" * 32),
}


@pytest.mark.parametrize("store", STORES)
def test_a_cache_is_a_dictionary_with_a_clock(store: str, set_clock: Callable[[float], None], tmp_path: Path, redis_url: str) -> None:
    make_store = STORES[store](tmp_path / "store", redis_url)
    how = settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(partial(Machine, make_store, set_clock), settings=how)
