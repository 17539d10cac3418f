"""What HTTP's own rules allow to be stored and reused; more cases, on a real server, are in tests/engine/test_rfc9111_cases.py."""

from __future__ import annotations

import pytest

from tests.core.play import entry, head, pairs_of
from wirecache._core.headers import fields_of
from wirecache._core.rules.http_rules import (
    age_field,
    http_age,
    is_reusable,
    lifetime_left,
    may_replace_error,
    storable_pairs,
    storing_refusal,
)
from wirecache._core.rules.plan import Directives

DATE = b"Thu, 01 Jan 1970 00:10:00 GMT"  # second 600
ANY = Directives()


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (200, {"cache-control": "max-age=1"}, None),
        (503, {"cache-control": "max-age=1"}, None),
        (302, {"expires": "0"}, None),
        (404, {"etag": "1"}, None),
        (302, {"etag": "1"}, "not-allowed"),
        (302, {"etag": "1", "cache-control": "private"}, None),
        (200, {"last-modified": "Thu, 01 Jan 1970 00:09:59 GMT", "date": DATE.decode()}, None),
        (200, {"last-modified": DATE.decode(), "date": DATE.decode()}, "not-allowed"),
        (200, {"cache-control": "max-age=1, no-store"}, "not-allowed"),
        (299, {"cache-control": "max-age=1, must-understand"}, "not-allowed"),
        (206, {"cache-control": "max-age=1"}, "not-allowed"),
        (304, {"cache-control": "max-age=1"}, "not-allowed"),
        (200, {"cache-control": "max-age=1", "vary": "a, *"}, "vary"),
        (200, {"cache-control": "max-age=1", "content-type": "text/event-stream"}, "stream"),
    ],
)
def test_what_is_stored(status: int, headers: dict[str, str], reason: str | None) -> None:
    assert storing_refusal(head(status, headers), 700.0) == reason


def test_named_fields_are_left_out() -> None:
    pairs = [(b"Connection", b"A, vary"), (b"Cache-Control", b'no-cache="B", private="c,d", max-age=1'), (b"Vary", b"x")]
    named = [(b"A", b"1"), (b"b", b"2"), (b"C", b"3"), (b"D", b"4")]
    assert storable_pairs([*pairs, *named, (b"E", b"5")]) == (*pairs, (b"E", b"5"))


@pytest.mark.parametrize(("value", "age"), [(b"7", 7.0), (b"7, 0", 7.0), (b"0, 7", 0.0), (b"-7", 0.0), (b"7.5", 0.0), (b"", 0.0)])
def test_age(value: bytes, age: float) -> None:
    assert age_field({b"age": value}) == age


def test_the_age_is_that_of_the_date_if_it_is_older() -> None:
    found = entry(headers=((b"date", DATE), (b"cache-control", b"max-age=600")), stored_at=1000.0)
    assert (http_age(found, 1100.0), lifetime_left(found, 1100.0)) == (500.0, 100.0)
    assert http_age(found._replace(stored_at=500.0), 1100.0) == 600.0
    assert http_age(found._replace(headers=((b"date", b"?"),)), 1100.0) == 100.0


@pytest.mark.parametrize(
    ("control", "request_", "seconds", "reusable"),
    [
        ("max-age=60", ANY, 59, True),
        ("max-age=60", ANY, 60, False),
        ("max-age=60, no-cache", ANY, 0, False),
        ('max-age=60, no-cache="a"', ANY, 0, True),
        ("max-age=60", Directives(no_cache=True), 0, False),
        ("max-age=60", Directives(max_age=0), 0, False),
        ("max-age=60", Directives(max_age=9), 9, True),
        ("max-age=60", Directives(max_age=9), 10, False),
        ("max-age=60", Directives(min_fresh=10), 50, True),
        ("max-age=60", Directives(min_fresh=10), 51, False),
        ("max-age=60", Directives(max_stale=10), 70, True),
        ("max-age=60", Directives(max_stale=10), 71, False),
        ("max-age=60", Directives(max_stale=10, min_fresh=1), 70, False),
        ("max-age=60, must-revalidate", Directives(max_stale=10), 70, False),
        ("private", ANY, 0, False),
    ],
)
def test_what_is_reused(control: str, request_: Directives, seconds: float, reusable: bool) -> None:
    found = entry(headers=((b"cache-control", control.encode()),), stored_at=1000.0)
    assert is_reusable(found, request_, 1000.0 + seconds) is reusable


@pytest.mark.parametrize(("coding", "ranges"), [("gzip", b"none"), ("identity", b"bytes"), (None, b"bytes")])
def test_a_body_without_its_coding_has_other_ranges(coding: str | None, ranges: bytes) -> None:
    coded = {"content-encoding": coding} if coding else {}
    kept = fields_of(storable_pairs(pairs_of({"Accept-Ranges": "bytes", **coded})))
    assert kept[b"accept-ranges"] == ranges


@pytest.mark.parametrize(
    ("control", "on_error", "allowed"),
    [
        ("max-age=60", 0.0, False),
        ("max-age=60", 50.0, True),
        ("max-age=60", 40.0, False),
        ("max-age=60, stale-if-error=50", 0.0, True),
        ("max-age=60, stale-if-error=x", 0.0, False),
        ("max-age=60, must-revalidate", 50.0, False),
        ("max-age=60, no-cache", 50.0, False),
        ("private", 500.0, False),
    ],
)
def test_what_may_replace_an_error(control: str, on_error: float, allowed: bool) -> None:
    stored = entry(headers=((b"cache-control", control.encode()),), stored_at=600.0)
    assert may_replace_error(stored, on_error, 700.0) is allowed  # 40 seconds past its lifetime
