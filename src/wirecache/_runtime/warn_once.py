"""Warnings that are logged only once, however often the problem occurs."""

from __future__ import annotations

import logging
import threading

__all__ = ["WarnOnce"]

MAX_WARNINGS = 20  # per object, since a store's messages may contain keys

logger = logging.getLogger("wirecache")


class WarnOnce:
    """Logs a warning once for each cause, and for at most ``limit`` causes. Thread-safe."""

    def __init__(self, limit: int = MAX_WARNINGS) -> None:
        self._limit = limit
        self._causes: set[object] = set()
        self._lock = threading.Lock()

    def __call__(self, cause: object, message: str, *arguments: object, exc_info: bool = False) -> bool:
        """Log the message unless the cause was reported before. Return whether it was logged. ``exc_info``: add the traceback."""
        with self._lock:
            new = cause not in self._causes and len(self._causes) < self._limit
            if new:
                self._causes.add(cause)
        if new:
            logger.warning(message, *arguments, exc_info=exc_info)
        return new

    def after_fork(self) -> None:
        """Replace the lock, which another thread may have held; causes stay reported."""
        self._lock = threading.Lock()
