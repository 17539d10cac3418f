"""HTTP dates (RFC 9110 section 5.6.7, RFC 9111 section 4.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

__all__ = ["http_date", "http_date_text"]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY, _MONTH, _TIME = "(?:" + "|".join(DAYS) + ")", "(" + "|".join(MONTHS) + ")", r"(\d\d):(\d\d):(\d\d)"
# A cache ignores the case; any zone but "GMT" makes a date invalid.
FIXED = re.compile(rf"{_DAY}, (\d\d) {_MONTH} (\d{{4}}) {_TIME} gmt", re.IGNORECASE)
RFC_850 = re.compile(rf"(?:mon|tues|wednes|thurs|fri|satur|sun)day, (\d\d)-{_MONTH}-(\d\d) {_TIME} gmt", re.IGNORECASE)
ASCTIME = re.compile(rf"{_DAY} {_MONTH} ([ \d]\d) {_TIME} (\d{{4}})", re.IGNORECASE)


def http_date(value: bytes, now: float) -> float | None:
    """Return the date in seconds since the epoch, or None if it is not valid. ``now``: determines the century of two-digit years."""
    text = value.decode("latin-1").strip()
    if found := FIXED.fullmatch(text):
        day, month, year, *clock = found.groups()
    elif found := ASCTIME.fullmatch(text):
        month, day, *clock, year = found.groups()
    elif found := RFC_850.fullmatch(text):
        day, month, year, *clock = found.groups()
        year = str(_full_year(int(year), now))
    else:
        return None
    hour, minute, second = map(int, clock)
    try:
        moment = datetime(int(year), MONTHS.index(month.lower()) + 1, int(day), hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp()


def http_date_text(seconds: float) -> bytes:
    """Return the time in seconds since the epoch as an HTTP date, to the second (without ``strftime``, which depends on the locale)."""
    at = datetime.fromtimestamp(seconds, UTC)
    day, month = DAYS[at.weekday()].capitalize(), MONTHS[at.month - 1].capitalize()
    return f"{day}, {at.day:02d} {month} {at.year:04d} {at.hour:02d}:{at.minute:02d}:{at.second:02d} GMT".encode()


def _full_year(two_digits: int, now: float) -> int:
    """Return the year: the latest one that ends in these digits and is at most 50 years ahead."""
    this_year = datetime.fromtimestamp(now, UTC).year
    year = this_year - this_year % 100 + 100 + two_digits
    while year > this_year + 50:
        year -= 100
    return year
