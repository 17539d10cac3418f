"""One resource for each event loop of asyncio and trio, closed when its loop ends."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import trio

from wirecache._runtime.event_loops import PerEventLoop, in_asyncio, running_loop

Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
RUNS: dict[str, Run] = {"asyncio": lambda main: asyncio.run(main()), "trio": trio.run}


class Resource:
    def __init__(self) -> None:
        self.closed_in: list[object] = []

    async def aclose(self) -> None:
        self.closed_in.append(running_loop())


class Resources:
    """Keeps all resources that were made, so that a test can look at them."""

    def __init__(self) -> None:
        self.made: list[Resource] = []
        self.per_loop = PerEventLoop(self.make, Resource.aclose)

    def make(self) -> Resource:
        self.made.append(Resource())
        return self.made[-1]

    @property
    def closed(self) -> list[int]:
        """How often each was closed."""
        return [len(resource.closed_in) for resource in self.made]


@pytest.fixture
def resources() -> Resources:
    return Resources()


@pytest.fixture(params=RUNS.values(), ids=RUNS)
def run(request: pytest.FixtureRequest) -> Run:
    runner: Run = request.param
    return runner


def test_each_loop_has_its_own_and_closes_it_when_it_ends(run: Run, resources: Resources) -> None:
    loops: list[object] = []

    async def main() -> None:
        assert resources.per_loop.current() is None
        resource = await resources.per_loop.get()
        assert await resources.per_loop.get() is resource
        assert resources.per_loop.current() is resource
        loops.append(running_loop())

    run(main)
    run(main)
    assert [resource.closed_in for resource in resources.made] == [[loop] for loop in loops]
    assert resources.per_loop._entries == {}


def test_two_loops_at_once_have_two(resources: Resources) -> None:
    both = threading.Barrier(2)

    async def main() -> None:
        await resources.per_loop.get()
        await asyncio.to_thread(both.wait, 30)

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert resources.closed == [1, 1]


def test_one_that_is_replaced_is_closed(run: Run, resources: Resources) -> None:
    async def main() -> None:
        first = await resources.per_loop.get()
        second = await resources.per_loop.replace(first)
        assert second is not first
        assert await resources.per_loop.replace(first) is second  # another task was faster
        assert resources.closed == [1, 0]

    run(main)
    assert resources.closed == [1, 1]


def test_aclose_closes_that_of_this_loop(run: Run, resources: Resources) -> None:
    async def main() -> None:
        await resources.per_loop.aclose()
        await resources.per_loop.get()
        await resources.per_loop.aclose()
        assert resources.closed == [1]
        await resources.per_loop.get()

    run(main)
    assert resources.closed == [1, 1]


def test_close_all_closes_those_of_other_threads(resources: Resources) -> None:
    opened, closed = threading.Event(), threading.Event()

    async def main() -> None:
        await resources.per_loop.get()
        opened.set()
        await asyncio.to_thread(closed.wait, 30)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    opened.wait(30)
    resources.per_loop.close_all()
    assert resources.closed == [1]
    closed.set()
    thread.join()
    assert resources.closed == [1]


def test_close_all_leaves_that_of_its_own_loop_to_the_loop(run: Run, resources: Resources) -> None:
    async def main() -> None:
        await resources.per_loop.get()
        resources.per_loop.close_all()
        assert resources.closed == [0]

    run(main)
    assert resources.closed == [1]


def test_what_is_forgotten_is_not_closed(run: Run, resources: Resources) -> None:
    async def main() -> None:
        await resources.per_loop.get()
        assert len(resources.per_loop.forget()) == 1
        assert await resources.per_loop.get() is resources.made[1]

    run(main)
    assert resources.closed == [0, 1]


def test_a_loop_that_was_closed_without_ending_its_generators_is_forgotten(resources: Resources) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(resources.per_loop.get())
    loop.close()
    resources.per_loop.close_all()
    assert resources.per_loop._entries == {}
    assert resources.closed == [0]


def test_a_child_has_none_of_its_parents(resources: Resources) -> None:
    with asyncio.Runner() as runner:
        runner.run(resources.per_loop.get())
        child = os.fork()
        if child == 0:
            os._exit(0 if resources.per_loop._entries == {} and resources.closed == [0] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(resources.per_loop._entries) == 1
    assert resources.closed == [1]


def test_it_is_freed_when_nobody_holds_it() -> None:
    per_loop = PerEventLoop(Resource, Resource.aclose)
    gone = weakref.ref(per_loop)
    asyncio.run(per_loop.get())  # type: ignore[arg-type]
    del per_loop
    gc.collect()
    assert gone() is None


def test_which_library_runs() -> None:
    async def is_asyncio() -> bool:
        return in_asyncio()

    assert not in_asyncio()
    assert asyncio.run(is_asyncio())
    assert not trio.run(is_asyncio)
