"""Who runs a flow? One of these two drivers, the one of the caller's colour.

``perform`` answers one effect. What it raises is thrown into the flow, so that a flow can react to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from wirecache._core.effects import Effect, Flow, Outcome

__all__ = ["adrive", "drive"]


def drive(flow: Flow, perform: Callable[[Effect], Any]) -> Outcome:
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


async def adrive(flow: Flow, perform: Callable[[Effect], Awaitable[Any]]) -> Outcome:
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
