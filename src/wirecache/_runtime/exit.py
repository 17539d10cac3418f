"""Actions that run before a process ends, in a fixed order, also in multiprocessing's children."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack

__all__ = ["AtExit"]


class AtExit:
    """Runs ``action`` at exit, the highest ``priority`` first, and in a child of multiprocessing that called ``ensure``.

    The order does not depend on the order of imports. Such a child does not run ``atexit`` functions: it runs multiprocessing's own
    finalizers, also the highest ``priority`` first, and clears its parent's when it starts.
    """

    def __init__(self, action: Callable[[], object], priority: int) -> None:
        self._action = action
        self._priority = priority
        self._registered_in: int | None = None  # the id of the process that has a finalizer
        _actions.append(self)

    def ensure(self) -> None:
        """Make sure that the action runs at the end of this process."""
        util = sys.modules.get("multiprocessing.util")
        if util is not None and self._registered_in != os.getpid():
            self._registered_in = os.getpid()
            util.Finalize(None, self._action, exitpriority=self._priority)

    @staticmethod
    def run_all() -> None:
        """Run the actions of this process. If one fails, the others run nevertheless."""
        with ExitStack() as stack:
            for each in sorted(_actions, key=lambda action: action._priority):  # a stack runs the last one added first
                stack.callback(each._action)


_actions: list[AtExit] = []
atexit.register(AtExit.run_all)
