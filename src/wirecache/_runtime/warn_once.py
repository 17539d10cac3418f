"""How is a problem reported once, however often it is met?"""

from __future__ import annotations

import logging
import threading

__all__ = ["WarnOnce"]

MAX_WARNINGS = 20  # of one object: a store may put each key into its message

logger = logging.getLogger("wirecache")


class WarnOnce:
    """Logs a warning for each cause once, and for ``limit`` causes at most. Safe for threads."""

    def __init__(self, limit: int = MAX_WARNINGS) -> None:
        self._limit = limit
        self._causes: set[object] = set()
        self._lock = threading.Lock()

    def __call__(self, cause: object, message: str, *arguments: object, exc_info: bool = False) -> bool:
        """Log the message unless the cause was reported before. Return whether it was logged now. ``exc_info`` adds the traceback."""
        with self._lock:
            new = cause not in self._causes and len(self._causes) < self._limit
            if new:
                self._causes.add(cause)
        if new:
            logger.warning(message, *arguments, exc_info=exc_info)
        return new

    def after_fork(self) -> None:
        """Replace the lock, which another thread may have held; what was reported stays reported."""
        self._lock = threading.Lock()
