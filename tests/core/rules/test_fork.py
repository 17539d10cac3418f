from __future__ import annotations

import pytest

from wirecache._core.rules.fork import ForkPoint


def run(point: ForkPoint, recorded: str) -> str:
    """Return what happens to each request: replayed (r) or live (l). ``recorded``: which of them were (y), and which were not (n)."""
    happened = ""
    for one in recorded:
        step = point.begin_step()
        if point.is_live(step) or one == "n":
            point.diverge(step)
            happened += "l"
        else:
            happened += "r"
    return happened


@pytest.mark.parametrize(
    ("from_step", "recorded", "happened", "live_from", "reason"),
    [
        pytest.param(None, "yyy", "rrr", None, None, id="nothing differs"),
        pytest.param(None, "yyny", "rrll", 3, "differs", id="one differs: what follows is live, recorded or not"),
        pytest.param(3, "yyyy", "rrll", 3, "from_step", id="from a step"),
        pytest.param(3, "nyyy", "llll", 1, "differs", id="one before that step differs"),
        pytest.param(3, "yyn", "rrl", 3, "from_step", id="that very step differs"),
        pytest.param(1, "yy", "ll", 1, "from_step", id="from the beginning"),
        pytest.param(9, "yy", "rr", None, None, id="from a step that does not come"),
    ],
)
def test_where_a_run_forks(from_step: int | None, recorded: str, happened: str, live_from: int | None, reason: str | None) -> None:
    point = ForkPoint(from_step)
    assert run(point, recorded) == happened
    assert (point.live_from, point.reason) == (live_from, reason)


def test_what_was_requested_before_the_fork_is_replayed_though_its_answer_comes_after() -> None:
    point = ForkPoint(2)
    first, second = point.begin_step(), point.begin_step()
    assert (point.is_live(second), point.is_live(first)) == (True, False)
    point.diverge(first)
    assert (point.live_from, point.reason) == (2, "from_step")
