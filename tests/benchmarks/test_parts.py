"""The parts are measured; no figure is asserted."""

from __future__ import annotations

from tests.benchmarks.parts import PARTS, run


def test_each_part_of_a_miss_is_measured() -> None:
    parts = run(3)
    assert {name for name, _, _ in PARTS} < parts.keys()
    assert all(microseconds >= 0 for microseconds in parts.values())
