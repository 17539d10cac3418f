"""The plots: axes with round numbers, days below, and the same in words."""

from __future__ import annotations

import re

import pytest

from wirecache._inspector.plots import Bar, bar_plot, ticks


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (0.4, [0, 1]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (9, [0, 5, 10]),
        (97, [0, 50, 100]),
        (183, [0, 50, 100, 150, 200]),
        (12_345, [0, 5000, 10_000, 15_000]),
    ],
)
def test_ticks_are_round_and_reach_the_highest(highest: float, expected: list[int]) -> None:
    assert ticks(highest) == expected


def test_ticks_of_any_size() -> None:
    for highest in (value * 10**power for power in range(9) for value in (1, 1.01, 2, 3.7, 5, 9.99)):
        found = ticks(highest)
        assert found[-2] < highest <= found[-1]
        assert 2 <= len(found) <= 5


def test_a_plot_has_axes_and_words() -> None:
    bars = [Bar(f"Nov {day}", 1000 * day, 10, f"day {day}: <b>") for day in range(1, 31)]
    plot = str(bar_plot(bars, "calls", "Calls by day", "in words"))
    assert "<title>Calls by day</title><desc>in words</desc>" in plot
    assert '<text class="unit" x="0" y="14">calls</text>' in plot
    assert re.findall(r'class="mark"[^>]*>([^<]*)<', plot) == ["0", "10,000", "20,000", "30,000", "40,000"]
    assert re.findall(r"middle\">([^<]*)<", plot) == ["Nov 5", "Nov 10", "Nov 15", "Nov 20", "Nov 25", "Nov 30"]
    assert "<b>" not in plot
    assert bar_plot([], "calls", "Calls by day", "") == bar_plot([Bar("a", 0, 0, "")], "calls", "Calls by day", "") == ""
