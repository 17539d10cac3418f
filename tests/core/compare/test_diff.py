from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirecache._core.compare.diff import ABSENT, difference, differences, likeness, part_difference

UUIDS = ("123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174999")


@pytest.mark.parametrize(
    ("stored", "requested", "lines"),
    [
        pytest.param({"a": 1}, {"a": 2}, ["/a: 1 -> 2"], id="a number"),
        pytest.param({"a": 1}, {"a": True}, ["/a: 1 -> True"], id="a type"),
        pytest.param({"a": 1}, {"a": 1.0}, [], id="the same number"),
        pytest.param({}, {"a": None}, ["/a: absent -> None"], id="a new member"),
        pytest.param({"a": None}, {}, ["/a: None -> absent"], id="a lost member"),
        pytest.param({"a": [1]}, {"a": [1, {"b": 2}]}, ["/a/1: absent -> dict of 1"], id="a longer list"),
        pytest.param({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, ["/a~1b/~0: 1 -> 2"], id="escapes of a pointer"),
        pytest.param([1], {"a": 1}, ["/: list of 1 -> dict of 1"], id="the whole"),
        pytest.param({"a": "x" * 99 + "1"}, {"a": "x" * 99 + "2"}, [f'/a: "...{"x" * 20}1" -> "...{"x" * 20}2"'], id="late in a text"),
        pytest.param(
            {"m": "It is 12:03:11"},
            {"m": "It is 12:03:15"},
            ['/m: "It is 12:03:11" -> "It is 12:03:15" (looks like a time: KeyOptions(normalize=...) can take it out)'],
            id="a time in a text",
        ),
        pytest.param(
            {"id": UUIDS[0]},
            {"id": UUIDS[1]},
            [f'/id: "...{UUIDS[0][13:]}" -> "...{UUIDS[1][13:]}" (looks like a UUID: KeyOptions(ignore_body=("/id",)) leaves it out)'],
            id="a UUID as a whole",
        ),
        pytest.param(
            {"p": "see /tmp/a1/x"},
            {"p": "see /tmp/b2/x"},
            ['/p: "see /tmp/a1/x" -> "see /tmp/b2/x" (looks like a temporary path: KeyOptions(normalize=...) can take it out)'],
            id="a temporary path",
        ),
    ],
)
def test_lines(stored: Any, requested: Any, lines: list[str]) -> None:
    assert [str(difference) for difference in differences(stored, requested)] == lines


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_equal_values_and_only_those_have_none(one: Any, other: Any) -> None:
    assert not list(differences(one, one))
    assert bool(list(differences(one, other))) == (repr(one) != repr(other) and _distinct(one, other))


def _distinct(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() != other.keys() or any(_distinct(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) != len(other) or any(map(_distinct, one, other))
    return one != other or type(one) is not type(other)


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_likeness_is_a_share(one: Any, other: Any) -> None:
    assert likeness(one, one) == 1.0
    assert 0.0 <= likeness(one, other) <= 1.0
    assert likeness(one, other) == pytest.approx(likeness(other, one))


def test_a_small_change_is_more_like_the_original_than_a_great_one() -> None:
    def body(text: str, model: str = "m") -> dict[str, Any]:
        return {"model": model, "messages": [{"role": "system", "content": "s" * 50}, {"role": "user", "content": text}]}

    requested = body("What time is it at 12:03:15?")
    similar, different, unrelated = body("What time is it at 12:03:11?"), body("Tell me a joke"), {"input": "x"}
    assert likeness(similar, requested) > likeness(different, requested) > likeness(unrelated, requested)


KEY, OTHER = "gsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD", "gsk" + "_zZ3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD"


@pytest.mark.parametrize(
    ("stored", "requested", "lines"),
    [
        pytest.param({"a": f"x {KEY} y"}, {"a": "x"}, ['/a: "x REDACTED y" -> "x"'], id="a key in a text"),
        pytest.param({"a": KEY}, {"a": OTHER}, ['/a: "REDACTED" -> "REDACTED"'], id="two keys"),
        pytest.param({"a": KEY + " 1"}, {"a": KEY + " 2"}, ['/a: "REDACTED 1" -> "REDACTED 2"'], id="behind a key"),
        pytest.param({"a": "x " * 5000 + KEY}, {"a": "x " * 5000 + OTHER}, None, id="far into a text"),
        pytest.param({}, {"a": KEY}, ["/a: absent -> 'REDACTED'"], id="a new member"),
        pytest.param({"Password": "hunter2"}, {"Password": "hunter3"}, ["/Password: REDACTED -> REDACTED"], id="by name"),
        pytest.param({"api_key": "hunter2"}, {}, ["/api_key: REDACTED -> absent"], id="by name, lost"),
        pytest.param({"cookie": ["a"]}, {"cookie": ["b"]}, ["/cookie/0: REDACTED -> REDACTED"], id="by name, in a list"),
        pytest.param({"api_key": 1}, {"api_key": 2}, ["/api_key: 1 -> 2"], id="a number"),
        pytest.param({KEY: 1}, {KEY: 2}, ["/REDACTED: 1 -> 2"], id="a name"),
    ],
)
def test_secrets_are_not_shown(stored: Any, requested: Any, lines: list[str] | None) -> None:
    shown = [str(difference) for difference in differences(stored, requested)]
    assert lines is None or shown == lines
    assert shown
    assert not any(secret[-8:] in line for line in shown for secret in (KEY, OTHER))


@pytest.mark.parametrize("name", ["token", "code", "session", "pass", "my_secret"])
def test_a_value_that_looks_like_a_secret_under_an_ordinary_name_is_not_shown(name: str) -> None:
    for stored, requested in (("abc123def456", "ghi789jkl012"), (ABSENT, "ghi789jkl012"), ("abc123def456", 5)):
        shown = str(difference(f"/metadata/{name}", stored, requested))
        assert "abc123" not in shown
        assert "ghi789" not in shown
    assert "no_such_file" in str(difference(f"/metadata/{name}", ABSENT, "no_such_file"))


def test_likeness_is_shallow_below_its_depth() -> None:
    def nested(value: int) -> Any:
        return {"a": {"b": {"c": {"d": {"e": [value, 0]}}}}}

    assert likeness(nested(1), nested(1)) == 1.0
    assert likeness(nested(1), nested(2)) == 0.0
    assert likeness(nested(1)["a"], nested(2)["a"]) > 0.0
    assert likeness({"a": 1}, [1]) == 0.0


def test_a_part_outside_the_body_is_shown_in_full_without_its_secrets() -> None:
    assert (
        str(part_difference("url", "https://h/" + "x" * 99, f"https://h/{KEY}")) == f"url: {'https://h/' + 'x' * 99} -> https://h/REDACTED"
    )
