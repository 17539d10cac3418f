"""The README's table of SDKs is what the matrix found, and the matrix found it of what is pinned here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.sdk.matrix.here import ENVIRONMENTS, environment, rows
from tests.sdk.matrix.table import BEGIN, COLUMNS, END, HERE, ORDER, README, in_readme, section

FOUND = json.loads(HERE.read_text("utf-8"))
PINS = {"main": "requirements"}  # the file of an environment, where it is not named as that is


def test_the_readme_has_the_table_that_the_matrix_makes() -> None:
    text = README.read_text("utf-8")
    assert in_readme(text, section()) == text, "python -m tests.sdk.matrix write"


def test_a_readme_without_the_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"README\.md has no"):
        in_readme("a text", section())
    assert in_readme(f"a {BEGIN} b {END} c", "new").startswith(f"a {BEGIN}\n\nnew\n{END} c")


def test_each_row_that_ran_is_in_the_table_and_each_column_is_a_cell() -> None:
    assert set(FOUND) == set(ORDER)
    cells = {cell for row in FOUND.values() for cell in row["cells"]}
    assert {cell for cells in COLUMNS.values() for cell in cells} | {"parameter"} == cells


def test_the_rows_of_this_environment_are_those_that_ran_and_every_cell_passed() -> None:
    here = [name for name, row in FOUND.items() if row["environment"] == environment()]
    assert sorted(here) == sorted(row.name for row in rows())
    assert all(passed for row in FOUND.values() for passed in row["cells"].values())


@pytest.mark.parametrize("name", ORDER)
def test_it_ran_with_the_version_that_is_pinned(name: str) -> None:
    row = FOUND[name]
    assert row["environment"] in ENVIRONMENTS
    pins = README.with_name(".ci") / f"{PINS.get(row['environment'], row['environment'])}.txt"
    assert re.search(rf"^{row['package']}=={re.escape(row['version'])}$", Path(pins).read_text(), re.MULTILINE)
