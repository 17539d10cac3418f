from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from tests.core.play import quick
from tests.models.recording import CASES, play


@settings(quick, max_examples=15)
@given(CASES)
def test_a_cassette_is_lists_of_answers(case: list[dict[str, Any]]) -> None:
    play(case)
