"""Who runs a flow? One of these two drivers, the one of the caller's colour.

``perform`` answers one effect. What it raises is thrown into the flow, so that a flow can react to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

__all__ = ["adrive", "drive"]


Effect = TypeVar("Effect")
Outcome = TypeVar("Outcome")


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


async def adrive(flow: Generator[Effect, Any, Outcome], perform: Callable[[Effect], Awaitable[Any]]) -> Outcome:
    """The same, awaiting each effect."""
    try:
        effect = next(flow)
        while True:
            try:
                answer = await perform(effect)
            except Exception as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        flow.close()
