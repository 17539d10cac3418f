"""What does ``WIRECACHE_LOG`` print? A line per exchange (``info``, ``debug``), and totals at exit (``summary``)."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from wirecache._core.flows.exchange import Exchange
from wirecache._core.quantity import quantity
from wirecache._core.stats import Stats
from wirecache._engine.observers import Observer
from wirecache._runtime.exit import AtExit
from wirecache._storage.tally import Tally
from wirecache.errors import ConfigError

__all__ = ["line_of", "log_observers", "summary_of"]

logger = logging.getLogger("wirecache")

ALLOWED = ("debug", "info", "summary")


def log_observers(tally: Tally) -> list[Observer]:
    """Return the observers that ``WIRECACHE_LOG`` asks for. ``tally``: the counters that the summary at exit adds up."""
    levels = {word.strip().lower() for word in os.environ.get("WIRECACHE_LOG", "").split(",")} - {""}
    if unknown := levels - {*ALLOWED}:
        raise ConfigError(f"WIRECACHE_LOG must be {', '.join(ALLOWED)}, or several of them separated by commas, got {sorted(unknown)[0]!r}")
    if "summary" in levels:
        _summed.append(tally)
    if not levels & {"debug", "info"}:
        return []
    if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
        logger.addHandler(_StderrHandler())
        logger.setLevel(logging.DEBUG if "debug" in levels else logging.INFO)
    return [_InfoLog()]


class _InfoLog(Observer):
    """Logs one readable line per exchange, at INFO."""

    def on_end(self, exchange: Exchange) -> None:
        """Log the exchange."""
        logger.info("%s", line_of(exchange))


class _StderrHandler(logging.Handler):
    """Writes to the current ``sys.stderr``, even if it was replaced after logging was set up."""

    def emit(self, record: logging.LogRecord) -> None:
        from wirecache._core.terminal_text import terminal_safe

        line = terminal_safe(self.format(record))
        try:
            print(line if line.startswith("wirecache: ") else f"wirecache: {line}", file=sys.stderr, flush=True)
        except (OSError, ValueError, AttributeError):  # standard error is closed, or there is none
            pass


def line_of(exchange: Exchange) -> str:
    """Return the exchange as one line: ``hit 0.9 ms saved 812 ms gpt-4o chat api.openai.com 12+7 tokens``."""
    parts = [exchange.status.outcome, _time(exchange.seconds or 0.0), *_result(exchange)]
    parts += [exchange.model or "-", exchange.endpoint or exchange.method, exchange.host]
    if exchange.usage is not None:
        parts.append(f"{exchange.usage.input}+{exchange.usage.output} tokens")
    return " ".join(parts)


def _result(exchange: Exchange) -> list[str]:
    status, detail = exchange.status, f"({exchange.status.detail})" if exchange.status.detail else ""
    if exchange.saved is not None:
        return [f"saved {_time(exchange.saved)}", *([detail] if detail else [])]
    if status.stored:
        return ["stored"]
    if status.fwd == "bypass":
        return [detail]
    return ["not sent" if exchange.code == 424 and status.fwd_status is None else "not stored", detail]


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"


# -- the summary ------------------------------------------------------------------------------------------------------

_summed: list[Tally] = []


def summary_of(stats: Stats) -> str:
    """Return the statistics as one line."""
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(stats.bypassed_for.items()))
    counts = [quantity(stats.hits, "hit"), quantity(stats.misses, "miss", "misses")]
    counts += [f"{stats.bypassed:,} bypassed" + (f" ({reasons})" if reasons else "")]
    counts += [f"{stats.collapsed:,} collapsed"] if stats.collapsed else []
    counts += [quantity(stats.store_errors, "store error")] if stats.store_errors else []
    saved = f"saved {_time(stats.seconds_saved)} and {quantity(stats.tokens, 'token')}"
    upstream = f"upstream took {_time(stats.seconds_spent)}, {quantity(stats.billed.total, 'token')}"
    return f"{quantity(stats.calls, 'call')}: {', '.join(counts)}; {saved}; {upstream}"


def _print_summary() -> None:
    if _summed:
        rows: dict[Any, Any] = {}
        for index, tally in enumerate(_summed):
            rows.update({(index, row): amounts for row, amounts in tally.snapshot().rows.items()})
        try:
            print(f"wirecache: {summary_of(Stats.of(rows))}", file=sys.stderr, flush=True)
        except (OSError, ValueError, AttributeError):
            pass


AtExit(_print_summary, priority=80)  # after the last writes, whose errors are counted
