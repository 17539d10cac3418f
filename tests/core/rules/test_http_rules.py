"""What HTTP's own rules allow to be stored and reused; more cases, on a real server, are in tests/engine/test_rfc9111_cases.py."""

from __future__ import annotations

import pytest

from tests.core.play import entry, head, pairs_of
from wirecache._core.headers import fields_of
from wirecache._core.rules.freshness import explicit_lifetime
from wirecache._core.rules.http_rules import (
    age_field,
    dated,
    http_age,
    is_reusable,
    is_same_answer,
    lifetime,
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
        (200, {"cache-control": "max-age=1, must-understand"}, None),
        (200, {"cache-control": "public"}, "not-allowed"),
        (200, {}, "not-allowed"),
        (599, {"cache-control": "max-age=1"}, None),
        (600, {"cache-control": "max-age=1"}, "not-allowed"),
        (199, {"cache-control": "max-age=1"}, "not-allowed"),
        (206, {"cache-control": "max-age=1"}, "not-allowed"),
        (200, {"cache-control": "max-age=1", "content-range": "bytes 0-1/2"}, None),  # says nothing there (RFC 9110 section 14.4)
        (304, {"cache-control": "max-age=1"}, "not-allowed"),
        (200, {"cache-control": "max-age=1", "vary": "a, *"}, "vary"),
        (200, {"cache-control": "max-age=1", "content-type": "text/event-stream"}, "stream"),
    ],
)
def test_what_is_stored(status: int, headers: dict[str, str], reason: str | None) -> None:
    assert storing_refusal(head(status, headers), 700.0) == reason


def test_a_guessed_lifetime_is_a_reason_to_store() -> None:
    undated = head(200, {"last-modified": DATE.decode()})
    assert storing_refusal(undated, 700.0) == "not-allowed"
    assert storing_refusal(undated, 700.0, heuristics=True) is None
    assert storing_refusal(undated, 600.0, heuristics=True) == "not-allowed"  # it changed in this second


def test_named_fields_are_left_out() -> None:
    pairs = [(b"Connection", b"A, vary"), (b"Cache-Control", b'no-cache="B", private="c,d", max-age=1'), (b"Vary", b"x")]
    named = [(b"A", b"1"), (b"b", b"2"), (b"C", b"3"), (b"D", b"4")]
    assert storable_pairs([*pairs, *named, (b"E", b"5")]) == (*pairs, (b"E", b"5"))


@pytest.mark.parametrize(
    ("value", "age"), [(b"7", 7.0), (b"7, 0", 7.0), (b"0, 7", 0.0), (b"-7", 0.0), (b"7.5", 0.0), (b"", 0.0), (b"9" * 400, 2.0**31)]
)
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
        ("max-age=60", Directives(max_stale=1), 60.5, True),
        ("private", ANY, 0, False),
    ],
)
def test_what_is_reused(control: str, request_: Directives, seconds: float, reusable: bool) -> None:
    found = entry(headers=((b"cache-control", control.encode()),), stored_at=1000.0)
    now = 1000.0 + seconds
    assert is_reusable(found, request_, now, lifetime_left(found, now)) is reusable


WEEK = 7 * 86400.0


@pytest.mark.parametrize(
    ("status", "headers", "guessed"),
    [
        (200, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT"}, 60.0),
        (404, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT"}, 60.0),
        (200, {"last-modified": "Mon, 01 Jan 1900 00:00:00 GMT"}, WEEK),
        (200, {"last-modified": "Thu, 01 Jan 1970 00:10:01 GMT"}, 0.0),
        (200, {"last-modified": "yesterday"}, None),
        (200, {"etag": '"1"'}, None),
        (200, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT", "cache-control": "max-age=5"}, 5.0),
        (200, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT", "cache-control": "no-cache"}, 0.0),
        (200, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT", "expires": "0"}, 0.0),
        (200, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT", "pragma": "no-cache"}, 60.0),  # of a response, it says nothing (5.4)
        (403, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
        (403, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT", "cache-control": "public"}, 60.0),
        (403, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT", "cache-control": "private"}, 60.0),
    ],
)
def test_a_lifetime_is_guessed_where_the_server_names_none(status: int, headers: dict[str, str], guessed: float | None) -> None:
    fields = {b"date": DATE} | {name.encode(): value.encode() for name, value in headers.items()}
    assert lifetime(status, fields, 999.0, heuristics=True) == guessed
    assert lifetime(status, fields, 999.0, heuristics=False) == explicit_lifetime(fields, 999.0)


TWO_DIGITS = b"Thursday, 01-Jan-70 00:10:00 GMT"  # which century that is depends on when the answer came (RFC 9110 section 5.6.7)


def test_a_date_with_a_year_of_two_digits_is_read_by_the_time_of_the_answer() -> None:
    changed = {b"last-modified": b"Thursday, 01-Jan-70 00:00:00 GMT", b"date": TWO_DIGITS}
    expiring = {b"expires": b"Thursday, 01-Jan-70 00:20:00 GMT"}
    assert storing_refusal(head(200, {name.decode(): value.decode() for name, value in changed.items()}), 700.0) is None
    assert storing_refusal(head(302, {name.decode(): value.decode() for name, value in expiring.items()}), 700.0) is None
    assert lifetime(200, changed, 700.0, heuristics=True) == 60.0
    assert lifetime(200, expiring, 700.0, heuristics=False) == 500.0
    assert lifetime(200, {b"last-modified": TWO_DIGITS}, 700.0, heuristics=True) == 10.0
    assert dated(tuple(changed.items()), 700.0) == tuple(changed.items())
    stored = entry(headers=tuple({b"date": TWO_DIGITS, **expiring}.items()), stored_at=700.0)
    assert (http_age(stored, 800.0), lifetime_left(stored, 800.0)) == (200.0, 400.0)
    assert may_replace_error(stored, 50.0, 1249.0)
    assert not may_replace_error(stored, 50.0, 1250.0)


def test_an_answer_without_age_or_directives() -> None:
    assert age_field({}) == 0.0
    assert is_reusable(entry(headers=(), stored_at=1000.0), ANY, 1000.0, 1.0)


def test_no_error_is_replaced_a_moment_too_long() -> None:
    stored = entry(headers=((b"cache-control", b"max-age=60"),), stored_at=1000.0)
    assert not may_replace_error(stored, 0.0, 1060.5)


def test_the_field_that_says_that_there_are_no_ranges() -> None:
    pairs = pairs_of({"Accept-Ranges": "bytes", "content-encoding": "gzip"})
    assert storable_pairs(pairs)[-1] == (b"Accept-Ranges", b"none")


def test_an_answer_without_a_date_came_when_it_came() -> None:
    assert lifetime(200, {b"last-modified": DATE}, 1000.0, heuristics=True) == 40.0


def test_a_guessed_lifetime_is_one_for_all_that_lifetimes_are_for() -> None:
    stored = entry(headers=((b"date", DATE), (b"last-modified", b"Thu, 01 Jan 1970 00:00:00 GMT")), stored_at=600.0)
    assert (lifetime_left(stored, 640.0, heuristics=True), lifetime_left(stored, 640.0)) == (20.0, -40.0)
    assert may_replace_error(stored, 50.0, 700.0, heuristics=True)
    assert not may_replace_error(stored, 50.0, 700.0)


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


@pytest.mark.parametrize(
    ("stored", "newer", "same"),
    [
        ({}, {}, True),
        ({"etag": '"1"'}, {}, True),
        ({"etag": '"1"'}, {"etag": '"1"', "content-length": "3"}, True),
        ({"etag": '"1"'}, {"etag": '"2"'}, False),
        ({}, {"etag": '"1"'}, False),
        ({"last-modified": "a"}, {"last-modified": "b"}, False),
        ({}, {"content-length": "4"}, False),
        ({}, {"content-length": "4", "content-encoding": "gzip"}, True),
    ],
)
def test_a_head_tells_whether_the_stored_answer_is_still_that_of_a_get(stored: dict[str, str], newer: dict[str, str], same: bool) -> None:
    found = entry(headers=pairs_of(stored), body=b"old")
    assert is_same_answer(found, head(200, newer)) is same
    assert not is_same_answer(found._replace(status=404), head(200, newer))


def test_expires_is_measured_by_the_time_at_which_the_answer_came() -> None:
    expires, date = (b"Expires", b"Sun, 08 Nov 2026 03:40:00 GMT"), (b"Date", b"Sun, 08 Nov 2026 03:00:00 GMT")
    assert dated((expires,), 1_794_108_930.9) == (expires, (b"date", b"Sun, 08 Nov 2026 03:35:30 GMT"))
    assert dated((expires, date), 1_794_108_930.9) == (expires, date)
    assert dated((expires, (b"Date", b"now")), 1_794_108_930.9) == (expires, (b"date", b"Sun, 08 Nov 2026 03:35:30 GMT"))
    assert dated(((b"etag", b"a"),), 1_794_108_930.9) == ((b"etag", b"a"),)
