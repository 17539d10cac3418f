"""Who runs a flow? One of these two drivers, the one of the caller's colour.

``perform`` answers one effect. What it raises is thrown into the flow, so that a flow can react to it. Under an event loop a flow works
on a large answer (a request of megabytes, to be parsed and hashed) in a worker thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, NamedTuple, TypeVar

__all__ = ["adrive", "drive"]


Effect = TypeVar("Effect")
Outcome = TypeVar("Outcome")
BIG = 256 * 1024  # bytes; a flow's work on more takes milliseconds


def drive(flow: Generator[Effect, Any, Outcome], perform: Callable[[Effect], Any]) -> Outcome:
    """Run a flow to its outcome."""
    try:
        effect = next(flow)
        while True:
            try:
                answer = perform(effect)
            except Exception as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        flow.close()


class _Ended(NamedTuple, Generic[Outcome]):
    """A flow's end, told by a worker thread: no future can carry a ``StopIteration``."""

    outcome: Outcome


def _sent(flow: Generator[Effect, Any, Outcome], answer: bytes) -> Effect | _Ended[Outcome]:
    try:
        return flow.send(answer)
    except StopIteration as stop:
        return _Ended(stop.value)


async def adrive(flow: Generator[Effect, Any, Outcome], perform: Callable[[Effect], Awaitable[Any]]) -> Outcome:
    """The same, awaiting each effect."""
    try:
        effect = next(flow)
        while True:
            try:
                answer = await perform(effect)
            except Exception as error:
                effect = flow.throw(error)
                continue
            if type(answer) is not bytes or len(answer) <= BIG:
                effect = flow.send(answer)
                continue
            from anyio.to_thread import run_sync

            sent = await run_sync(_sent, flow, answer)
            if isinstance(sent, _Ended):
                return sent.outcome  # type: ignore[no-any-return]
            effect = sent
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        flow.close()
