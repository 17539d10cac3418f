from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import documents, spelled, values
from tests.core.play import quick
from wirecache.cassette._json_layout import WIDTH, JsonLayout, compact, layout_of, readable

PLAIN = {"a": [1, {"b": "x, y: z"}, []], "c": {}, "d": '\\ " \n é'}
TOKENS = [
    "1e3", "0.10", "-0", "1.0E+5", "123456789012345678901234567890", r'"\/"', r'"\u00e9 \u003c"', r'"\ud83d\ude00"', r'"\ud83d"',
    '{"a":1,"a":2}', '{"b":1,"a":2}', '"é"', '""', '"\\\\"', '"a b"', "null", "true",
]  # fmt: skip


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        pytest.param("compact", json.dumps(PLAIN, separators=(",", ":")), id="compact"),
        pytest.param("spaced", json.dumps(PLAIN), id="Python's own"),
        pytest.param("spaced-colons", json.dumps(PLAIN, separators=(",", ": ")), id="colons"),
        pytest.param("spaced-commas", json.dumps(PLAIN, separators=(", ", ":")), id="commas"),
        pytest.param("indent-2", json.dumps(PLAIN, indent=2), id="2 spaces"),
        pytest.param("indent-4", json.dumps(PLAIN, indent=4), id="4 spaces"),
        pytest.param("indent-tab", json.dumps(PLAIN, indent="\t"), id="tabs"),
        pytest.param("indent-2-crlf", json.dumps(PLAIN, indent=2).replace("\n", "\r\n"), id="CRLF"),
    ],
)
def test_a_layout_has_a_name(layout: str, text: str) -> None:
    found = layout_of(text)
    assert found is not None
    assert (found.name, found.before, found.after) == (layout, "", "")
    assert found.text() == text


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("frame", ["%s", "[%s]", '{"a":%s}', '[\n  {\n    "a": [\n      %s\n    ]\n  }\n]'])
def test_tokens_stay_as_they_are(token: str, frame: str) -> None:
    token = token if frame[1:2] != "\n" else token.replace("{", "").replace("}", "").partition(":")[0]
    found = layout_of(frame % token)
    assert found is not None
    assert token in found.tokens
    assert found.text() == frame % token


@quick
@given(values, st.sampled_from(["", "\n", " \n\n", "\r\n"]), st.sampled_from(["", "\n", "\r\n", " "]), st.randoms(use_true_random=False))
def test_a_document_comes_back_from_what_people_read(value: object, before: str, after: str, dice: random.Random) -> None:
    ways = [{"separators": (",", ":")}, {}, {"indent": dice.choice([1, 2, 3, 4, "\t"])}, {"ensure_ascii": False}]
    text = before + json.dumps(value, **dice.choice(ways)) + after
    found = layout_of(text)
    assert found is not None
    shown = readable(found.tokens, dice.randint(0, 5))
    assert found._replace(tokens=shown).text() == text
    reformatted = json.dumps(json.loads(found.tokens, parse_float=lambda raw: raw, parse_int=lambda raw: raw))
    assert json.loads(shown, parse_float=lambda raw: raw, parse_int=lambda raw: raw) == json.loads(reformatted)


@quick
@given(documents, st.randoms(use_true_random=False))
def test_any_spelling_is_exact_or_refused(value: object, dice: random.Random) -> None:
    text = spelled(value, dice)
    found = layout_of(text)
    assert found is None or found._replace(tokens=readable(found.tokens, 3)).text() == text


@quick
@given(st.text(max_size=30) | st.text('{}[],:"\\ \n\t0123eE.+-ntrue', max_size=12))
def test_any_text_is_exact_or_refused(text: str) -> None:
    found = layout_of(text)
    assert found is None or found.text() == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("NaN", id="NaN"),
        pytest.param('{"a":NaN}', id="NaN inside"),
        pytest.param("[1,]", id="a trailing comma"),
        pytest.param('{"a":1} {"b":2}', id="two documents"),
        pytest.param('{"a":1,  "b":2}', id="irregular"),
        pytest.param("{\n}", id="an empty object over two lines"),
        pytest.param("\ufeff{}", id="a byte order mark"),
        pytest.param("\u00a0{}", id="a space that JSON does not know"),
        pytest.param('"\t"', id="a control character"),
        pytest.param("[" * 200 + "]" * 200, id="deep"),
        pytest.param("[" * 100_000 + "]" * 100_000, id="too deep for any parser"),
        pytest.param("9" * 5_000, id="a number that Python does not read"),
        pytest.param("<html>", id="HTML"),
    ],
)
def test_what_is_irregular_or_no_json_is_refused(text: str) -> None:
    assert layout_of(text) is None


def test_numbers_fill_their_lines() -> None:
    numbers = [round(0.001 * at, 6) for at in range(1000)]
    text = json.dumps({"embedding": numbers, "few": [1, 2]}, separators=(",", ":"))
    shown = readable(text, 2)
    lines = shown.splitlines()
    assert len(lines) < 100
    assert max(map(len, lines)) <= WIDTH + 20
    assert '"few": [1, 2]' in shown
    assert compact(shown) == text


def test_a_large_document_takes_no_long_time() -> None:
    text = json.dumps({"image": "A" * 5_000_000, "numbers": list(range(50_000))})
    found = layout_of(text)
    assert found is not None
    assert JsonLayout(readable(found.tokens, 1), found.name).text() == text
