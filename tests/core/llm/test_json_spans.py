"""Where the members and items of a JSON text are: as a parser sees them, whatever white space and escapes there are."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import documents, leaves, same, spelled, texts, values
from tests.core.play import quick
from wirecache._core.llm.json_spans import Span, end_of, is_list, is_object, is_text, items_at, members_at, numbers_in

texts_of = st.randoms(use_true_random=False)


@quick
@given(st.dictionaries(texts, values), texts_of)
def test_members(value: dict[str, Any], dice: random.Random) -> None:
    text = b" \n" + spelled(value, dice).encode()
    found = {name: span.of(text) for name, span in members_at(text).items()}
    assert same({name: json.loads(part) for name, part in found.items()}) == same(value)


@quick
@given(st.lists(values), texts_of)
def test_items(value: list[Any], dice: random.Random) -> None:
    text = spelled(value, dice).encode()
    assert same([json.loads(span.of(text)) for span in items_at(text, 0)]) == same(value)
    assert end_of(text + b"]] ", 0) == len(text)


@quick
@given(st.lists(leaves), texts_of)
def test_numbers(value: list[Any], dice: random.Random) -> None:
    text = spelled(value, dice).encode()
    are_numbers = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value)
    assert numbers_in(text, Span(0, len(text))) == (len(value) if are_numbers else None)


@pytest.mark.parametrize(
    ("text", "count"),
    [("[]", 0), ("[ \n]", 0), ("[1]", 1), ("[ -1e5 , 2]", 2), ("[[1]]", None), ("[NaN]", None), ("[-Infinity]", None), ("1", None)],
)
def test_few_numbers(text: str, count: int | None) -> None:
    assert numbers_in(text.encode(), Span(0, len(text))) == count


def test_kinds() -> None:
    spans = members_at(b'{"a": [1], "b": {"c": 1}, "d": "e", "f": 1}')
    text = b'{"a": [1], "b": {"c": 1}, "d": "e", "f": 1}'
    assert [name for name in spans if is_list(text, spans[name])] == ["a"]
    assert [name for name in spans if is_object(text, spans[name])] == ["b"]
    assert [name for name in spans if is_text(text, spans[name])] == ["d"]


@pytest.mark.parametrize("text", [b'[{"a"', b'["a', b'"a', b"[1", b"", b'["\\'])
def test_what_is_no_whole_text(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a whole JSON text"):
        end_of(text, 0)


@quick
@given(documents, texts_of, st.integers(0, 200), st.binary(max_size=2))
def test_in_what_is_no_json_it_ends(value: Any, dice: random.Random, at: int, change: bytes) -> None:
    text = spelled(value, dice).encode()
    for broken in (text[:at], text[:at] + change + text[at + 1 :]):
        for look in (items_at, members_at):
            with suppress(ValueError):
                look(broken, 0)


def test_deep_texts_need_no_stack() -> None:
    text = b"[" * 5000 + b'"a"' + b"]" * 5000
    assert end_of(text, 0) == len(text)
