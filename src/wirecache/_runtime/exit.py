"""How is work done before a process ends, a child of multiprocessing included?"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable

__all__ = ["AtExit"]


class AtExit:
    """Runs ``action`` at exit, and in a child of multiprocessing that called ``ensure``.

    Such a child ends without running ``atexit``'s functions: it runs multiprocessing's own finalizers, the highest ``priority`` first,
    and clears those of its parent when it begins.
    """

    def __init__(self, action: Callable[[], object], priority: int) -> None:
        self._action = action
        self._priority = priority
        self._registered_in: int | None = None  # the id of the process that has a finalizer
        atexit.register(action)

    def ensure(self) -> None:
        """Make sure that the action runs at the end of this process."""
        util = sys.modules.get("multiprocessing.util")
        if util is not None and self._registered_in != os.getpid():
            self._registered_in = os.getpid()
            util.Finalize(None, self._action, exitpriority=self._priority)
