"""Another process holds a lock on the database: a call waits little, once, and is answered by upstream."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stores.processes import locked
from tests.stores.upstream import URL, Model, question
from wirecache import Cache, DiskStore

Warnings = Callable[[], list[str]]
LOCKS = {
    "immediate": ("BEGIN IMMEDIATE",),
    "exclusive": ("BEGIN EXCLUSIVE",),
    "exclusive-rollback-journal": ("PRAGMA journal_mode = delete", "BEGIN EXCLUSIVE"),
    "exclusive-for-good": ("PRAGMA locking_mode = exclusive", "BEGIN IMMEDIATE", "COMMIT"),
}


def seconds(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


@contextmanager
def longest_pause() -> Iterator[Callable[[], float]]:
    """Yield what returns the longest pause of a thread that only sleeps, in seconds: that is how busy the machine is."""
    pauses, ended = [0.0], threading.Event()

    def sleep() -> None:
        while not ended.is_set():
            pauses[0] = max(pauses[0], seconds(lambda: time.sleep(0.001)))

    thread = threading.Thread(target=sleep)
    thread.start()
    yield lambda: pauses[0]
    ended.set()
    thread.join()


@pytest.fixture
def closed(path: Path, model: Model) -> Path:
    """A store with one entry."""
    with Cache(path) as cache:
        model.ask(cache, "stored")
    return path


NOT_READABLE = ("exclusive-rollback-journal", "exclusive-for-good")


@pytest.mark.parametrize("statements", [LOCKS[name] for name in NOT_READABLE], ids=NOT_READABLE)
def test_at_the_first_use(statements: tuple[str, ...], closed: Path, model: Model, warnings: Warnings) -> None:
    cache = Cache(closed)
    with locked(closed, *statements):
        first = seconds(lambda: model.ask(cache, "stored"))  # it waits, a second
        later = [seconds(lambda n=n: model.ask(cache, f"prompt {n}")) for n in range(10)]  # type: ignore[misc]
        assert (cache.stats.store_errors, cache.stats.stored) == (22, 0)
    assert model.calls == 12
    assert sum(later) < 5 * first  # if each waited, it would be ten times
    assert len(warnings()) == 1
    cache.close()


@pytest.mark.parametrize("statements", [LOCKS["immediate"], LOCKS["exclusive-for-good"]], ids=["immediate", "exclusive-for-good"])
def test_before_there_is_a_database(statements: tuple[str, ...], path: Path, model: Model, warnings: Warnings) -> None:
    path.mkdir(0o700)
    cache = Cache(path)
    with locked(path, *statements):
        first = seconds(lambda: model.ask(cache, "one"))
        assert sum(seconds(lambda n=n: model.ask(cache, f"prompt {n}")) for n in range(10)) < 5 * first  # type: ignore[misc]
        assert (cache.stats.store_errors, cache.stats.stored) == (22, 0)
    assert len(warnings()) == 1
    cache.close()


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "not yet open"])
@pytest.mark.parametrize("statements", [LOCKS["immediate"], LOCKS["exclusive"]], ids=["immediate", "exclusive"])
def test_reads_wait_for_no_writer(statements: tuple[str, ...], is_open: bool, closed: Path, model: Model, warnings: Warnings) -> None:
    """Opening does not, either, where nothing is to be changed. What cannot be written is not stored."""
    cache = Cache(DiskStore(closed, lock_wait=0.2))
    if is_open:
        assert model.ask(cache, "stored").extensions["wirecache"].hit
    with locked(closed, *statements):
        for prompt in ("new", "newer", "stored"):
            model.ask(cache, prompt)
        assert model.ask(cache, "stored").extensions["wirecache"].hit
        assert (cache.stats.stored, cache.stats.store_errors) == (0, 2)
    assert len(warnings()) == 1
    assert "locked" in warnings()[0]
    assert not model.ask(cache, "new").extensions["wirecache"].hit
    assert model.ask(cache, "new").extensions["wirecache"].hit
    assert cache.stats.stored == 1
    cache.close()


def test_a_waiting_answer_is_found_meanwhile(closed: Path, model: Model) -> None:
    """No call waits until it is written: that would take longer than a test may."""
    cache = Cache(DiskStore(closed, lock_wait=300.0))
    assert model.ask(cache, "stored").extensions["wirecache"].hit
    with locked(closed, "BEGIN IMMEDIATE"):
        model.ask(cache, "new")
        assert model.ask(cache, "new").extensions["wirecache"].hit
    cache.close()
    assert cache.stats.stored == 1


def test_the_event_loop_goes_on_and_the_store_comes_back(closed: Path, model: Model, warnings: Warnings) -> None:
    """After some seconds it is tried again, in a thread: no turn of the loop is held up."""
    cache = Cache(closed)

    async def calls_until(found: Callable[[], bool], client: object) -> float:
        """Ask again and again; the longest turn of the loop, in seconds."""
        longest = 0.0
        asking: asyncio.Future[object] | None = None
        while not found():
            if asking is None or asking.done():
                asking = asyncio.ensure_future(client.post(URL, json=question("stored")))  # type: ignore[attr-defined]
            started = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - started)
        if asking is not None:
            await asking
        return longest

    async def main() -> tuple[float, float]:
        async with model.async_client(cache) as client:
            with locked(closed, *LOCKS["exclusive-for-good"]):
                started = time.monotonic()
                held = await calls_until(lambda: time.monotonic() - started > 6.5, client)
            back = await calls_until(lambda: cache._statistics.tally.snapshot().hits > 0, client)
            return held, back

    with longest_pause() as pause:
        held, back = asyncio.run(main())
        assert max(held, back) < 0.5 + pause()
    assert len(warnings()) == 1
    cache.close()
