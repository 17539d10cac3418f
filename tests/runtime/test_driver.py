from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.core.play import entry
from wirecache._core.flows.effects import Discard, Effect, Flow, Lookup, Outcome, ReadBody, Refuse
from wirecache._core.status import CacheStatus
from wirecache._runtime.driver import adrive, drive

Driver = Callable[[Flow, Callable[[Effect], Any]], Outcome]


def in_a_loop(flow: Flow, perform: Callable[[Effect], Any]) -> Outcome:
    async def performed(effect: Effect) -> Any:
        await asyncio.sleep(0)
        return perform(effect)

    return asyncio.run(adrive(flow, performed))


@pytest.fixture(params=[drive, in_a_loop], ids=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> Driver:
    run: Driver = request.param
    return run


def end(message: Any) -> Refuse:
    return Refuse(CacheStatus(), str(message))


def test_each_effect_is_answered_in_order(driver: Driver) -> None:
    def flow() -> Flow:
        first = yield ReadBody()
        second = yield Lookup(first)
        third = yield Discard(second)
        return end([first, second, third])

    performed: list[Effect] = []

    def perform(effect: Effect) -> str:
        performed.append(effect)
        return f"<{len(performed)}>"

    assert driver(flow(), perform) == end(["<1>", "<2>", "<3>"])
    assert performed == [ReadBody(), Lookup("<1>"), Discard("<2>")]


def test_a_flow_may_ask_for_nothing(driver: Driver) -> None:
    def flow() -> Flow:
        return end("at once")
        yield ReadBody()

    assert driver(flow(), lambda effect: pytest.fail(f"asked for {effect}")) == end("at once")


def test_none_is_an_answer(driver: Driver) -> None:
    def flow() -> Flow:
        return end((yield Lookup("k")))

    assert driver(flow(), lambda _: None) == end(None)


def fail(effect: Effect) -> str:
    if isinstance(effect, Lookup):
        raise OSError("gone")
    return "on"


def test_a_flow_can_react_to_what_an_effect_raised(driver: Driver) -> None:
    def flow() -> Flow:
        try:
            yield Lookup("k")
        except OSError as error:
            return end(f"{error}, and {(yield ReadBody())}")
        return end("not reached")

    assert driver(flow(), fail) == end("gone, and on")


def test_what_no_flow_catches_reaches_the_caller_unchanged(driver: Driver) -> None:
    def flow() -> Flow:
        yield Lookup("k")
        return end("not reached")

    with pytest.raises(OSError, match=r"^gone$"):
        driver(flow(), fail)


class Stop(BaseException):
    pass


@pytest.mark.parametrize("error", [OSError, Stop, KeyboardInterrupt])
def test_a_flow_is_closed_whatever_happens(driver: Driver, error: type[BaseException]) -> None:
    seen: list[str] = []

    def flow() -> Flow:
        try:
            yield Lookup("k")
        except Exception as caught:
            seen.append(type(caught).__name__)
            raise
        finally:
            seen.append("closed")
        return end("not reached")

    def perform(_: Effect) -> None:
        raise error

    with pytest.raises(error):
        driver(flow(), perform)
    assert seen[-1] == "closed"
    assert seen[:-1] == (["OSError"] if error is OSError else [])  # the others are no flow's business


def test_cancelling_closes_the_flow() -> None:
    seen: list[str] = []

    def flow() -> Flow:
        try:
            yield Lookup("k")
        finally:
            seen.append("closed")
        return end("not reached")

    async def cancelled() -> None:
        async def never(_: Effect) -> None:
            await asyncio.Event().wait()

        task = asyncio.ensure_future(adrive(flow(), never))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert seen == ["closed"]


def test_an_error_of_the_flow_itself_reaches_the_caller(driver: Driver) -> None:
    def flow() -> Flow:
        found = yield Lookup("k")
        raise ValueError(found.key)

    with pytest.raises(ValueError, match=r"^abab"):
        driver(flow(), lambda _: entry())
