"""The table of shapes alone: which secrets are found where, and what is left of the text."""

from __future__ import annotations

import base64
import random
import re
from typing import Any

import pytest

from tests.core.privacy.samples import MIX, ORDINARY, PLANTED, SECRETS
from wirecache._core.privacy import patterns
from wirecache._core.privacy.patterns import (
    Span,
    _anchor_groups,
    compiled_by_user,
    present,
    redacted_text,
    replaced,
    search,
    shown,
)
from wirecache._core.privacy.shapes import ROWS
from wirecache.errors import ConfigError

KEY = SECRETS["groq"]


@pytest.mark.parametrize(("text", "secret"), PLANTED)
def test_a_planted_secret_is_found(text: str, secret: str) -> None:
    assert any(secret in text[span.start : span.end] or text[span.start : span.end] in secret for span in search(text))
    assert secret not in redacted_text(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_has_no_secret(text: str) -> None:
    assert search(text) == []
    assert redacted_text(text) is text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.anchor)
def test_a_row_is_present_where_its_anchor_and_what_it_requires_are(row: object) -> None:
    assert row in present(f"x {row.anchor} {row.required} y")  # type: ignore[attr-defined]
    assert row not in present("x y")


def test_an_image_in_base64_may_have_few_rows() -> None:
    image = base64.b64encode(random.Random(0).randbytes(100_000)).decode().rstrip("=")
    assert {row.anchor for row in present(image)} <= {"AIza", "AKIA", "ASIA", "ABIA", "ACCA", "ABSK", "1//0", "dapi"}


def test_a_secret_says_where_it_is_and_of_what_kind() -> None:
    assert search(f"a {KEY} b") == [Span(2, 2 + len(KEY), "Groq key")]


@pytest.mark.parametrize("before", ["a", "1", "-", "_"])
def test_a_secret_does_not_begin_within_a_word(before: str) -> None:
    assert search(f"{before}{KEY}") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(f"Bearer {KEY}", [(7, 7 + len(KEY))], id="two shapes of one secret"),
        pytest.param("Bearer REDACTED", [], id="what is redacted"),
        pytest.param(f"REDACTED {KEY}", [(9, 9 + len(KEY))], id="beside what is redacted"),
        pytest.param(f"{KEY},{KEY}", [(0, len(KEY)), (len(KEY) + 1, 2 * len(KEY) + 1)], id="two secrets"),
        pytest.param("", [], id="no text"),
    ],
)
def test_secrets_are_in_order_and_do_not_overlap(text: str, found: list[tuple[int, int]]) -> None:
    assert [(span.start, span.end) for span in search(text)] == found


@pytest.mark.parametrize(
    ("pattern", "text", "kept"),
    [
        pytest.param(r"EMP-\d+", "by EMP-12.", "by REDACTED.", id="the whole match"),
        pytest.param(r"pin (?P<secret>\d+)", "my pin 12.", "my pin REDACTED.", id="its group called secret"),
        pytest.param(r"pin(?P<secret>\d+)?", "my pin.", "my REDACTED.", id="a group that did not match"),
        pytest.param(r"[A-Z]+", "REDACTED", "REDACTED", id="what is redacted"),
    ],
)
def test_patterns_of_a_user(pattern: str, text: str, kept: str) -> None:
    assert redacted_text(text, patterns=[re.compile(pattern)]) == kept


def test_text_between_spans_stays() -> None:
    assert replaced("0123456789", [(1, 3), (3, 4), (8, 10)]) == "0REDACTEDREDACTED4567REDACTED"
    assert replaced("0123", []) == "0123"


def test_only_rows_that_are_named_are_searched() -> None:
    assert redacted_text(f"{KEY} Bearer {MIX}", present(KEY)) == f"REDACTED Bearer {MIX}"


NAMED = "Zq07xW7pLm4Tk"


@pytest.mark.parametrize(
    "text",
    [
        "OPENAI_API_KEY={}\n",
        "DB_PASSWORD='{}'",
        "password: {}\n",
        "bad header x-api-key: {}",
        '{{\\"apiKey\\": \\"{}\\"}}',
        "client_secret={}&a=1",
    ],
)
def test_what_stands_after_a_secret_name_in_a_text(text: str) -> None:
    assert redacted_text(text.format(NAMED)) == text.format("REDACTED")


@pytest.mark.parametrize(
    "text",
    ["api_key=os.environ['OPENAI_API_KEY']", "password: string, at least 8 letters", "the apikey = key_of(x)", '"password": "swordfish"'],
)
def test_a_program_or_a_sentence_about_a_secret_stays(text: str) -> None:
    assert redacted_text(text) is text


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "redact: the pattern '(' does not compile: "),
        (7, "redact: the pattern 7 does not compile: "),
        (re.compile(b"x"), "redact: patterns must be text, got the bytes pattern b'x'"),
        ("x*", "redact: the pattern 'x*' matches the empty text, and so everything; narrow it to the secret"),
    ],
)
def test_a_pattern_of_the_users_that_is_wrong(pattern: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        compiled_by_user(pattern)


def test_a_pattern_of_the_users() -> None:
    assert compiled_by_user(r"customer-\d+").fullmatch("customer-12")
    assert compiled_by_user(re.compile("x")).pattern == "x"


@pytest.mark.parametrize(
    ("secret", "text"),
    [("abcdefghijkl", "abcd... (12 characters)"), ("abcdefghijk", "... (11 characters)"), ("a\nb" + "c" * 9, "a?bc... (12 characters)")],
)
def test_of_a_secret_little_is_shown(secret: str, text: str) -> None:
    assert shown(secret) == text


def test_the_anchors_are_grouped_by_a_rare_character() -> None:
    groups = _anchor_groups()
    assert sum(len(group.rows) for group in groups) == len(ROWS)
    for group in groups:
        assert all(group.character in row.anchor for row in group.rows)


def test_each_row_is_in_the_group_of_its_rare_character() -> None:
    groups = patterns._anchor_groups()
    assert sorted(row.anchor for group in groups for row in group.rows) == sorted(row.anchor for row in ROWS)
    for group in groups:
        for row in group.rows:
            assert group.character == next((letter for letter in "_-=/?&JAB" if letter in row.anchor), row.anchor)
            assert not group.pattern or re.search(group.pattern, f"x{row.anchor}x"), row.anchor
        assert (group.pattern == "") is (len(group.rows) == 1)
        assert not group.pattern or not re.search(group.pattern, f"x{group.character}x")
        required = [set(row.required) for row in group.rows]
        assert group.required == (set().union(*required) if all(required) else set())
    by_character = {group.character: group for group in groups}
    assert by_character["-"].required == frozenset()
    assert by_character["?"].required == {"="}
    underscores = by_character["_"].pattern
    assert re.search(underscores, "api_org_")
    assert not re.search(underscores, "xapi_orgx_")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"é{KEY}", "éREDACTED"),  # a word is of ASCII
        (f"gsk_ {KEY} gsk_", "gsk_ REDACTED gsk_"),
        (f"{KEY} {KEY} {KEY} gsk_", "REDACTED REDACTED REDACTED gsk_"),
        ("x&&sig=s3cr3t12345", "x&&sig=REDACTED"),
        ("Basic words and Basic dTpwYQ==", "Basic words and Basic REDACTED"),
    ],
)
def test_each_place_is_looked_at(text: str, kept: str) -> None:
    assert redacted_text(text) == kept


@pytest.mark.parametrize(
    ("pattern", "text", "kept"),
    [
        ("a+|b+", "aabb", "REDACTED"),  # as one
        ("x+", "REDACTEDxxx", "REDACTEDREDACTED"),
        ("x+", "xxxREDACTED", "REDACTEDREDACTED"),
        (r"\w+", "REDACTED secret", "REDACTED REDACTED"),
        ("(?P<secret>abc)def", "abcdef", "REDACTEDdef"),
        ("(?P<secret>x*)y", "yxy", "yREDACTEDy"),
        ("(?P<secret>a)?bcd", "bcd", "REDACTED"),
        ("house", f"{KEY} house", "REDACTED REDACTED"),
    ],
)
def test_what_a_pattern_of_the_users_replaces(pattern: str, text: str, kept: str) -> None:
    assert redacted_text(text, None, [re.compile(pattern)]) == kept


def test_each_of_several_is_found_at_once() -> None:
    assert [span.start for span in search(f"{KEY} {KEY} {KEY} gsk_")] == [0, len(KEY) + 1, 2 * len(KEY) + 2]


def test_a_find_of_a_pattern_of_the_users_is_of_its_own_kind() -> None:
    assert search("a house", None, [re.compile("house")]) == [(2, 7, "pattern")]


def test_a_pattern_that_matches_nothing_but_the_empty_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="matches the empty text"):
        patterns.compiled_by_user("^$")


@pytest.mark.parametrize("filler", ["A", " A"], ids=["base64", "words"])
@pytest.mark.parametrize(("text", "secret"), PLANTED)
def test_a_secret_in_a_long_text_is_found_as_in_a_short_one(text: str, secret: str, filler: str) -> None:
    assert secret not in redacted_text(f"{filler * patterns.LONG}\n{text}\n{filler * 20}")


def test_a_row_without_what_it_requires_is_not_present() -> None:
    assert [row.anchor for row in present("what? yes & no")] == []
    assert [row.anchor for row in present("what?a=b")] == ["?"]
