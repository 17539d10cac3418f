"""The page of savings: by day, model, endpoint, host, namespace and test; in calls, time, tokens and money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from wirecache._core.stats import Stats
from wirecache._inspector.index_schema import IndexRow
from wirecache._inspector.inspector import Inspector, Page, json_response
from wirecache._inspector.numbers import whole_number
from wirecache._inspector.plots import Bar, bar_plot
from wirecache._inspector.search_index import Filters
from wirecache._inspector.sources import StoreSource
from wirecache._views.stats_json import GROUPS, figures, project, stats_json

__all__ = ["ROUTES", "RunCost"]

PLOTTED_DAYS = 30


class RunCost(NamedTuple):
    """What each run of a test saves, according to its recordings."""

    test: str
    calls: int
    tokens: int
    seconds: float
    cost: float | None
    unpriced: int


def _history(inspector: Inspector) -> dict[date, Stats]:
    """Return the statistics of each day, summed over all stores."""
    rows: dict[date, dict[Any, Any]] = {}
    for source in inspector.sources:
        if isinstance(source, StoreSource):
            for day, stats in source.cache.history().items():
                rows.setdefault(day, {}).update({(source.id, row): amounts for row, amounts in stats.rows.items()})
    return {day: _sum([({row: amounts}) for (_, row), amounts in found.items()]) for day, found in sorted(rows.items())}


def _sum(parts: list[Mapping[Any, Mapping[str, float]]]) -> Stats:
    """Return the statistics of the rows; rows of one label in several stores are added."""
    merged: dict[Any, dict[str, float]] = {}
    for part in parts:
        for row, amounts in part.items():
            target = merged.setdefault(row, {})
            for name, amount in amounts.items():
                target[name] = target.get(name, 0) + amount
    return Stats.of(merged)


def _show(inspector: Inspector, request: Request) -> Response:
    history = _history(inspector)
    total = _sum([stats.rows for stats in history.values()])
    calls = request.query_params.get("calls_per_day", "")
    per_day = whole_number(calls) or 1000
    by = request.query_params.get("by", "model")
    groups = {str(day): stats for day, stats in reversed(history.items())} if by == "day" else total.by(by if by in GROUPS else "model")
    return inspector.page(
        request,
        "savings.html",
        "savings",
        total=figures(total, inspector.prices) if total.rows else None,
        groups={name: figures(stats, inspector.prices) for name, stats in groups.items()},
        by=by if by in (*GROUPS, "day") else "model",
        ways=(*GROUPS, "day"),
        plot=_plot(history),
        projection=project(total, inspector.prices, per_day),
        calls_per_day=per_day,
        prices=inspector.prices,
        tests=_tests(inspector),
    )


def _plot(history: Mapping[date, Stats]) -> Any:
    days = list(history.items())[-PLOTTED_DAYS:]
    bars = []
    for day, stats in days:
        hits = stats.hits + stats.collapsed
        bars.append(Bar(f"{day:%b} {day.day}", hits, stats.calls - hits, f"{day}: {hits:,} reused, {stats.calls - hits:,} sent"))
    return bar_plot(bars, "calls", "Calls by day, reused and sent", "; ".join(bar.title for bar in bars[-7:]))


def _tests(inspector: Inspector) -> list[RunCost]:
    """Return what each test's recordings save, the most tokens first."""
    cassettes = {source.id for source in inspector.sources if source.is_cassette}
    found: dict[str, list[IndexRow]] = {}
    for row in inspector.index.all(Filters(), 0) if cassettes else ():
        if row.source in cassettes:
            found.setdefault(row.test, []).append(row)
    return sorted((_run_cost(test, rows) for test, rows in found.items()), key=lambda cost: -cost.tokens)


def _run_cost(test: str, rows: list[IndexRow]) -> RunCost:
    priced = [row.cost for row in rows if row.cost is not None]
    tokens, seconds = sum(row.tokens or 0 for row in rows), sum(row.seconds for row in rows)
    return RunCost(test, len(rows), tokens, seconds, sum(priced) if priced else None, len(rows) - len(priced))


def _as_json(inspector: Inspector, request: Request) -> Response:
    history = _history(inspector)
    return json_response(stats_json(history, _sum([stats.rows for stats in history.values()]), inspector.prices))


ROUTES = (Page("/savings", _show), Page("/api/v1/savings", _as_json))
