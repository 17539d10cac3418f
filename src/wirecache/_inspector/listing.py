"""The list of exchanges, filtered, sorted and paged by its address."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import zip_longest
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse

from wirecache._core.rules.freshness import parse_ttl
from wirecache._inspector.index_rows import price_of
from wirecache._inspector.index_schema import IndexRow
from wirecache._inspector.inspector import Inspector, Page
from wirecache._inspector.numbers import page_number, whole_number
from wirecache._inspector.search_index import Filters, Found, Order
from wirecache._inspector.search_query import words_of

__all__ = ["ROUTES", "Listing", "last_days", "list_of", "listing_of"]

PAGE = 50  # exchanges
COLUMNS = ("model", "endpoint", "host", "test", "namespace")
CHOICES_AGE = 3.0  # seconds
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMES = ("q", "source", "model", "endpoint", "host", "test", "namespace", "status", "fresh", "age", "sort")


class Listing(NamedTuple):
    """The list that an address asks for. ``query``: its non-empty parts, without the page. ``problem``: what is wrong with them."""

    filters: Filters
    order: Order
    page: int
    query: dict[str, str]
    problem: str = ""


def listing_of(query: Mapping[str, str]) -> Listing:
    """Return the list that the query of an address asks for."""
    given = {name: query[name].strip() for name in NAMES if query.get(name, "").strip()}
    problem = ""
    younger: float | None = None
    between = _day(given.get("age", ""))
    try:
        younger = parse_ttl(given["age"]) if "age" in given and between is None else None
    except ValueError as error:
        problem = f"age: {error}; or a day, such as 2026-11-24"
    order = given.get("sort", Order.NEWEST)
    filters = Filters(
        text=given.get("q", ""),
        source=given.get("source", ""),
        model=given.get("model", ""),
        host=given.get("host", ""),
        endpoint=given.get("endpoint", ""),
        test=given.get("test", ""),
        namespace=given.get("namespace"),
        status=whole_number(given.get("status", "")),
        fresh={"fresh": True, "stale": False}.get(given.get("fresh", "")),
        younger=younger,
        between=between,
    )
    known = Order(order) if order in tuple(Order) else Order.NEWEST
    return Listing(filters, known, page_number(query), given, problem)


def _day(text: str) -> tuple[float, float] | None:
    """Return when the day begins and ends, in this machine's time zone; None if the text is not a day."""
    try:
        begin = datetime.strptime(text, "%Y-%m-%d")
        return begin.timestamp(), (begin + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def last_days(today: date) -> list[tuple[str, str]]:
    """Return the days of the last week, the newest first, each as in an address and as shown to people."""
    days = [today - timedelta(days=back) for back in range(7)]
    return [(day.isoformat(), name or f"on {_WEEKDAYS[day.weekday()]}") for day, name in zip_longest(days, ("today", "yesterday"))]


def list_of(inspector: Inspector, listing: Listing, limit: int = PAGE) -> Found:
    """Return the page of exchanges, priced."""
    found = inspector.index.find(listing.filters, listing.order, page=listing.page, limit=limit, now=time.time())
    return Found([_priced(inspector, row) for row in found.rows], found.total)


def _priced(inspector: Inspector, row: IndexRow) -> IndexRow:
    return row if row.cost is not None else row._replace(cost=price_of(row, inspector.prices))


def _show(inspector: Inspector, request: Request) -> HTMLResponse:
    listing = listing_of(request.query_params)
    inspector.indexer.wait_at_start()
    found = list_of(inspector, listing)
    return inspector.page(
        request,
        "list.html",
        "exchanges",
        rows=found.rows,
        total=found.total,
        listing=listing,
        pages=max(1, math.ceil(found.total / PAGE)),
        first=(listing.page - 1) * PAGE + 1,
        orders=list(Order),
        days=last_days(date.today()),
        words=words_of(listing.filters.text),
        choices=_choices(inspector),
    )


def _choices(inspector: Inspector) -> dict[str, list[tuple[str, int]]]:
    """Return the values to filter by, with their counts; cached for a moment while the index grows."""
    version, now = inspector.index.version, time.monotonic()
    kept = inspector.kept.get("choices")
    if kept is None or (kept[0] != version and now - kept[1] > CHOICES_AGE):
        kept = inspector.kept["choices"] = (version, now, {name: inspector.index.values(name) for name in COLUMNS})
    found: dict[str, list[tuple[str, int]]] = kept[2]
    return found


ROUTES = (Page("/", _show),)
