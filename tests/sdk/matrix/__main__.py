"""Run the matrix in this environment and write down what came out, or print the guide's table of all environments.

python -m tests.sdk.matrix run      # in each environment: make matrix
python -m tests.sdk.matrix          # the table; make guide writes it into the guide
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.matrix.table import HERE, section


class Outcomes:
    """A plugin of pytest that notes how each cell came out."""

    def __init__(self) -> None:
        self.passed: dict[str, dict[str, bool]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = re.search(r"test_cell\[(.*)/([\w-]+)\]", report.nodeid)
        if found and (report.when == "call" or report.failed):
            cells = self.passed.setdefault(found[1], {})
            cells[found[2]] = report.passed and cells.get(found[2], True)


def run() -> int:
    """Run the rows of this environment, and replace their outcomes in the file."""
    outcomes = Outcomes()
    # What an SDK leaves open when its event loop has ended is not what a cell asks.
    without = ["-p", "no:xdist", "-p", "no:unraisableexception"]
    status = pytest.main(["-c", "pyproject.toml", *without, str(Path(__file__).parent / "test_matrix.py")], plugins=[outcomes])
    from tests.sdk.matrix.here import environment, rows  # not before pytest, which loads wirecache's plugin itself

    rows_by_name: dict[str, Any] = json.loads(HERE.read_text()) if HERE.exists() else {}
    rows_by_name = {name: row for name, row in rows_by_name.items() if row["environment"] != environment()}
    for row in rows():
        rows_by_name[row.name] = {
            "environment": environment(),
            "package": row.package,
            "version": version(row.package),
            "library": row.library,
            "sync": row.sync and row.sync.line,
            "async": row.asynchronous and row.asynchronous.line,
            "own": {"sync": row.sync and row.sync.own, "async": row.asynchronous and row.asynchronous.own},
            "attach": row.attach_to or (row.sync or row.asynchronous).own,  # type: ignore[union-attr]
            "cells": outcomes.passed.get(row.name, {}),
            "without": _without({"sync": row.sync, "async": row.asynchronous}),
        }
    HERE.write_text(json.dumps(rows_by_name, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    return int(status)


def _without(sides: dict[str, Any]) -> dict[str, dict[str, str]]:
    """By cell: which sides have not got it, and why."""
    lacking: dict[str, dict[str, str]] = {}
    for side, colour in sides.items():
        for cell, why in (colour.without if colour else {}).items():
            lacking.setdefault(cell, {})[side] = why
    return lacking


def main(arguments: list[str]) -> int:
    if arguments == ["run"]:
        return run()
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    print(section())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
