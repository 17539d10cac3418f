"""The two drivers that run a flow: one for sync code and one for event loops.

``perform`` answers one effect. What it raises is thrown into the flow, so that the flow can react to it. Under an event loop a flow
processes a large answer (a request of megabytes to parse and hash; a dict of entries, however many) in a worker thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, NamedTuple, TypeVar

__all__ = ["adrive", "drive"]


Effect = TypeVar("Effect")
Outcome = TypeVar("Outcome")
LARGE_ANSWER = 256 * 1024  # bytes; processing more takes milliseconds


def drive(flow: Generator[Effect, Any, Outcome], perform: Callable[[Effect], Any]) -> Outcome:
    """Run the flow and return its outcome."""
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


class _Finished(NamedTuple, Generic[Outcome]):
    """The outcome of a flow that ended in a worker thread, since a future cannot carry a ``StopIteration``."""

    outcome: Outcome


def _send(flow: Generator[Effect, Any, Outcome], answer: object) -> Effect | _Finished[Outcome]:
    try:
        return flow.send(answer)
    except StopIteration as stop:
        return _Finished(stop.value)


async def adrive(flow: Generator[Effect, Any, Outcome], perform: Callable[[Effect], Awaitable[Any]]) -> Outcome:
    """Run the flow on an event loop, awaiting each effect, and return its outcome."""
    try:
        effect = next(flow)
        while True:
            try:
                answer = await perform(effect)
            except Exception as error:
                effect = flow.throw(error)
                continue
            kind = type(answer)
            if kind is not dict and (kind is not bytes or len(answer) <= LARGE_ANSWER):
                effect = flow.send(answer)
                continue
            from wirecache._runtime.beside_loop import run_beside_loop

            sent = await run_beside_loop(_send, flow, answer)
            if isinstance(sent, _Finished):
                return sent.outcome  # type: ignore[no-any-return]
            effect = sent
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        flow.close()
