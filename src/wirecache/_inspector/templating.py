"""What can templates do? Escape everything, and write numbers, times and texts as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from wirecache._core.quantity import quantity
from wirecache._inspector.json_tree import json_tree
from wirecache._inspector.safe_text import marked, visible
from wirecache._views.formats import format_duration, format_size, format_time

__all__ = ["address", "environment", "money", "number", "seconds", "with_query"]


def environment() -> Environment:
    """Return the environment of the templates."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters.update(
        visible=visible, marked=marked, tree=json_tree, size=format_size, duration=format_duration, time=format_time,
        money=money, seconds=seconds, number=number,
    )  # fmt: skip
    made.globals.update(address=address, quantity=quantity, with_query=with_query)
    return made


def number(value: float | None) -> str:
    """Return a count with separators; a dash if it is not known."""
    return "-" if value is None else f"{value:,.0f}"


def money(dollars: float | None) -> str:
    """Return an amount of dollars, with as many digits as it takes; a dash if it is not known."""
    if dollars is None:
        return "-"
    if not dollars:
        return "$0"
    digits = 0 if dollars >= 100 else 2 if dollars >= 1 else 4 if dollars >= 0.001 else 6
    return f"${dollars:,.{digits}f}"


def seconds(value: float | None) -> str:
    """Return a short duration: ``120 ms``, ``1.24 s``, ``2.1 min``."""
    if value is None:
        return "-"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 120 else f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:,.1f} h"


def address(kind: str, source: str, ref: str, **query: Any) -> str:
    """Return the address of an exchange: of its page (``x``), or of its ``raw``, ``text`` or ``media``."""
    return f"/{kind}/{quote(source)}/{quote(ref)}" + (f"?{urlencode(query)}" if query else "")


def with_query(query: Mapping[str, Any], **changes: Any) -> str:
    """Return the query of an address with these changes; what is empty is left out."""
    merged = {name: value for name, value in {**query, **changes}.items() if value not in (None, "")}
    return "?" + urlencode(merged) if merged else "?"
