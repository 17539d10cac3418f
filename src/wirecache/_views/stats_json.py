"""What did the cache do, and what did that save? Figures as JSON, and their projection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

from wirecache._core.stats import Stats
from wirecache.errors import ConfigError
from wirecache.prices import Cost, Prices

__all__ = ["GROUPS", "Projection", "figures", "installed_prices", "project", "stats_json"]

GROUPS = ("model", "host", "endpoint", "namespace")  # what calls are grouped by, beside the day
MONTH = 30  # days, of a projection
COUNTERS = ("hits", "misses", "collapsed", "bypassed", "stale", "stored", "refused", "store_errors", "untold")


class Projection(NamedTuple):
    """What so many calls a day would save, if they are like the measured ones; the members of ``projection`` in JSON.

    ``reused_share``: 0 to 1. Dollars are None where no saved call has a price; ``unpriced`` is None without prices.
    """

    calls_per_day: int
    measured_calls: int
    reused_share: float
    seconds_saved_per_day: float
    dollars_saved_per_day: float | None
    dollars_saved_per_month: float | None
    unpriced: int | None


def installed_prices() -> Prices | None:
    """Return the prices, or None if they are not installed."""
    try:
        return Prices()
    except ConfigError:
        return None


def stats_json(history: Mapping[date, Stats], total: Stats, prices: Prices | None) -> dict[str, Any]:
    """Return the figures of the total, of each day, and of each model, host, endpoint and namespace."""
    groups = {f"{group}s": total.by(group) for group in GROUPS}
    return {
        "prices": {"version": prices.version, "date": str(prices.date)} if prices else None,
        "total": figures(total, prices),
        "days": {str(day): figures(stats, prices) for day, stats in history.items()},
        **{name: {key: figures(stats, prices) for key, stats in group.items()} for name, group in groups.items()},
    }


def figures(stats: Stats, prices: Prices | None) -> dict[str, Any]:
    """Return the figures of one group; dollars are None where no price is known."""
    return {
        "calls": stats.calls,
        **{name: getattr(stats, name) for name in COUNTERS},
        "bypassed_for": dict(stats.bypassed_for),
        "refused_for": dict(stats.refused_for),
        "seconds_saved": stats.seconds_saved,
        "seconds_spent": stats.seconds_spent,
        "tokens_saved": stats.saved._asdict(),
        "tokens_billed": stats.billed._asdict(),
        **_dollars(stats, "saved", prices),
        **_dollars(stats, "billed", prices),
    }


def _dollars(stats: Stats, what: Literal["saved", "billed"], prices: Prices | None) -> dict[str, float | int | None]:
    if prices is None:
        return {f"dollars_{what}": None, f"unpriced_{what}": None}
    cost = prices.of(stats, what)
    known = cost.calls or not cost.unpriced
    return {f"dollars_{what}": float(cost.dollars) if known else None, f"unpriced_{what}": cost.unpriced}


def project(total: Stats, prices: Prices | None, calls_per_day: int) -> Projection | None:
    """Return what that many calls a day would save, or None if no call to a model was counted."""
    calls = sum(stats.calls for endpoint, stats in total.by("endpoint").items() if endpoint not in ("", "http"))
    if not calls:
        return None
    saved = prices.of(total, "saved") if prices else Cost()
    per_day = saved.dollars / calls * calls_per_day if saved.calls else None
    return Projection(
        calls_per_day,
        measured_calls=calls,
        reused_share=min(1.0, (total.hits + total.collapsed) / calls),
        seconds_saved_per_day=total.seconds_saved / calls * calls_per_day,
        dollars_saved_per_day=None if per_day is None else float(per_day),
        dollars_saved_per_month=None if per_day is None else float(per_day * MONTH),
        unpriced=saved.unpriced if prices else None,
    )
