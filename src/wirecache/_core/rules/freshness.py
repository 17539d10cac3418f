"""How old is an entry, and may it still be used? (RFC 9111 section 4.2)"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import timedelta

from wirecache._core.messages import Entry
from wirecache._core.unset import UNSET, Ttl

__all__ = [
    "LONGEST", "TTL_FORMS", "age_of", "cache_control", "effective_ttl", "explicit_lifetime", "is_to_be_validated", "may_answer",
    "parse_ttl", "ttl_left",
]  # fmt: skip

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", re.IGNORECASE)
# A directive: a token, and optionally a token or a quoted string as its value; white space around the sign makes it invalid (section 5.2).
_DIRECTIVE = re.compile(rb"""([\w!#$%&'*+.^`|~-]+)(?:(\s*=\s*)("(?:[^"\\]|\\.)*"|[^\s,;"]*))?""")
LONGEST = 2.0**31  # seconds; a longer lifetime counts as this one (section 1.2.2)
TTL_FORMS = 'seconds, a timedelta, "90s" "15m" "12h" "7d" "2w", or None (never expires)'


def parse_ttl(value: float | str | timedelta | None, name: str = "ttl") -> float | None:
    """Return the duration in seconds, or None for never expiring. Raises ``ValueError`` for other forms. ``name``: the option's name."""
    if value is None or (isinstance(value, str) and value.strip().lower() in ("none", "never")):
        return None
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if found is None:
            raise ValueError(f"{name} must be {TTL_FORMS}, got {value!r}")
        seconds = float(found[1]) * _UNITS[found[2].lower() or "s"]
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18:
        seconds = float(value)
    else:
        raise ValueError(f"{name} must be {TTL_FORMS}, got {value!r}")
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{name} must be {TTL_FORMS}, got {value!r}")
    return seconds


def age_of(entry: Entry, now: float) -> float:
    """Return the seconds since the entry was stored. Never negative, even if the clock was set back."""
    return max(0.0, now - entry.stored_at)


def effective_ttl(own: Ttl, ttl: float | None) -> float | None:
    """Return the ttl in force, in seconds: an entry's own if it has one, else the cache's."""
    return ttl if own is UNSET else own


def ttl_left(entry: Entry, ttl: float | None, now: float) -> float | None:
    """Return the seconds for which the entry is still fresh: negative once it is stale, None for ever."""
    lifetime = effective_ttl(entry.ttl, ttl)
    return None if lifetime is None else lifetime - age_of(entry, now)


def cache_control(value: bytes) -> dict[bytes, bytes]:
    """Return the directives of a ``Cache-Control`` field (RFC 9111 section 5.2): names in lower case, the value empty if there is none.

    Of a repeated directive the first counts (section 4.2.1), except that one without field names, which concerns the whole answer,
    precedes one with them. Directives with invalid values are left out.
    """
    found: dict[bytes, bytes] = {}
    for name, sign, text in _DIRECTIVE.findall(value):
        lower, plain = name.lower(), text.strip(b'"') if sign == b"=" else b""
        if lower not in found or (lower in (b"no-cache", b"private") and not plain):
            found[lower] = plain
    return found


def is_to_be_validated(directives: Mapping[bytes, bytes]) -> bool:
    """Return whether the answer may only be used after its server has confirmed it: ``no-cache`` without field names (section 5.2.2.4)."""
    return directives.get(b"no-cache") == b""


def explicit_lifetime(fields: Mapping[bytes, bytes], received_at: float) -> float | None:
    """Return the lifetime in seconds that the server allows (RFC 9111 section 4.2.1, private cache), or None if it allows none explicitly.

    An invalid ``max-age`` or ``Expires`` counts as being in the past (sections 4.2.1, 5.3).
    """
    directives = cache_control(fields.get(b"cache-control", b""))
    if is_to_be_validated(directives):
        return 0.0
    if (seconds := directives.get(b"max-age")) is not None:
        return min(float(seconds), LONGEST) if seconds.isdigit() else 0.0
    if b"expires" not in fields:
        return None
    from wirecache._core.http_date import http_date  # imported late: inference answers have no dates

    expires = http_date(fields[b"expires"], received_at)
    date = http_date(fields.get(b"date", b""), received_at)
    return 0.0 if expires is None else max(0.0, expires - (received_at if date is None else date))


def may_answer(left: float | None, age: float, max_age: float | None, max_stale: float) -> bool:
    """Return whether an entry may be used under the directives of the request (seconds).

    ``left``: how long it is still fresh, negative once it is stale, None for ever. ``max_stale``: how stale it may be.
    """
    if max_age is not None and age > max_age + max_stale:
        return False
    return left is None or left > 0 or (max_stale > 0 and -left <= max_stale)
