"""The calls of all contestants in turns, in another order each round, so that the machine's moods and others' threads hit all alike.

The time that the thread waited for a processor that another program had is none of the call's, where the system says it (Linux).
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.contestant import Contestant
from tests.benchmarks.peers.rows import PROMPT, Row
from tests.benchmarks.peers.upstream import Sent

__all__ = ["Figure", "measure"]

WARM = 5  # calls of each before those that count
SCHEDULED = Path("/proc/thread-self/schedstat")  # nanoseconds on a processor, nanoseconds waiting for one, time slices


@dataclass(frozen=True)
class Figure:
    """Seconds a call, and as ratios to the floor's median in this row. ``sent``: of a hundred calls, how many were no hits."""

    median: float
    p99: float
    ratio: float
    ratio_p99: float
    rounds: int
    sent: float
    error: str = ""


def measure(row: Row, contestants: Iterable[Contestant], rounds: int, loop: asyncio.AbstractEventLoop) -> dict[str, dict[str, Any]]:
    """Return the figures of a row by contestant."""
    rounds = max(3, int(rounds * row.rounds))
    taking_part = [contestant for contestant in contestants if row.applies(contestant)]
    run = _callers(row, loop) if row.kind == "callers" else _one_by_one(row)
    calls: dict[str, Callable[[], Any]] = {}
    failures: dict[str, str] = {}
    for contestant in taking_part:
        try:
            if row.kind == "size" and contestant.grow is not None and contestant.ask is not None:
                contestant.ask(PROMPT)
                time.sleep(0.2)  # what is written behind the caller is the row that is copied
                contestant.grow(row.amount)
            calls[contestant.name] = call = run(contestant, rounds)
            for _ in range(WARM):
                call()
        except Exception as error:  # a contestant that fails is a line of the table
            calls.pop(contestant.name, None)
            failures[contestant.name] = f"{type(error).__name__}: {error}".partition("\n")[0][:120]
    times, sent = _in_turns(calls, rounds)
    per_call = row.amount if row.kind == "callers" else 1
    floors = {one.name: one.library for one in taking_part if one.layer == "none"}
    medians = {library: statistics.median(times[name]) for name, library in floors.items()}
    figures = {}
    for one in taking_part:
        if one.name in failures:
            figures[one.name] = asdict(Figure(0, 0, 0, 0, 0, 0, failures[one.name]))
            continue
        taken, floor = sorted(times[one.name]), medians[one.library]
        median, p99 = statistics.median(taken), taken[min(len(taken) - 1, int(len(taken) * 0.99))]
        share = 100 * sent[one.name] / rounds / per_call
        seconds, ratios = (median / per_call, p99 / per_call), (round(median / floor, 3), round(p99 / floor, 3))
        figures[one.name] = asdict(Figure(*seconds, *ratios, rounds, share))
    return figures


def _one_by_one(row: Row) -> Callable[[Contestant, int], Callable[[], Any]]:
    def prepared(contestant: Contestant, rounds: int) -> Callable[[], Any]:
        call = row.call(contestant)
        if contestant.rehearse is not None:
            contestant.rehearse(lambda _: call(), "", rounds + WARM)
        return call

    return prepared


def _callers(row: Row, loop: asyncio.AbstractEventLoop) -> Callable[[Contestant, int], Callable[[], Any]]:
    def prepared(contestant: Contestant, rounds: int) -> Callable[[], Any]:
        assert contestant.ask_async is not None
        assert contestant.ask is not None
        ask = contestant.ask_async
        if contestant.rehearse is not None:
            contestant.rehearse(contestant.ask, PROMPT, (rounds + WARM) * row.amount)

        async def at_once() -> None:
            await asyncio.gather(*(ask(PROMPT) for _ in range(row.amount)))

        return lambda: loop.run_until_complete(at_once())

    return prepared


def _in_turns(calls: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    times: dict[str, list[float]] = {name: [] for name in calls}
    sent = dict.fromkeys(calls, 0)
    order, shuffled = list(calls), random.Random(0)
    gc.collect()
    for _ in range(rounds):
        shuffled.shuffle(order)
        for name in order:
            before, waited, computed, started = Sent.count, _seconds_without_processor(), time.thread_time(), time.perf_counter()
            calls[name]()
            taken = time.perf_counter() - started
            computed = time.thread_time() - computed  # the system may count the waiting of an earlier call late
            times[name].append(max(computed, taken - max(0.0, _seconds_without_processor() - waited)))
            sent[name] += Sent.count - before
    return times, sent


def _seconds_without_processor() -> float:
    """Return how long this thread has waited for a processor that another program had; 0 where the system does not say.

    What other threads of this process have computed is none of it: they may have had the processor, and they work for the call.
    """
    try:
        return int(SCHEDULED.read_text().split()[1]) / 1e9 - (time.process_time() - time.thread_time())
    except OSError:
        return 0.0
