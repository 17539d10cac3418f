"""The benchmark of cassettes runs, and measures what it says; of its figures only the order of magnitude is asserted."""

from __future__ import annotations

from tests.benchmarks.cassette import run


def test_the_benchmark_gives_a_row_for_each_promise() -> None:
    rows = dict(run(count=30))
    assert len(rows) == 9
    assert all(result.split(" ")[1] in ("ms", "ms)") for result in rows.values())
