"""The benchmark runs, and measures what it says; no figure is asserted."""

from __future__ import annotations

import pytest

from tests.benchmarks.disk_writers import measured


@pytest.mark.parametrize("kind", ["disk", "fanout"])
def test_a_line_of_the_table(kind: str) -> None:
    assert measured(kind, processes=2, seconds=0.2, writes_in=2).split()[:3] == [kind, "2", "2"]
