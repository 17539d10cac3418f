"""At which step does a run fork: replayed before it, sent from it on? (Forks of processes: ``_runtime/forks.py``.)"""

from __future__ import annotations

from itertools import count
from typing import Literal

__all__ = ["ForkPoint", "ForkReason"]

ForkReason = Literal["from_step", "differs"]


class ForkPoint:
    """Counts the requests of a run, its steps, and notes from which one on they are live. Safe for threads.

    ``from_step``: the first step that is live whatever it requests, counted from 1; None: there is none. ``live_from``: the step from
    which on all were live; None as long as all were replayed. ``reason``: why: that step was named, or its request was not recorded.
    """

    def __init__(self, from_step: int | None = None) -> None:
        self.from_step = from_step
        self.live_from: int | None = None
        self.reason: ForkReason | None = None
        self._steps = count(1)

    def begin_step(self) -> int:
        """Return the number of the request that is made now."""
        step = next(self._steps)
        if self.live_from is None and self.from_step is not None and step >= self.from_step:
            self._go_live(step, "from_step")
        return step

    def is_live(self, step: int) -> bool:
        """Return whether the step is sent without a look at what was recorded."""
        return self.live_from is not None and step >= self.live_from

    def diverge(self, step: int) -> None:
        """Go live from that step on, whose request was not recorded."""
        if self.live_from is None:
            self._go_live(step, "differs")

    def _go_live(self, step: int, reason: ForkReason) -> None:
        self.reason, self.live_from = reason, step
