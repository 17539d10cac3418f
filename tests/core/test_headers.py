from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import quick
from wirecache._core.headers import content_media_type, fields_of, media_type

names = st.text("abcXYZ-", min_size=1, max_size=3).map(str.encode)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (b"", b""),
        (b"application/json", b"application/json"),
        (b"Text/Event-Stream; charset=utf-8", b"text/event-stream"),
        (b" a/b ;c", b"a/b"),
    ],
)
def test_media_type(content_type: bytes, expected: bytes) -> None:
    assert media_type(content_type) == expected
    assert content_media_type({b"content-type": content_type}) == expected


def test_a_message_without_a_content_type_has_no_media_type() -> None:
    assert content_media_type({b"accept": b"a/b"}) == b""


@pytest.mark.parametrize(
    ("pairs", "fields"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([(b"X-A", b"1"), (b"b", b"2")], {b"x-a": b"1", b"b": b"2"}, id="names in lower case"),
        pytest.param([(b"a", b"1"), (b"b", b"2"), (b"A", b"3")], {b"a": b"1, 3", b"b": b"2"}, id="a repeated header"),
        pytest.param([(b"a", b""), (b"a", b"")], {b"a": b", "}, id="repeated and empty"),
    ],
)
def test_fields(pairs: list[tuple[bytes, bytes]], fields: dict[bytes, bytes]) -> None:
    assert fields_of(pairs) == fields


@quick
@given(st.lists(st.tuples(names, st.binary(max_size=3)), max_size=6))
def test_fields_have_every_value_in_order(pairs: list[tuple[bytes, bytes]]) -> None:
    expected: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        expected.setdefault(name.lower(), []).append(value)
    assert fields_of(pairs) == {name: b", ".join(values) for name, values in expected.items()}
