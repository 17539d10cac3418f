"""Blocking work beside an event loop, under asyncio and under trio (tests/sdk/test_nest_asyncio.py: under nest_asyncio)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio

from wirecache._runtime.beside_loop import run_beside_loop


def here(*arguments: object) -> tuple[bool, tuple[object, ...]]:
    return threading.current_thread() is threading.main_thread(), arguments


RUNS: list[Callable[[Any], Any]] = [lambda work: asyncio.run(work()), trio.run]


@pytest.mark.parametrize("run", RUNS, ids=["asyncio", "trio"])
def test_it_is_done_in_another_thread(run: Callable[[Any], Any]) -> None:
    async def work() -> tuple[bool, tuple[object, ...]]:
        return await run_beside_loop(here, 1, "a")

    assert run(work) == (False, (1, "a"))
