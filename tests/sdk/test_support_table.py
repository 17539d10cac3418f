"""The matrix found what its table says of the versions that are pinned here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.sdk.matrix.here import ENVIRONMENTS, environment, rows
from tests.sdk.matrix.table import COLUMNS, HERE, ORDER

FOUND = json.loads(HERE.read_text("utf-8"))
PINS = {"main": "requirements"}  # the file of an environment, where it is not named as that is


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
    pins = Path(__file__).parents[2] / ".ci" / f"{PINS.get(row['environment'], row['environment'])}.txt"
    assert re.search(rf"^{row['package']}=={re.escape(row['version'])}$", pins.read_text(), re.MULTILINE)
