"""The step at which a replayed run forks: earlier steps are replayed, that one and later ones are sent. (Not about process forks.)"""

from __future__ import annotations

from itertools import count
from typing import Literal

__all__ = ["ForkPoint", "ForkReason"]

ForkReason = Literal["from_step", "differs"]


class ForkPoint:
    """Counts the steps (requests) of a run and remembers from which one on they are live. Thread-safe.

    ``from_step``: the step, counted from 1, from which on all are live whatever they request; None if there is none. ``live_from``: the
    first step that was live; None as long as all were replayed. ``reason``: why it was (that step was given, or was not recorded).
    """

    def __init__(self, from_step: int | None = None) -> None:
        self.from_step = from_step
        self.live_from: int | None = None
        self.reason: ForkReason | None = None
        self._steps = count(1)

    def begin_step(self) -> int:
        """Return the number of the step that begins now."""
        step = next(self._steps)
        if self.live_from is None and self.from_step is not None and step >= self.from_step:
            self._go_live(step, "from_step")
        return step

    def is_live(self, step: int) -> bool:
        """Return whether the step is sent without looking it up."""
        return self.live_from is not None and step >= self.live_from

    def diverge(self, step: int) -> None:
        """Go live from this step on, because its request was not recorded."""
        if self.live_from is None:
            self._go_live(step, "differs")

    def _go_live(self, step: int, reason: ForkReason) -> None:
        self.reason, self.live_from = reason, step
