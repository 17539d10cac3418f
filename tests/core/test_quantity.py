from __future__ import annotations

import pytest

from wirecache._core.quantity import quantity


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (quantity(0, "file"), "0 files"),
        (quantity(1, "file"), "1 file"),
        (quantity(1, "entry", "entries"), "1 entry"),
        (quantity(1234, "entry", "entries"), "1,234 entries"),
    ],
)
def test_a_number_has_its_noun(text: str, written: str) -> None:
    assert text == written
