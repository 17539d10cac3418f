"""How long is the way of a hit? Counted in function calls, not in time: a count is the same on every machine and every day."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import FrameType

import pytest

import wirecache
from tests.faces.face import Face, Reply, awaited
from tests.provider import CHAT
from wirecache import Budget, Cache, DiskStore

SOURCE = str(Path(wirecache.__file__).parent)
TESTS = str(Path(__file__).parents[1])
URL = "https://api.openai.com/v1/chat/completions"
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
WARM_HITS = 5  # the shortest of them counts: now and then one saves statistics, too


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a hit may take. Lower them whenever it takes less."""

    calls: int
    files: int
    switches: int


# The aim is half of what a hit took at first: 40 calls.
BOUNDS = {"sync": Bounds(calls=64, files=26, switches=43), "asyncio": Bounds(calls=64, files=26, switches=43)}


@dataclass
class CallCounter:
    """A profiler that counts the calls of Python functions, but for those of the tests.

    A generator or coroutine that goes on counts as called once more.
    """

    others: int = 0  # calls of the HTTP library's functions, the standard library's, the store's
    files: list[str] = field(default_factory=list)  # of wirecache: one for each call

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event != "call" or file.startswith(TESTS):
            return
        if file.startswith(SOURCE):
            self.files.append(file)
        else:
            self.others += 1

    @property
    def switches(self) -> int:
        """How often a call of wirecache's is in another file than the one before it."""
        return sum(before != after for before, after in pairwise(self.files))

    def __str__(self) -> str:
        own = len(self.files)
        calls = f"{own + self.others} calls: {own} of wirecache, {self.others} of others"
        return f"{calls}; {len(set(self.files))} files of wirecache, {self.switches} switches between them"


@contextmanager
def counting() -> Iterator[CallCounter]:
    """Count the calls of this thread in this block, in which no garbage is collected."""
    counter = CallCounter()
    gc.disable()
    sys.setprofile(counter)
    try:
        yield counter
    finally:
        sys.setprofile(None)
        gc.enable()


async def count_exchange(face: Face, cache: Cache) -> tuple[CallCounter, Reply]:
    """Return the calls of one exchange, from a prepared request to the end of the response's body."""
    upstream = face.http.MockTransport(lambda _: face.http.Response(200, json=CHAT))
    transport = face.cache_transport(cache, upstream)
    request = face.http.Request("POST", URL, json=QUESTION)
    handle = transport.handle_async_request if face.is_async else transport.handle_request
    with counting() as counter:
        reply = Reply(await awaited(handle(request)), face.is_async)
        await reply.read()
        await reply.close()
    return counter, reply


@pytest.mark.parametrize("face", [Face(library, colour) for library in ("httpx", "httpx2") for colour in BOUNDS], ids=str)
def test_a_warm_disk_hit(face: Face, tmp_path: Path) -> None:
    counters = []
    with Cache(DiskStore(tmp_path)) as cache:
        face.run(partial(count_exchange, face, cache))
        cache.flush()
        for _ in range(WARM_HITS):
            counter, reply = face.run(partial(count_exchange, face, cache))
            assert reply.extensions["wirecache"].hit
            assert reply.json() == CHAT
            counters.append(counter)
    shortest = min(counters, key=lambda counter: len(counter.files) + counter.others)
    print(f"\n{shortest}")
    taken = Bounds(len(shortest.files), len(set(shortest.files)), shortest.switches)
    bounds = BOUNDS[face.colour]
    assert taken.calls <= bounds.calls
    assert taken.files <= bounds.files
    assert taken.switches <= bounds.switches


@pytest.mark.parametrize("face", [Face("httpx", colour) for colour in BOUNDS], ids=str)
def test_a_budget_costs_a_hit_no_call(face: Face, tmp_path: Path) -> None:
    shortest = []
    for budget in (None, Budget(usd=1, calls=5, tokens=100, unpriced="allow")):
        with Cache(DiskStore(tmp_path), budget=budget) as cache:
            face.run(partial(count_exchange, face, cache))
            cache.flush()
            counters = [face.run(partial(count_exchange, face, cache))[0] for _ in range(WARM_HITS)]
            shortest.append(min(len(counter.files) for counter in counters))
    assert shortest[0] == shortest[1]


# -- the counter counts -----------------------------------------------------------------------------------------------


def test_the_counter_counts_calls_files_and_switches() -> None:
    with counting() as counter:
        Path("a").with_name("b")
        wirecache.CacheStatus(fwd="miss").header()
    assert counter.others > 0
    assert len(counter.files) > 0
    counter = CallCounter(files=["a", "a", "b", "a"])
    assert counter.switches == 2
    assert str(counter) == "4 calls: 4 of wirecache, 0 of others; 2 files of wirecache, 2 switches between them"
