from __future__ import annotations

import pytest

from wirecache._core.shortened import shortened

LONGEST = 120


@pytest.mark.parametrize("text", ["", "gpt-4o", "x" * LONGEST])
def test_a_short_text_stays(text: str) -> None:
    assert shortened(text, LONGEST) == text


def test_a_long_text_is_its_beginning() -> None:
    assert shortened("x" * 10**6, LONGEST) == "x" * (LONGEST - 3) + "..."
