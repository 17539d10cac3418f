"""The table of shapes: is each row reached, and does none of its secrets lack what the row requires?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.play import quick
from tests.core.privacy.samples import IN_CONTEXT, SECRETS
from wirecache._core.privacy import shapes
from wirecache._core.privacy.patterns import redacted_text, search
from wirecache._core.privacy.shapes import ROWS, Row, is_opaque


def test_every_shape_has_a_planted_secret() -> None:
    planted = [*SECRETS.values(), *(text for text, _ in IN_CONTEXT.values())]
    found = {span.kind for text in planted for span in search(text)}
    assert {row.kind for row in ROWS} - found == set()


@pytest.mark.parametrize("row", [row for row in ROWS if row.required], ids=lambda row: row.anchor)
@settings(quick, max_examples=max(20, quick.max_examples // 5))
@given(data=st.data())
def test_nothing_matches_without_what_its_row_requires(row: Row, data: st.DataObject) -> None:
    match = data.draw(st.from_regex(re.compile(row.pattern.replace("++", "+").replace("*+", "*"), re.ASCII)))
    assert any(character in match for character in row.required)


@pytest.mark.parametrize(("text", "expected"), [("a1b2c3d4", True), ("swordfish", False), ("short1", False), ("a b1c2d3e4", False)])
def test_what_looks_like_a_secret(text: str, expected: bool) -> None:
    assert is_opaque(text) is expected


def test_basic_is_followed_by_a_user_and_a_password_or_it_is_a_word() -> None:
    assert redacted_text("Basic dXNlcjpwYXNzd29yZA==") == "Basic REDACTED"
    for words in ("Basic understanding", "Basic dXNlcnBhc3N3b3Jk", "Basic abcdefghijklmnopq"):
        assert redacted_text(words) == words


def test_the_rows_are_those_of_the_shapes() -> None:
    rows = tuple(shapes._rows())
    assert rows == ROWS
    by_anchor = {row.anchor: row for row in rows}
    assert {anchor for anchor in by_anchor if anchor.startswith("gh")} == {"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}
    assert (by_anchor["Basic"].is_valid, by_anchor["BASIC"].is_valid) == (shapes._is_user_and_password, shapes._is_user_and_password)
    assert (by_anchor["assword"].is_valid, by_anchor["sk-"].is_valid) == (is_opaque, None)
    assert (by_anchor["?"].required, by_anchor["PI_KEY"].required, by_anchor["Bearer"].required) == ("=", "", " \t\\")
    assert by_anchor["sk-"].kind == "sk- key"
    assert by_anchor["sk-"].pattern.endswith(r"[\w-]{16,})")
    assert "-----BEGIN " in by_anchor


@pytest.mark.parametrize(
    ("text", "is_pair"),
    [
        ("dTpw", True),  # u:p
        ("dTpwYQ==", True),  # u:pa
        ("dTpwYQ", True),
        ("dTpwYXM=", True),  # u:pas
        ("dTpwYXM", True),
        ("dTpYXX==", True),  # ends in X before the padding
        ("dTpYX", False),  # no length that base64 has
        ("dTpw=dTpw", False),  # goes on after its end
        ("word", False),
        ("", False),
    ],
)
def test_what_basic_carries(text: str, is_pair: bool) -> None:
    assert shapes._is_user_and_password(text) is is_pair
