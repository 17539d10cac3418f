"""How is something done before a process ends, a child of multiprocessing included?"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable

__all__ = ["AtEnd"]


class AtEnd:
    """``action`` is done at exit; also in a child of multiprocessing that made a ``promise``.

    Such a child ends without ``atexit``: it has a list of its own, which it empties when it begins, the highest ``priority`` first.
    """

    def __init__(self, action: Callable[[], object], priority: int) -> None:
        self._action = action
        self._priority = priority
        self._promised_by: int | None = None  # the process that has promised it
        atexit.register(action)

    def promise(self) -> None:
        """There is something to do in this process."""
        util = sys.modules.get("multiprocessing.util")
        if util is not None and self._promised_by != os.getpid():
            self._promised_by = os.getpid()
            util.Finalize(None, self._action, exitpriority=self._priority)
