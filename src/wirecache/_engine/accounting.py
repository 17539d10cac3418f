"""The observers that count exchanges (``Statistics``) and log them (``Log``)."""

from __future__ import annotations

import logging

from wirecache._core.flows.exchange import Exchange
from wirecache._engine.observers import Observer
from wirecache._storage.kept_stats import KeptStats, today
from wirecache._storage.tally import Tally

__all__ = ["Log", "Statistics"]

logger = logging.getLogger("wirecache")


class Statistics(Observer):
    """Counts exchanges by labels and day. ``kept``: writes the counters to the store, where the store keeps statistics."""

    def __init__(self, tally: Tally, kept: KeptStats | None = None) -> None:
        self.tally = tally
        self._touch = kept.touch if kept is not None else lambda: None

    def on_head(self, exchange: Exchange) -> None:
        """Count the outcome, and what a reused entry saved."""
        self.tally.answered(exchange.status, exchange.entry, exchange.labels, exchange.day)
        self._touch()

    def on_end(self, exchange: Exchange) -> None:
        """Count the time and tokens that upstream took, the reason why its answer was not stored, and what a budget refused."""
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
        """Count an answer that has been written. It may be called later, and in another thread."""
        self.tally.add("stored", exchange.labels, exchange.day)
        self._touch()

    def on_trouble(self) -> None:
        """Count a failure of the store."""
        self.tally.add("store_errors", day=today())
        self._touch()


class Log(Observer):
    """Logs one line per exchange to the ``wirecache`` logger at DEBUG, and refusals for want of a stored answer at ERROR."""

    def on_end(self, exchange: Exchange) -> None:
        """Log the exchange."""
        if exchange.message is not None and exchange.is_missing:
            logger.error("%s", exchange.message)
        if logger.isEnabledFor(logging.DEBUG):
            differs = "; nearest differs in " + ", ".join(exchange.differences) if exchange.differences else ""
            header = exchange.status.header(exchange.code)
            milliseconds = (exchange.seconds or 0.0) * 1000
            logger.debug("%s %s %d %s %.1f ms%s", exchange.method, exchange.url, exchange.code, header, milliseconds, differs)
