"""Plots as SVG, with their values also as text for accessibility."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

__all__ = ["Bar", "bar_plot", "ticks"]

WIDTH, HEIGHT = 720, 220
LEFT, TOP, BOTTOM = 64, 30, 30  # space for the labels of the axes
DAYS = 6  # labels below the bars


class Bar(NamedTuple):
    """A bar: its ``value`` and, on top of it, ``more``. ``title``: what it shows, in words."""

    label: str
    value: float
    more: float
    title: str


def ticks(highest: float) -> list[int]:
    """Return evenly spaced integers from 0 to the first that is not below ``highest``; at most four above 0."""
    power = 10 ** max(0, math.floor(math.log10(max(highest, 1) / 4)))
    step = next(power * by for by in (1, 2, 5, 10, 20, 50) if power * by * 4 >= highest)
    return list(range(0, step * math.ceil(highest / step) + 1, step))


def bar_plot(bars: Sequence[Bar], unit: str, title: str, label: str) -> Markup:
    """Return the bars side by side, with their axes; empty if there are none. ``label``: what they show, in words."""
    highest = max((bar.value + bar.more for bar in bars), default=0)
    if not highest:
        return Markup("")
    marks = ticks(highest)
    parts = [Markup("<title>{}</title><desc>{}</desc>").format(title, label), _axis(marks, unit)]
    scale, step = (HEIGHT - BOTTOM - TOP) / marks[-1], (WIDTH - LEFT) / len(bars)
    named = math.ceil(len(bars) / DAYS)
    for number, bar in enumerate(bars):
        middle = LEFT + (number + 0.5) * step
        parts.append(_bar(bar, middle, min(48.0, step * 0.7), scale))
        if (len(bars) - 1 - number) % named == 0:  # counted from the last, which is always named
            parts.append(Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(middle, HEIGHT - 8, bar.label))
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, f"{title}. {label}", Markup("").join(parts)
    )


def _bar(bar: Bar, middle: float, wide: float, scale: float) -> Markup:
    low, high = bar.value * scale, bar.more * scale
    x, y = middle - wide / 2, HEIGHT - BOTTOM - low
    return Markup(
        '<g><title>{}</title><rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
        '<rect class="bar low" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/></g>'
    ).format(bar.title, x, y, wide, low, x, y - high, wide, high)


def _axis(marks: Sequence[int], unit: str) -> Markup:
    """Return a line with its number for each mark, and the unit above them."""
    parts = [Markup('<text class="unit" x="0" y="14">{}</text>').format(unit)]
    for mark in marks:
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * mark / marks[-1]
        parts.append(Markup('<path class="axis" d="M{} {:.1f}H{}"/>').format(LEFT, y, WIDTH))
        parts.append(
            Markup('<text class="mark" x="{}" y="{:.1f}" text-anchor="end" dy="0.35em">{}</text>').format(LEFT - 8, y, f"{mark:,}")
        )
    return Markup("").join(parts)
