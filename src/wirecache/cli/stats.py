"""``wirecache stats``: what the cache did and saved, in calls, time, tokens and money; by model, by day, and so on."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import typer

from wirecache import Stats
from wirecache._core.quantity import quantity
from wirecache._views.stats_json import Projection, installed_prices, project, stats_json
from wirecache.cli._options import JsonOption
from wirecache.cli._stores import open_cache
from wirecache.cli._terminal import console, fail, one_line, print_json, print_text, usage_error, warn
from wirecache.prices import Cost, Prices

__all__ = ["command"]

SCHEMA = 1  # the version of what --json prints
NARROW = 10  # characters; headers of wider columns may wrap


class _GroupBy(StrEnum):
    """What a row of the table stands for."""

    MODEL = "model"
    DAY = "day"
    HOST = "host"
    ENDPOINT = "endpoint"
    NAMESPACE = "namespace"


def command(
    store: Annotated[str | None, typer.Option(help="The store: a path or a URL. Default: the one that Cache() uses.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Only the most recent days, including today (UTC).")] = None,
    by: Annotated[_GroupBy, typer.Option(help="How the calls are grouped in the table.", case_sensitive=False)] = _GroupBy.MODEL,
    calls_per_day: Annotated[int | None, typer.Option(min=1, help="Project the measured savings to this many calls a day.")] = None,
    fail_over: Annotated[
        float | None, typer.Option(min=0, help="Exit with 1 if more than this many dollars were billed.", metavar="USD")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the cache did and what that saved: calls, time, tokens and money.

    Money needs the prices extra: pip install 'wirecache[prices]'. A call without a price there is unpriced, never estimated.
    """
    with open_cache(store, create=True) as cache:  # reading creates no store, but one that does not exist is named
        history, place = cache.history(days), repr(cache.store)
    total = Stats.of({row: amounts for stats in history.values() for row, amounts in stats.rows.items()})
    if not total.rows and not as_json:
        print_text(f"Nothing has been counted yet in {place}.")
        return
    prices = installed_prices()
    if fail_over is not None and prices is None:
        raise usage_error("--fail-over needs prices: pip install 'wirecache[prices]'")
    projection = project(total, prices, calls_per_day) if calls_per_day else None
    if as_json:
        print_json(
            {"schema": SCHEMA, "store": place, **stats_json(history, total, prices), "projection": projection and projection._asdict()}
        )
        _fail_over(fail_over, total, prices)
        return
    _print_table({str(day): stats for day, stats in history.items()} if by is _GroupBy.DAY else total.by(by.value), by, total, prices)
    _print_notes(total, prices)
    if calls_per_day:
        print_text(_projection_text(projection) if projection else "No projection: no calls to a model have been counted yet.")
    _fail_over(fail_over, total, prices)


def _fail_over(limit: float | None, total: Stats, prices: Prices | None) -> None:
    """End the command with 1 if more than the limit was billed; warn about calls that the sum does not include."""
    if limit is None or prices is None:
        return
    billed = prices.of(total, "billed")
    left_out = [
        f"{quantity(number, 'call')} {why}"
        for number, why in ((billed.unpriced, "without a price"), (total.untold, "without a count"))
        if number
    ]
    if left_out:
        warn(f"wirecache: --fail-over does not see {' and '.join(left_out)}")
    if billed.dollars > Decimal(str(limit)):
        fail(f"{_money(billed)} were billed, more than ${limit:,.2f}")


# -- the projection ---------------------------------------------------------------------------------------------------


def _projection_text(projection: Projection) -> str:
    dollars, unpriced = projection.dollars_saved_per_month, projection.unpriced
    money = "an unknown amount of money" if dollars is None else f"${dollars:,.2f} a month"
    if dollars is not None and unpriced:
        money += f" (without {quantity(unpriced, 'unpriced call')})"
    return (
        f"{projection.calls_per_day:,} calls a day like the {projection.measured_calls:,} counted ({projection.reused_share:.0%} reused) "
        f"would save {money}, and {_duration(projection.seconds_saved_per_day)} of waiting a day."
    )


# -- the table --------------------------------------------------------------------------------------------------------


def _print_table(groups: Mapping[str, Stats], by: _GroupBy, total: Stats, prices: Prices | None) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(by.value, overflow="fold", min_width=NARROW)
    for name in ("calls", "hits", "misses", "live", "time saved", "tokens saved", "$ saved", "$ billed", "unpriced"):
        table.add_column(name, justify="right", no_wrap=len(name) < NARROW)
    for name, stats in groups.items():
        table.add_row(Text(one_line(name) or "-"), *_cells(stats, prices))
    table.add_section()
    table.add_row("total", *_cells(total, prices))
    console().print(table)


def _print_notes(total: Stats, prices: Prices | None) -> None:
    if total.bypassed_for:
        print_text(f"bypassed: {_reasons(total.bypassed_for)}")
    if total.refused_for:
        print_text(f"not stored: {_reasons(total.refused_for)}")
    if total.untold:
        answers = quantity(total.untold, "answer")
        why = "none were reported, or the answer was bypassed"
        print_text(f"Of {answers} no tokens were read ({why}); their cost is not in these figures.")
    if prices is None:
        print_text("Money needs prices: pip install 'wirecache[prices]'")
    else:
        print_text(f"Prices: {prices.version}, as of {prices.date}; standard prices of tokens.")


def _cells(stats: Stats, prices: Prices | None) -> list[str]:
    hits = f"{stats.hits + stats.collapsed:,}"
    counts = [f"{stats.calls:,}", hits, f"{stats.misses:,}", f"{stats.bypassed:,}"]
    saved, billed = (prices.of(stats, "saved"), prices.of(stats, "billed")) if prices else (None, None)
    unpriced = f"{saved.unpriced + billed.unpriced:,}" if saved and billed else "-"
    return [*counts, _duration(stats.seconds_saved), f"{stats.tokens:,}", _money(saved), _money(billed), unpriced]


def _money(cost: Cost | None) -> str:
    if cost is None:
        return "-"
    if not cost.calls:
        return "-" if cost.unpriced else "$0"
    return f"${cost.dollars.quantize(Decimal('0.01') if cost.dollars >= 1 else Decimal('0.000001')):,}"


def _duration(seconds: float) -> str:
    """Return a duration with a decimal, in seconds up to two minutes and in minutes up to two hours."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
