"""The benchmarks of large stores and of starts measure what they say; no figure is asserted."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.benchmarks.scale import concurrent_misses, filled, of_a_day, of_the_limit
from tests.benchmarks.start import commands_of, in_turns
from wirecache import Cache


def test_the_store_has_entries_that_can_be_read(tmp_path: Path) -> None:
    filled(tmp_path / "store", 300)
    with Cache(tmp_path / "store") as cache:
        assert len(list(cache.engine.source.newest())) == 300
    what, result = of_the_limit(tmp_path / "store", 0.0001)
    assert (what, "ms" in result) == ("a write above the size limit", True)


def test_a_days_statistics_are_counted_and_read(tmp_path: Path) -> None:
    assert [what for what, _ in of_a_day(tmp_path)] == ["a day's statistics, added", "wirecache stats of that day"]


def test_misses_at_once_are_measured_beside_a_plain_client(tmp_path: Path) -> None:
    assert len(asyncio.run(concurrent_misses(tmp_path, 4))) == 2


def test_starts_are_measured(tmp_path: Path) -> None:
    commands = {name: command for name, command in commands_of(tmp_path).items() if name.startswith("SDK")}
    assert all(seconds > 0 for seconds in in_turns(commands, 1, dict(os.environ)).values())
