"""The interface of what is notified of each exchange: statistics and log (``accounting``), and the user's ``on_exchange``.

An observer has ``on_head(exchange)``, called when the head of the answer is known, and ``on_end(exchange)``, called exactly once, when
the exchange is over. All of them see the same ``Exchange``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirecache._core.flows.exchange import Exchange
from wirecache._runtime.warn_once import WarnOnce
from wirecache.errors import ConfigError

__all__ = ["Callback", "Observer"]


class Observer:
    """Is notified of exchanges. Both methods are called in the caller's thread and context, and must not raise."""

    def on_head(self, exchange: Exchange) -> None:
        """Handle an exchange whose answer's head is known; the body is still to come."""

    def on_end(self, exchange: Exchange) -> None:
        """Handle an exchange that is over, including its body."""


class Callback(Observer):
    """Calls a user's function when an exchange is over. What the function raises is logged once and never reaches the call.

    If the function has a method ``on_head``, that is called when the head of the answer is known.
    """

    def __init__(self, function: Callable[[Exchange], object]) -> None:
        if not callable(function):
            raise ConfigError(f"on_exchange must be a callable that takes one exchange, got {function!r}")
        self._function = function
        self._on_head: Callable[[Exchange], object] | None = getattr(function, "on_head", None)
        self._warn = WarnOnce()

    def on_head(self, exchange: Exchange) -> None:
        """Call the function's ``on_head``, if it has one."""
        if self._on_head is not None:
            self._call(self._on_head, exchange)

    def on_end(self, exchange: Exchange) -> None:
        """Call the function."""
        self._call(self._function, exchange)

    def _call(self, function: Callable[[Exchange], Any], exchange: Exchange) -> None:
        try:
            function(exchange)
        except Exception:
            self._warn("raised", "wirecache: on_exchange= raised; calls go on without it", exc_info=True)
