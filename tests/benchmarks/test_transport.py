"""The benchmark runs, and measures what it says; no figure is asserted."""

from __future__ import annotations

from tests.benchmarks.transport import run


def test_the_benchmark_gives_a_row_for_each_promise() -> None:
    rows = dict(run(rounds=3))
    assert len(rows) == 11
    assert all(result for result in rows.values())
