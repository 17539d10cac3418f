from __future__ import annotations

from typing import Any

import pytest

from tests.core.compare.test_steps import answer, made
from wirecache._core.compare import alignment
from wirecache._core.compare.alignment import pairs_of, worst_of
from wirecache._core.compare.steps import Severity, Step, steps_of

SYSTEM = {"role": "system", "content": "Be brief."}


def run(*conversations: Any) -> list[Step]:
    """Return the steps of a run; a conversation is a text for its only message, or a list of the texts of all."""
    bodies = [
        {"model": "m", "messages": [SYSTEM, *({"role": "user", "content": text} for text in ([one] if isinstance(one, str) else one))]}
        for one in conversations
    ]
    return steps_of([made(sent=body, stored_at=float(at)) for at, body in enumerate(bodies)])


def numbers(before: list[Step], after: list[Step]) -> list[tuple[int | None, int | None]]:
    return [(pair.before and pair.before.number, pair.after and pair.after.number) for pair in pairs_of(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(run("a", "b"), run("a", "b"), [(1, 1), (2, 2)], id="the same"),
        pytest.param(run("a", "b", "c"), run("c", "a", "b"), [(3, 1), (1, 2), (2, 3)], id="in another order"),
        pytest.param(run("a", "a", "b"), run("a", "b", "a"), [(1, 1), (3, 2), (2, 3)], id="equal requests, each once"),
        pytest.param(run("a", "b", "c"), run("a", "c"), [(1, 1), (2, None), (3, 2)], id="one is missing"),
        pytest.param(run("a", "c"), run("a", "b", "c"), [(1, 1), (None, 2), (2, 3)], id="one is added"),
        pytest.param(run("x", "a"), run("a"), [(1, None), (2, 1)], id="the first is missing"),
        pytest.param([], run("a"), [(None, 1)], id="nothing before"),
        pytest.param(run("a"), [], [(1, None)], id="nothing after"),
        pytest.param([], [], [], id="nothing"),
        pytest.param(
            run(["a"], ["a", "1"], ["a", "1", "2"]),
            run(["a"], ["a", "9"], ["a", "9", "8"], ["a", "9", "8", "7"]),
            [(1, 1), (2, 2), (3, 3), (None, 4)],
            id="a conversation that goes on otherwise",
        ),
        pytest.param(
            run(["a", "1"], ["b", "1"], ["a", "1", "2"], ["b", "1", "2"]),
            run(["b", "x"], ["a", "x"], ["b", "x", "2"], ["a", "x", "2"]),
            [(2, 1), (1, 2), (4, 3), (3, 4)],
            id="two conversations at once",
        ),
        pytest.param(run("The weather in Bern?"), run("The weather in Berlin?"), [(1, 1)], id="another question"),
    ],
)
def test_which_steps_belong_together(before: list[Step], after: list[Step], expected: list[tuple[int | None, int | None]]) -> None:
    assert numbers(before, after) == expected


def test_steps_of_other_targets_do_not() -> None:
    other = steps_of([made(url="https://h/v1/embeddings", endpoint="embeddings")])
    assert numbers(run("a"), other) == [(None, 1), (1, None)] or numbers(run("a"), other) == [(1, None), (None, 1)]


def test_large_groups_are_paired_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MOST_COMPARED", 5)
    assert numbers(run("a", "b", "c"), run("x", "y", "z")) == [(1, 1), (2, 2), (3, 3)]


def test_the_worst_of_all() -> None:
    failed = steps_of([made(b"{}", status=500)])
    worded = steps_of([made(answer("It pours."))])
    same = steps_of([made()])
    assert worst_of(pairs_of(same, same)) is Severity.SAME
    assert worst_of(pairs_of(same, worded)) is Severity.WORDED
    assert worst_of(pairs_of(same, failed)) is Severity.FAILED
    assert worst_of(pairs_of(same, [])) is Severity.MISSING
    assert worst_of([]) is Severity.SAME


def test_what_has_no_counterpart_is_added_or_missing() -> None:
    assert [pair.severity for pair in pairs_of([], run("a"))] == [Severity.ADDED]
    assert [pair.severity for pair in pairs_of(run("a"), [])] == [Severity.MISSING]


def test_those_that_are_alike_are_paired_and_the_others_passed_over() -> None:
    short, long = run("What is the weather in Bern?"), run("Tell me a joke.", "What is the weather in Berlin?", "Goodbye!")
    assert numbers(short, long) == [(None, 1), (1, 2), (None, 3)]
    assert numbers(long, short) == [(1, None), (2, 1), (3, None)]
