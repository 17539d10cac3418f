"""How are figures drawn? As SVG that is made here, with its values in words for those who do not see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

__all__ = ["Bar", "bar_plot"]

WIDTH, HEIGHT, BOTTOM = 720, 180, 22


class Bar(NamedTuple):
    """A bar: its ``value`` and, on top of it, ``more``. ``title``: what it shows, in words."""

    label: str
    value: float
    more: float
    title: str


def bar_plot(bars: Sequence[Bar], label: str) -> Markup:
    """Return the bars side by side; empty if there are none."""
    highest = max((bar.value + bar.more for bar in bars), default=0)
    if not highest:
        return Markup("")
    step = WIDTH / len(bars)
    wide = min(48.0, step * 0.7)
    parts = [Markup('<path class="axis" d="M0 {}H{}"/>').format(HEIGHT - BOTTOM, WIDTH)]
    for number, bar in enumerate(bars):
        x, room = number * step + (step - wide) / 2, HEIGHT - BOTTOM - 6
        low, high = room * bar.value / highest, room * bar.more / highest
        y = HEIGHT - BOTTOM - low
        parts.append(
            Markup(
                '<g><title>{}</title><rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/>'
                '<rect class="bar low" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/></g>'
            ).format(bar.title, x, y, wide, low, x, y - high, wide, high)
        )
        if number % max(1, len(bars) // 7) == 0:
            parts.append(Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(x + wide / 2, HEIGHT - 6, bar.label))
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("").join(parts)
    )
