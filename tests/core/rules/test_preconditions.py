from __future__ import annotations

import pytest

from tests.core.play import entry, pairs_of
from wirecache._core.messages import Entry
from wirecache._core.rules.preconditions import narrowed

NOW = 1_700_000_000.0
CHANGED = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER, LATER = "Sun, 06 Nov 1994 08:49:36 GMT", "Sunday, 06-Nov-94 08:49:38 GMT"


def met_by(request: dict[str, str], headers: dict[str, str], body: bytes = b"0123456789", status: int = 200) -> Entry | None:
    stored = entry(headers=tuple((name.lower(), value) for name, value in pairs_of(headers)), body=body, status=status)
    return narrowed(dict(pairs_of(request)), stored, NOW)


@pytest.mark.parametrize(
    ("tags", "stored", "confirmed"),
    [
        ('"a"', '"a"', True),
        ('"b", "a"', '"a"', True),
        ('"b" ,W/"a"', '"a"', True),
        ('"a"', 'W/"a"', True),
        ("*", '"a"', True),
        ('"b"', '"a"', False),
        ("a", '"a"', False),
        ('"a"', "a", False),
        ('"x, "a', '"a"', False),
        ("", '"a"', False),
    ],
)
def test_entity_tags_are_compared_weakly(tags: str, stored: str, confirmed: bool) -> None:
    assert (met_by({"if-none-match": tags}, {"etag": stored}) is not None) is confirmed


@pytest.mark.parametrize(
    ("since", "stored", "confirmed"),
    [
        (CHANGED, {"last-modified": CHANGED}, True),
        (LATER, {"last-modified": CHANGED}, True),
        (CHANGED, {"last-modified": LATER}, False),
        (LATER, {"last-modified": LATER}, True),
        (EARLIER, {"last-modified": CHANGED}, False),
        (CHANGED, {"date": CHANGED}, True),
        (CHANGED, {"date": CHANGED, "last-modified": "yesterday"}, False),
        (CHANGED, {}, False),
        ("yesterday", {"last-modified": CHANGED}, False),
    ],
)
def test_times_of_change(since: str, stored: dict[str, str], confirmed: bool) -> None:
    assert (met_by({"if-modified-since": since}, stored) is not None) is confirmed


def test_a_tag_rules_over_a_time() -> None:
    stored = {"etag": '"a"', "last-modified": CHANGED}
    assert met_by({"if-none-match": '"a"', "if-modified-since": EARLIER}, stored) is not None
    assert met_by({"if-none-match": '"b"', "if-modified-since": LATER}, stored) is None


def test_without_a_tag_only_the_asterisk_is_met() -> None:
    assert met_by({"if-none-match": "*"}, {}) is not None
    assert met_by({"if-none-match": '"a"'}, {}) is None


def test_a_304_tells_what_validates_and_has_no_body() -> None:
    answer = met_by({"if-none-match": '"a"'}, {"ETag": '"a"', "Cache-Control": "max-age=1", "Content-Type": "text/x", "A": "1"})
    assert answer is not None
    assert (answer.status, answer.body, dict(answer.headers)) == (304, b"", {b"etag": b'"a"', b"cache-control": b"max-age=1"})


@pytest.mark.parametrize(
    ("wanted", "body", "range_of"),
    [
        ("bytes=0-1", b"01", b"bytes 0-1/10"),
        ("bytes=8-", b"89", b"bytes 8-9/10"),
        ("bytes=8-99", b"89", b"bytes 8-9/10"),
        ("bytes=-3", b"789", b"bytes 7-9/10"),
        ("bytes=-99", b"0123456789", b"bytes 0-9/10"),
        ("Bytes=0-0 ", b"0", b"bytes 0-0/10"),
    ],
)
def test_a_part(wanted: str, body: bytes, range_of: bytes) -> None:
    answer = met_by({"range": wanted}, {"a": "1"})
    assert answer is not None
    assert (answer.status, answer.body, dict(answer.headers)) == (206, body, {b"a": b"1", b"content-range": range_of})


@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "bytes=-", "bytes=10-", "bytes=5-2", "bytes=-0", "lines=0-1", "x"])
def test_a_part_that_only_the_server_can_give(wanted: str) -> None:
    assert met_by({"range": wanted}, {}) is None


def test_what_has_no_parts() -> None:
    assert met_by({"range": "bytes=0-1"}, {"accept-ranges": "none"}) is None
    assert met_by({"range": "bytes=0-1"}, {}, status=404) is None
    assert met_by({"range": "bytes=0-"}, {}, body=b"") is None


def test_a_part_under_a_condition_is_the_servers() -> None:
    assert met_by({"range": "bytes=0-1", "if-none-match": '"b"'}, {"etag": '"a"'}) is None
    assert met_by({"range": "bytes=0-1", "if-modified-since": EARLIER}, {"last-modified": CHANGED}) is None


@pytest.mark.parametrize("name", ["if-match", "if-unmodified-since", "if-range"])
def test_other_conditions_are_the_servers(name: str) -> None:
    assert met_by({name: '"a"'}, {"etag": '"a"'}) is None
    assert met_by({name: '"a"', "range": "bytes=0-1"}, {"etag": '"a"'}) is None
