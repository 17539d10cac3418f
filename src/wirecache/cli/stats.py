"""``wirecache stats``: what did the cache do, and what did that save? In calls, time, tokens and money; by model, and by day."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer

from wirecache import Cache, ConfigError, Stats, WirecacheError
from wirecache.prices import Cost, Prices

__all__ = ["command"]

MONTH = 30  # days, of a projection
SCHEMA = 1  # the version of what --json prints


class _By(StrEnum):
    """What the table counts by."""

    MODEL = "model"
    DAY = "day"
    HOST = "host"
    ENDPOINT = "endpoint"
    NAMESPACE = "namespace"


def command(
    store: Annotated[str | None, typer.Option(help="The folder or URL of the store.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Only the last so many days, today included (UTC).")] = None,
    by: Annotated[_By, typer.Option(help="What the table counts by.", case_sensitive=False)] = _By.MODEL,
    calls_per_day: Annotated[int | None, typer.Option(min=1, help="What so many calls a day would save, by the measured figures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """What the cache did and what that saved: calls, time, tokens and money.

    Money needs the extra: pip install 'wirecache[prices]'. What has no price there is unpriced, never guessed.
    """
    try:
        with Cache(store) as cache:
            history, place = cache.history(days), repr(cache.store)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    except WirecacheError as error:
        typer.echo(f"wirecache: {error}", err=True)
        raise typer.Exit(1) from None
    prices = _prices()
    by_day = {str(day): stats for day, stats in history.items()}
    total = Stats.of({row: amounts for stats in by_day.values() for row, amounts in stats.rows.items()})
    projected = _projection(total, prices, calls_per_day) if calls_per_day else None
    if as_json:
        parts: dict[str, Mapping[str, Stats]] = {"days": by_day, **{f"{one}s": total.by(one.value) for one in _By if one is not _By.DAY}}
        told = {
            "schema": SCHEMA,
            "store": place,
            "prices": {"version": prices.version, "date": str(prices.date)} if prices else None,
            "total": _told(total, prices),
            **{name: {key: _told(one, prices) for key, one in part.items()} for name, part in parts.items()},
            "projection": projected,
        }
        typer.echo(json.dumps(told, indent=2))
        return
    if not total.rows:
        typer.echo(f"Nothing was counted yet in {place}.")
        return
    _print(by_day if by is _By.DAY else total.by(by.value), by, total, prices)
    if calls_per_day:
        typer.echo(_projection_line(projected, calls_per_day))


def _prices() -> Prices | None:
    try:
        return Prices()
    except ConfigError:
        return None


def _told(stats: Stats, prices: Prices | None) -> dict[str, Any]:
    """The figures as ``--json`` tells them; what no price is known for is null."""
    whole = ("hits", "misses", "collapsed", "bypassed", "stale", "stored", "refused", "store_errors", "untold")
    told: dict[str, Any] = {"calls": stats.calls, **{name: getattr(stats, name) for name in whole}}
    told |= {"bypassed_for": dict(stats.bypassed_for), "refused_for": dict(stats.refused_for)}
    told |= {"seconds_saved": stats.seconds_saved, "seconds_spent": stats.seconds_spent}
    told |= {"tokens_saved": stats.saved._asdict(), "tokens_billed": stats.billed._asdict()}
    for name, what in (("dollars_saved", "saved"), ("dollars_billed", "billed")):
        cost = prices.of(stats, what) if prices else None  # type: ignore[arg-type]
        told[name] = float(cost.dollars) if cost is not None and (cost.calls or not cost.unpriced) else None
        told[name.replace("dollars", "unpriced")] = cost.unpriced if cost is not None else None
    return told


# -- the projection ---------------------------------------------------------------------------------------------------


def _projection(total: Stats, prices: Prices | None, calls_per_day: int) -> dict[str, Any] | None:
    """What that many calls a day would save, if they are like those that were counted; None if there were none."""
    calls = sum(one.calls for name, one in total.by("endpoint").items() if name not in ("", "http"))
    if not calls:
        return None
    reused = total.hits + total.collapsed
    saved = prices.of(total, "saved") if prices else Cost(unpriced=1)
    each = saved.dollars / calls if saved.calls else None
    return {
        "calls_per_day": calls_per_day,
        "measured_calls": calls,
        "reused_share": min(1.0, reused / calls),
        "seconds_saved_per_day": total.seconds_saved / calls * calls_per_day,
        "dollars_saved_per_day": None if each is None else float(each * calls_per_day),
        "dollars_saved_per_month": None if each is None else float(each * calls_per_day * MONTH),
        "unpriced": saved.unpriced if prices else None,
    }


def _projection_line(told: dict[str, Any] | None, calls_per_day: int) -> str:
    if told is None:
        return "No projection: no call was counted yet."
    money = told["dollars_saved_per_month"]
    amount = "money unpriced" if money is None else f"${money:,.2f} a month"
    more = f" ({told['unpriced']} calls unpriced, and left out)" if money is not None and told["unpriced"] else ""
    return (
        f"At {calls_per_day:,} calls a day, like the {told['measured_calls']:,} that were counted ({told['reused_share']:.0%} reused): "
        f"{amount}{more}, {_duration(told['seconds_saved_per_day'])} of waiting a day saved."
    )


# -- the table --------------------------------------------------------------------------------------------------------


def _print(parts: Mapping[str, Stats], by: _By, total: Stats, prices: Prices | None) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(by.value, overflow="fold", min_width=10)
    for name in ("calls", "hits", "misses", "live", "time saved", "tokens saved", "$ saved", "$ billed", "unpriced"):
        table.add_column(name, justify="right", no_wrap=len(name) < 10)
    for name, stats in parts.items():
        table.add_row(name or "-", *_cells(stats, prices))
    table.add_section()
    table.add_row("total", *_cells(total, prices))
    Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 140).print(table)
    if total.bypassed_for:
        typer.echo(f"bypassed: {_reasons(total.bypassed_for)}")
    if total.refused_for:
        typer.echo(f"not stored: {_reasons(total.refused_for)}")
    if total.untold:
        typer.echo(f"{total.untold} answers told no tokens (streams that are bypassed do not): what they cost is not in these figures.")
    if prices is None:
        typer.echo("Money needs prices: pip install 'wirecache[prices]'")
    else:
        typer.echo(f"Prices: {prices.version}, newest of {prices.date}; standard prices of tokens.")


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
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
