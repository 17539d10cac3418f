"""Who is notified of each exchange? Statistics, the log, and what a user gave as ``on_exchange``.

An observer has ``on_head(exchange)``, called when the head of the answer is known, and ``on_end(exchange)``, called when the exchange is
over, exactly once. All of them see the same ``Exchange``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from wirecache._core.flows.exchange import Exchange
from wirecache._runtime.warn_once import WarnOnce
from wirecache._storage.kept_stats import KeptStats, today
from wirecache._storage.tally import Tally
from wirecache.errors import ConfigError

__all__ = ["Callback", "Log", "Observer", "Statistics"]

logger = logging.getLogger("wirecache")


class Observer:
    """What is notified of exchanges. Both methods are called in the thread and context of the caller, and must not raise."""

    def on_head(self, exchange: Exchange) -> None:
        """The head of the answer is known, the body is still to come."""

    def on_end(self, exchange: Exchange) -> None:
        """The exchange is over, its body too."""


class Statistics(Observer):
    """Counts exchanges, by labels and day. ``kept``: passes the counters on to the store, if there is one that keeps them."""

    def __init__(self, tally: Tally, kept: KeptStats | None = None) -> None:
        self.tally = tally
        self._touch = kept.touch if kept is not None else lambda: None

    def on_head(self, exchange: Exchange) -> None:
        """Count the outcome, and what a reused entry saved."""
        self.tally.answered(exchange.status, exchange.entry, exchange.labels, exchange.day)
        self._touch()

    def on_end(self, exchange: Exchange) -> None:
        """Count what upstream took and cost, and why its answer was not stored; and what a budget refused."""
        if not exchange.is_forwarded:
            if exchange.message is not None and exchange.is_over_budget:
                self.tally.refused(exchange.status.detail or "", exchange.labels, exchange.day)
                self._touch()
            return
        cost, labels, day = exchange.cost, exchange.labels, exchange.day
        seconds = cost.spent_seconds or 0.0
        if cost.billed is not None or cost.is_uncounted:
            self.tally.paid(cost.billed, seconds, labels, day)
        else:
            self.tally.spent(seconds, labels, day)
        if (reason := exchange.refusal_reason) is not None:
            self.tally.refused(reason, labels, day)
        self._touch()

    def on_stored(self, exchange: Exchange) -> None:
        """Count an answer that has been written; perhaps later, in another thread."""
        self.tally.add("stored", exchange.labels, exchange.day)
        self._touch()

    def on_trouble(self) -> None:
        """Count a failure of the store."""
        self.tally.add("store_errors", day=today())
        self._touch()


class Log(Observer):
    """Writes one line an exchange on the ``wirecache`` logger, at DEBUG; a request that had no answer and was not sent is an error."""

    def on_end(self, exchange: Exchange) -> None:
        """Write what is to be written."""
        if exchange.message is not None and exchange.is_missing:
            logger.error("%s", exchange.message)
        if logger.isEnabledFor(logging.DEBUG):
            differs = "; nearest differs in " + ", ".join(exchange.differences) if exchange.differences else ""
            header = exchange.status.header(exchange.code)
            milliseconds = (exchange.seconds or 0.0) * 1000
            logger.debug("%s %s %d %s %.1f ms%s", exchange.method, exchange.url, exchange.code, header, milliseconds, differs)


class Callback(Observer):
    """Calls a user's function when an exchange is over; what it raises is logged once, and never reaches the call.

    If the function has a method ``on_head``, that is called when the head is known.
    """

    def __init__(self, function: Callable[[Exchange], object]) -> None:
        if not callable(function):
            raise ConfigError(f"on_exchange must be a function of one exchange, got {function!r}")
        self._function = function
        self._on_head: Callable[[Exchange], object] | None = getattr(function, "on_head", None)
        self._warn = WarnOnce()

    def on_head(self, exchange: Exchange) -> None:
        """Call its ``on_head``, if it has one."""
        if self._on_head is not None:
            self._call(self._on_head, exchange)

    def on_end(self, exchange: Exchange) -> None:
        """Call it."""
        self._call(self._function, exchange)

    def _call(self, function: Callable[[Exchange], Any], exchange: Exchange) -> None:
        try:
            function(exchange)
        except Exception:
            self._warn("raised", "wirecache: on_exchange= raised; calls go on without it", exc_info=True)
