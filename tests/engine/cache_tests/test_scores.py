"""The public cache tests: what our client passed once it passes still, and it is ahead of hishel's own in each kind of case."""

from __future__ import annotations

import pytest

from tests.engine.cache_tests.cases import KINDS, load
from tests.engine.cache_tests.clients import ours, results
from tests.engine.cache_tests.scores import of_kind, passed, read

CASES = load()


def test_all_cases_are_there() -> None:
    assert [len([case for case in CASES if case.kind == kind]) for kind in KINDS] == [160, 105, 100]
    assert {other for case in CASES for other in case.depends_on} <= {case.id for case in CASES}


def test_ahead_of_hishels_own_client() -> None:
    own, other = read().values()
    assert [kind for kind in KINDS if of_kind(CASES, own, kind) <= of_kind(CASES, other, kind)] == []


@pytest.mark.timeout(240)
def test_the_score_does_not_fall() -> None:
    wanted = read()["wirecache"]
    found = results(CASES, ours)
    again = [case for case in CASES if case.id in wanted and found[case.id] is not None]  # a busy machine comes too late for some
    if 0 < len(again) <= 20:
        found |= results(again, ours)
    assert {case: found[case] for case in wanted - passed(CASES, found)} == {}
