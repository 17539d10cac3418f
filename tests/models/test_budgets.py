from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from tests.core.play import quick
from tests.models.budgets import CASES, NAMESPACES, nested, play


@settings(quick, max_examples=40)
@given(CASES)
def test_what_is_spent_is_plain_arithmetic(case: dict[str, Any]) -> None:
    play(case)


@quick
@given(NAMESPACES)
def test_namespaces_nest(case: dict[str, Any]) -> None:
    nested(case)
