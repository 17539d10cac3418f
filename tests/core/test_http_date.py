"""Dates in HTTP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import quick
from wirecache._core.http_date import http_date, http_date_text

NOW = 1_700_000_000.0  # in 2023
MOMENT = 784_111_777.0


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "SUN, 06 NOV 1994 08:49:37 gmt",
        " Sun, 06 Nov 1994 08:49:37 GMT ",
    ],
)
def test_a_date(value: str) -> None:
    assert http_date(value.encode(), NOW) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0",
        "-1",
        "yesterday",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_no_date(value: str) -> None:
    assert http_date(value.encode(), NOW) is None


@pytest.mark.parametrize(("digits", "year"), [("73", "2073"), ("74", "1974"), ("23", "2023"), ("00", "2000")])
def test_two_digits_are_a_year_at_most_fifty_years_ahead(digits: str, year: str) -> None:
    short, full = f"Sunday, 06-Nov-{digits} 08:49:37 GMT", f"Sun, 06 Nov {year} 08:49:37 GMT"
    assert http_date(short.encode(), NOW) == http_date(full.encode(), NOW)


@quick
@given(st.binary(max_size=40))
def test_whatever_a_server_sends_is_a_date_or_none(value: bytes) -> None:
    moment = http_date(value, NOW)
    assert moment is None or isinstance(moment, float)


def test_a_time_is_written_as_it_is_read() -> None:
    assert http_date_text(1_794_108_930.9) == b"Sun, 08 Nov 2026 03:35:30 GMT"
    for seconds in (0, 86_399, 951_782_400, 1_800_000_000, 2**33):
        assert http_date(http_date_text(seconds), 1_800_000_000.0) == seconds
