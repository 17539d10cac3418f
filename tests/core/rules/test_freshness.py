from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import entry, quick
from wirecache._core.rules.freshness import age_of, cache_control, effective_ttl, explicit_lifetime, may_answer, parse_ttl, ttl_left
from wirecache._core.unset import UNSET


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param(90, 90.0, id="an integer"),
        pytest.param(0.5, 0.5, id="a float"),
        pytest.param(0, 0.0, id="nothing is fresh"),
        pytest.param(timedelta(hours=1, seconds=1), 3601.0, id="timedelta"),
        pytest.param("90", 90.0, id="a number as text"),
        pytest.param("90s", 90.0, id="seconds"),
        pytest.param("15m", 900.0, id="minutes"),
        pytest.param("12h", 43_200.0, id="hours"),
        pytest.param("7d", 604_800.0, id="days"),
        pytest.param("2w", 1_209_600.0, id="weeks"),
        pytest.param(" 1.5 H ", 5400.0, id="fraction, space, upper case"),
        pytest.param(None, None, id="None never ends"),
        pytest.param("none", None, id="none in a variable"),
        pytest.param("Never", None, id="never in a variable"),
    ],
)
def test_ttl(value: float | str | timedelta | None, seconds: float | None) -> None:
    assert parse_ttl(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "7 days",
        "d",
        "-1",
        "1e3",
        "1d12h",
        "inf",
        -1,
        float("nan"),
        float("inf"),
        True,
        timedelta(seconds=-1),
        [],
        b"7d",
        "9" * 400,
        pytest.param(10**400),
        1e18,
    ],
)
def test_a_wrong_ttl_says_what_is_allowed(value: object) -> None:
    with pytest.raises(ValueError, match=r'ttl must be .*"90s".*None \(never expires\)'):
        parse_ttl(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("own", "ttl", "now", "left"),
    [
        pytest.param(UNSET, 60.0, 1010.0, 50.0, id="fresh"),
        pytest.param(UNSET, 60.0, 1060.0, 0.0, id="just over"),
        pytest.param(UNSET, 60.0, 1075.0, -15.0, id="stale"),
        pytest.param(UNSET, None, 1e12, None, id="for ever"),
        pytest.param(5.0, 60.0, 1010.0, -5.0, id="its own ttl wins over a longer one"),
        pytest.param(100.0, 60.0, 1010.0, 90.0, id="its own ttl wins over a shorter one"),
        pytest.param(None, 60.0, 1e12, None, id="its own is for ever"),
        pytest.param(0.0, 60.0, 1000.0, 0.0, id="its own is nothing"),
        pytest.param(UNSET, 60.0, 10.0, 60.0, id="a clock that was set back"),
    ],
)
def test_ttl_left(own: float | bool | None, ttl: float | None, now: float, left: float | None) -> None:
    assert ttl_left(entry(ttl=own), ttl, now) == left


def test_age_is_never_negative() -> None:
    assert [age_of(entry(), now) for now in (900.0, 1000.0, 1001.5)] == [0.0, 0.0, 1.5]


def test_whose_ttl_effective_ttl() -> None:
    assert [
        effective_ttl(UNSET, 7.0),
        effective_ttl(None, 7.0),
        effective_ttl(3.0, 7.0),
        effective_ttl(0.0, 7.0),
        effective_ttl(UNSET, None),
    ] == [7.0, None, 3.0, 0.0, None]


DATE = "Thu, 01 Jan 1970 00:10:00 GMT"  # second 600
LATER = "Thu, 01 Jan 1970 00:11:40 GMT"  # second 700


@pytest.mark.parametrize(
    ("headers", "lifetime"),
    [
        pytest.param({}, None, id="nothing said"),
        pytest.param({"last-modified": DATE, "etag": '"x"', "date": LATER}, None, id="no heuristic lifetime"),
        pytest.param({"cache-control": "private"}, None, id="private alone"),
        pytest.param({"cache-control": "s-maxage=60"}, None, id="meant for shared caches"),
        pytest.param({"cache-control": "max-age=60"}, 60.0, id="max-age"),
        pytest.param({"cache-control": 'public , Max-Age="60"'}, 60.0, id="max-age, quoted, upper case"),
        pytest.param({"cache-control": "max-age =60"}, 0.0, id="white space before the sign"),
        pytest.param({"cache-control": "max-age= 60"}, 0.0, id="white space after the sign"),
        pytest.param({"cache-control": 'x = "max-age=60"'}, None, id="a quoted text after white space"),
        pytest.param({"cache-control": "max-age=0"}, 0.0, id="max-age zero"),
        pytest.param({"cache-control": "max-age=60", "expires": DATE, "date": LATER}, 60.0, id="max-age wins over Expires"),
        pytest.param({"cache-control": "no-cache"}, 0.0, id="no-cache"),
        pytest.param({"cache-control": "no-cache", "expires": LATER, "date": DATE}, 0.0, id="no-cache wins over Expires"),
        pytest.param({"expires": LATER, "date": DATE}, 100.0, id="Expires since Date"),
        pytest.param({"expires": LATER}, 60.0, id="Expires since it was stored"),
        pytest.param({"expires": DATE, "date": LATER}, 0.0, id="Expires in the past"),
        pytest.param({"expires": "0"}, 0.0, id="Expires: 0"),
        pytest.param({"expires": LATER, "date": "yesterday"}, 60.0, id="a Date that is none counts as none"),
        pytest.param({"expires": "Thu, 01 Jan 1970 00:11:40 EST", "date": DATE}, 0.0, id="an invalid Expires is in the past"),
        pytest.param({"cache-control": "max-age=a", "expires": LATER, "date": DATE}, 0.0, id="an invalid max-age"),
        pytest.param({"cache-control": "max-age=1, max-age=60"}, 1.0, id="the first of two"),
        pytest.param({"cache-control": 'no-cache="a", max-age=60'}, 60.0, id="no-cache of some fields"),
        pytest.param({"cache-control": 'no-cache="a", no-cache, max-age=60'}, 0.0, id="no-cache of some fields, then of all"),
        pytest.param({"cache-control": "max-age=" + "9" * 5000}, 2.0**31, id="longer than can be counted"),
        pytest.param({"cache-control": "max-age=60, max-age"}, 60.0, id="the first of two, and the second says nothing"),
        pytest.param({"expires": "Thursday, 01-Jan-70 00:11:40 GMT"}, 60.0, id="a year of two digits, beside the time of receipt"),
        pytest.param({"expires": LATER, "date": "Thursday, 01-Jan-70 00:10:40 GMT"}, 60.0, id="a Date with a year of two digits"),
        pytest.param({"cache-control": "x-max-age=60"}, None, id="another directive"),
        pytest.param({"cache-control": 'private="max-age=60"'}, None, id="quoted text"),
    ],
)
def test_explicit_lifetime(headers: dict[str, str], lifetime: float | None) -> None:
    assert explicit_lifetime({name.encode(): value.encode() for name, value in headers.items()}, 640.0) == lifetime


@quick
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.binary(max_size=12)
            | st.sampled_from([DATE.encode(), b"Thu, 01 Jan 99999 00:00:00 GMT", b"Thu, 01 Jan 1 00:00 +9999", b" ", b"1 1 1 1"])
            for name in (b"expires", b"date", b"cache-control")
        },
    )
)
def test_whatever_a_server_says_has_a_lifetime_or_none(fields: dict[bytes, bytes]) -> None:
    lifetime = explicit_lifetime(fields, 640.0)
    assert lifetime is None or lifetime >= 0


@pytest.mark.parametrize(
    ("left", "age", "max_age", "max_stale", "answers"),
    [
        pytest.param(None, 10.0, None, 0.0, True, id="for ever"),
        pytest.param(1.0, 10.0, None, 0.0, True, id="fresh"),
        pytest.param(0.0, 10.0, None, 0.0, False, id="just over"),
        pytest.param(-5.0, 10.0, None, 5.0, True, id="as stale as it may be"),
        pytest.param(-5.1, 10.0, None, 5.0, False, id="too stale"),
        pytest.param(-0.5, 10.0, None, 0.5, True, id="as stale as it may be, for half a second"),
        pytest.param(1.0, 10.0, 10.0, 0.0, True, id="as old as it may be"),
        pytest.param(1.0, 10.1, 10.0, 0.0, False, id="too old"),
        pytest.param(1.0, 12.0, 10.0, 2.0, True, id="older, and stale may be used"),
        pytest.param(None, 10.1, 10.0, 0.0, False, id="for ever, and too old"),
    ],
)
def test_which_entry_may_answer(left: float | None, age: float, max_age: float | None, max_stale: float, answers: bool) -> None:
    assert may_answer(left, age, max_age, max_stale) is answers


@pytest.mark.parametrize(
    ("value", "directives"),
    [
        (b"", {}),
        (b'Max-Age=7, X="XyX", no-store', {b"max-age": b"7", b"x": b"XyX", b"no-store": b""}),
        (b'private="a", private', {b"private": b""}),
        (b'private, private="a"', {b"private": b""}),
        (b'x="a", x', {b"x": b"a"}),
    ],
)
def test_the_directives_of_a_field(value: bytes, directives: dict[bytes, bytes]) -> None:
    assert cache_control(value) == directives
