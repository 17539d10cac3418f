from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from tests.core.play import quick
from tests.models.collapsing import CASES, play


@settings(quick, max_examples=60)
@given(CASES)
def test_each_call_ends_and_what_is_stored_is_shared(case: dict[str, Any]) -> None:
    play(case)
