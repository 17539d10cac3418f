from __future__ import annotations

import pytest

from wirecache._core.headers import content_media_type, media_type


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
