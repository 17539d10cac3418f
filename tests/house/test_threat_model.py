"""Each promise of the threat model in SECURITY.md names tests that hold it, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY = ROOT / ".github" / "SECURITY.md"
ROWS = [line for line in SECURITY.read_text("utf-8").partition("## The threat model")[2].splitlines() if line.startswith("| ")][1:]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.split("|")[3].strip()) for row in ROWS])
def test_each_promise_has_tests_that_exist(row: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row.split("|")[4])
    assert named
    for path, name in named:
        functions = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))) if isinstance(node, FUNCTIONS)}
        assert name in functions, f"{path} has no {name}"


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_there_is_a_threat_model() -> None:
    assert len(ROWS) > 20
