"""Every SDK of this environment, cell by cell. What came out is in ``matrix.json``, from which the README's table is made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provider import Provider
from tests.sdk.matrix.bodies import script
from tests.sdk.matrix.cells import CELLS
from tests.sdk.matrix.here import rows
from tests.sdk.matrix.row import Row

# SDKs and frameworks leave their own connections to the garbage collector, wherever it may come by.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    ("row", "cell"),
    [pytest.param(row, name, id=f"{row}/{name}") for row in rows() for name, cell in CELLS.items() if cell.applies(row)],
)
def test_cell(row: Row, cell: str, provider: Provider, tmp_path: Path) -> None:
    provider.script = script
    CELLS[cell].check(row, provider, tmp_path / "store")


@pytest.fixture(autouse=True, scope="module")
def _left_over() -> Iterator[None]:
    """What they left is collected while that is no error."""
    yield
    gc.collect()
