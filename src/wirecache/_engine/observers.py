"""Who is told of each exchange when it is over? The caller's ``on_exchange``, and whoever reads along with ``WIRECACHE_LOG``."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from wirecache._caches.context import Exchange
from wirecache.errors import ConfigError
from wirecache.stats import Stats, Tally

__all__ = ["Listeners", "line_of", "listeners_of", "summary_of"]

logger = logging.getLogger("wirecache")

ALLOWED = ("debug", "info", "summary")


class Listeners:
    """What is called with each exchange; what a listener raises is logged once, and never reaches the call."""

    def __init__(self, listeners: list[Callable[[Exchange], object]]) -> None:
        self._over = listeners
        self._head: list[Callable[[Exchange], object]] = [head for one in listeners if (head := getattr(one, "at_head", None))]
        self._failed: set[object] = set()

    def __bool__(self) -> bool:
        return bool(self._over)

    def at_head(self, exchange: Exchange) -> None:
        """The head of the answer is known, the body is to come."""
        self._call(self._head, exchange)

    def over(self, exchange: Exchange) -> None:
        """The exchange is over."""
        self._call(self._over, exchange)

    def _call(self, listeners: list[Callable[[Exchange], object]], exchange: Exchange) -> None:
        for listener in listeners:
            try:
                listener(exchange)
            except Exception:
                if listener not in self._failed:
                    self._failed.add(listener)
                    logger.warning("wirecache: on_exchange= raised; calls go on without it", exc_info=True)


def listeners_of(on_exchange: Callable[[Exchange], object] | None, tally: Tally) -> Listeners:
    """The listeners of a cache: ``on_exchange``, and what ``WIRECACHE_LOG`` asks for."""
    if on_exchange is not None and not callable(on_exchange):
        raise ConfigError(f"on_exchange= is {on_exchange!r}; allowed: a function of one exchange")
    wanted = _wanted()
    if "summary" in wanted:
        _summed.append(tally)
    if wanted & {"debug", "info"}:
        _read_along(logging.DEBUG if "debug" in wanted else logging.INFO)
    given = [] if on_exchange is None else [on_exchange]
    return Listeners([*given, _log] if wanted & {"debug", "info"} else given)


def _wanted() -> set[str]:
    said = {word.strip().lower() for word in os.environ.get("WIRECACHE_LOG", "").split(",")} - {""}
    if wrong := said - {*ALLOWED}:
        raise ConfigError(f"WIRECACHE_LOG is {sorted(wrong)[0]!r}; allowed: {', '.join(ALLOWED)}, or several with commas")
    return said


# -- lines ------------------------------------------------------------------------------------------------------------


class _Stderr(logging.Handler):
    """Standard error as it is now, whoever replaced it."""

    def emit(self, record: logging.LogRecord) -> None:
        told = self.format(record)
        try:
            print(told if told.startswith("wirecache: ") else f"wirecache: {told}", file=sys.stderr, flush=True)
        except (OSError, ValueError, AttributeError):  # it is closed, or there is none
            pass


def _read_along(level: int) -> None:
    if not any(isinstance(handler, _Stderr) for handler in logger.handlers):
        logger.addHandler(_Stderr())
        logger.setLevel(level)


def _log(exchange: Exchange) -> None:
    logger.info("%s", line_of(exchange))


def line_of(exchange: Exchange) -> str:
    """The exchange in one line: ``hit 0.9 ms saved 812 ms gpt-4o chat api.openai.com 12+7 tokens``."""
    parts = [_what(exchange), _time(exchange.seconds or 0.0), *_became(exchange)]
    parts += [exchange.model or "-", exchange.endpoint or exchange.method, exchange.host]
    if exchange.usage is not None:
        parts.append(f"{exchange.usage.input}+{exchange.usage.output} tokens")
    return " ".join(parts)


def _what(exchange: Exchange) -> str:
    status = exchange.status
    if status.hit:
        return "stale" if status.ttl is not None and status.ttl <= 0 else "hit"
    return "collapsed" if status.collapsed else "bypass" if status.fwd == "bypass" else "miss"


def _became(exchange: Exchange) -> list[str]:
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
    """What was done, in one line."""
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(stats.bypassed_for.items()))
    counts: list[Any] = [
        f"{stats.hits} hits",
        f"{stats.misses} misses",
        f"{stats.bypassed} bypassed" + (f" ({reasons})" if reasons else ""),
    ]
    counts += [f"{stats.collapsed} collapsed"] if stats.collapsed else []
    counts += [f"{stats.store_errors} store errors"] if stats.store_errors else []
    saved = f"saved {_time(stats.seconds_saved)} and {stats.tokens:,} tokens"
    return f"{stats.calls} calls: {', '.join(counts)}; {saved}; upstream took {_time(stats.seconds_spent)}, {stats.billed.total:,} tokens"


def _print_summary() -> None:
    if _summed:
        rows: dict[Any, Any] = {}
        for at, tally in enumerate(_summed):
            rows.update({(at, row): amounts for row, amounts in tally.snapshot().rows.items()})
        try:
            print(f"wirecache: {summary_of(Stats.of(rows))}", file=sys.stderr, flush=True)
        except (OSError, ValueError, AttributeError):
            pass


atexit.register(_print_summary)
