"""Strings of JSON as they are spelled, and what they say."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import texts
from tests.core.play import quick
from wirecache._core.privacy.json_text import (
    JSON_TOKEN,
    character_starts,
    is_json,
    strings_and_names,
    unescaped,
    with_plain_escapes,
)


@pytest.mark.parametrize(
    ("value", "strings", "names"),
    [
        pytest.param("a", ["a"], [], id="a string"),
        pytest.param(5, [], [], id="a number"),
        pytest.param({"a": [{"b": "c"}, "d", None]}, ["a", "b", "c", "d"], ["a", "b"], id="at depth"),
        pytest.param([{"a": 1}, {"a": 2}], ["a"], ["a"], id="a name that comes twice"),
        pytest.param([["b", "c"], ["d"], "e"], ["b", "c", "d", "e"], [], id="lists in a list"),
    ],
)
def test_strings_and_names(value: Any, strings: list[str], names: list[str]) -> None:
    found = strings_and_names(value)
    assert (sorted(found.strings), sorted(found.names)) == (strings, names)


@pytest.mark.parametrize("text", ["{}", "\ufeff[1]", " 5 ", '"a"', "[" * 100_000])
def test_what_is_json(text: str) -> None:
    assert is_json(text)


@pytest.mark.parametrize("text", ["", "{", "a", "{} {}", "{'a': 1}"])
def test_what_is_not(text: str) -> None:
    assert not is_json(text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("plain", "plain", id="no escape"),
        pytest.param(r"a\u00e9\/\n", "a\u00e9/\n", id="escapes"),
        pytest.param(r"\ud83d\ude00!", "\U0001f600!", id="a pair of surrogates"),
        pytest.param("a\\u00e9\tb", "a\u00e9\tb", id="a control character that JSON forbids"),
        pytest.param(r"a\x", r"a\x", id="an escape that JSON does not have"),
        pytest.param("a\\", "a\\", id="cut in an escape"),
    ],
)
def test_unescaped(content: str, text: str) -> None:
    assert unescaped(content) == text


@quick
@given(texts | st.sampled_from(["\U0001f600a", "\ud800", 'a"\\/\n']), st.booleans())
def test_each_character_has_its_place(text: str, plain: bool) -> None:
    content = json.dumps(text, ensure_ascii=plain)[1:-1]
    starts = character_starts(content)
    assert len(starts) == len(text) + 1
    assert [unescaped(content[start:end]) for start, end in pairwise(starts)] == list(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param(r"\u0041\u006b\/", "Ak/", id="needless escapes"),
        pytest.param(r"\n\u00e9", r"\n\u00e9", id="others stay"),
        pytest.param("none", "none", id="no escape"),
    ],
)
def test_with_plain_escapes(text: str, plain: str) -> None:
    assert with_plain_escapes(text) == plain


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param('{"a" : [1,"b"]}', ["{", '"a" :', "[", ",", '"b"', "]", "}"], id="a document"),
        pytest.param('["a\\"b", "c', ["[", '"a\\"b"', ",", '"c'], id="a quote in a string, and one that is cut"),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert [token[0] for token in JSON_TOKEN.finditer(text)] == tokens
