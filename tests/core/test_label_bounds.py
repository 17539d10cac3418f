from __future__ import annotations

from wirecache._core.label_bounds import LONGEST, MOST, OTHER, Bounds
from wirecache._core.shortened import shortened


def test_the_first_labels_are_counted_apart_and_the_rest_together() -> None:
    bounds = Bounds()
    first = [("h", "chat", f"model{number}", "") for number in range(MOST)]
    assert [bounds.labels(labels) for labels in first] == first
    assert bounds.labels(("h", "chat", "one more", "")) == (OTHER,) * 4
    assert bounds.labels(first[7]) == first[7]


def test_labels_that_are_known_before_count() -> None:
    known = [("h", "chat", f"model{number}", "") for number in range(MOST)]
    bounds = Bounds(known)
    assert bounds.labels(known[0]) == known[0]
    assert bounds.labels(("h", "chat", "one more", "")) == (OTHER,) * 4


def test_long_labels_are_shortened() -> None:
    assert Bounds().labels(("h" * 500, "e", "m" * 10**6, "n" * 121)) == tuple(
        shortened(label, LONGEST) for label in ("h" * 500, "e", "m" * 10**6, "n" * 121)
    )


def test_reasons_are_bounded_and_counters_are_not() -> None:
    bounds = Bounds()
    names = [f"refused:reason {number}" for number in range(MOST + 1)]
    assert [bounds.name(name) for name in names] == [*names[:-1], f"refused:{OTHER}"]
    assert bounds.name("hits") == "hits"
    assert bounds.name(names[3]) == names[3]
    assert Bounds().name("refused:" + "x" * 10**6) == shortened("refused:" + "x" * 10**6, LONGEST)
