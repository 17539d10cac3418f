"""What does RFC 9111 allow a private cache to store and to reuse?"""

from __future__ import annotations

from collections.abc import Mapping

from wirecache._core.headers import HeaderPairs, fields_of
from wirecache._core.http_date import http_date
from wirecache._core.messages import Entry, Head
from wirecache._core.rules.eligibility import is_event_stream
from wirecache._core.rules.freshness import age_of, cache_control, explicit_lifetime, is_to_be_validated
from wirecache._core.rules.plan import Directives

__all__ = ["age_field", "http_age", "is_reusable", "lifetime_left", "may_replace_error", "storable_pairs", "storing_refusal"]

# The statuses that may be stored without an explicit lifetime (RFC 9110 section 15.1; not 206, whose parts are not combined here).
BY_DEFAULT = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
UNDERSTOOD = BY_DEFAULT | {302, 303, 307, 400, 401, 403, 406, 409, 411, 412, 413, 415, 422, 429, 500, 502, 503, 504}
# By these a stored answer is judged: no other field can ask for them to be left out.
JUDGED_BY = frozenset({b"cache-control", b"date", b"expires", b"vary"})


def storing_refusal(head: Head, now: float) -> str | None:
    """Return why the answer to a GET or HEAD is not stored, or None (RFC 9111 section 3)."""
    if is_event_stream(head.fields):
        return "stream"
    if b"*" in head.fields.get(b"vary", b""):
        return "vary"
    directives = cache_control(head.fields.get(b"cache-control", b""))
    is_whole = 200 <= head.status < 600 and head.status not in (206, 304) and b"content-range" not in head.fields
    if not is_whole or _is_forbidden(directives, head.status):
        return "not-allowed"
    if explicit_lifetime(head.fields, now) is not None:
        return None
    allowed = head.status in BY_DEFAULT or b"public" in directives or b"private" in directives
    return None if allowed and _has_validator(head.fields, now) else "not-allowed"


def _is_forbidden(directives: Mapping[bytes, bytes], status: int) -> bool:
    """Return whether the server forbids storing: ``must-understand`` rules over a ``no-store`` beside it (section 5.2.2.3)."""
    if b"must-understand" in directives:
        return status not in UNDERSTOOD
    return b"no-store" in directives


def _has_validator(fields: Mapping[bytes, bytes], now: float) -> bool:
    """Return whether the server can be relied on to say that the answer has changed.

    A time of change tells only whole seconds: of what changed in the very second of the answer, a later change would stay unseen (RFC 9110
    section 8.8.2.2).
    """
    if b"etag" in fields:
        return True
    changed, date = http_date(fields.get(b"last-modified", b""), now), http_date(fields.get(b"date", b""), now)
    return changed is not None and date is not None and changed + 1 <= date


def storable_pairs(pairs: HeaderPairs) -> HeaderPairs:
    """Return the headers without those that belong to the connection (RFC 9110 section 7.6.1) or that the server wants left out.

    ``Connection`` names the first, ``no-cache="..."`` and ``private="..."`` the others (RFC 9111 sections 3.1, 5.2.2.4, 5.2.2.7). A body is
    stored without its coding, and then has other ranges than on its server.
    """
    fields = fields_of(pairs)
    directives = cache_control(fields.get(b"cache-control", b""))
    lists = (fields.get(b"connection", b""), directives.get(b"no-cache", b""), directives.get(b"private", b""))
    named = {name.strip().lower() for names in lists for name in names.split(b",")} - JUDGED_BY
    kept = tuple(pair for pair in pairs if pair[0].lower() not in named)
    if fields.get(b"content-encoding", b"identity").lower() == b"identity":
        return kept
    return (*(pair for pair in kept if pair[0].lower() != b"accept-ranges"), (b"Accept-Ranges", b"none"))


def age_field(fields: Mapping[bytes, bytes]) -> float:
    """Return the ``Age`` that an answer came with, in seconds: the first of several (RFC 9111 section 5.1); 0 if it is none."""
    first = fields.get(b"age", b"").partition(b",")[0].strip()
    return float(first) if first.isdigit() else 0.0


def http_age(entry: Entry, now: float) -> float:
    """Return the age by RFC 9111 section 4.2.3: since its ``Date``, or since it was stored (the ``Age`` it came with included)."""
    date = http_date(fields_of(entry.headers).get(b"date", b""), now)
    since_stored = age_of(entry, now)
    return since_stored if date is None else max(since_stored, now - date)


def lifetime_left(entry: Entry, now: float) -> float:
    """Return for how many seconds the entry is still fresh, negative once it is stale."""
    return (explicit_lifetime(fields_of(entry.headers), entry.stored_at) or 0.0) - http_age(entry, now)


def is_reusable(entry: Entry, request: Directives, now: float) -> bool:
    """Return whether the entry may answer without its server, as the request's directives have it (sections 4.2.4, 5.2.1)."""
    directives = cache_control(fields_of(entry.headers).get(b"cache-control", b""))
    if request.no_cache or is_to_be_validated(directives):
        return False
    left = lifetime_left(entry, now)
    if request.max_age is not None and (request.max_age == 0 or http_age(entry, now) > request.max_age):
        return False
    if left > 0:
        return left >= request.min_fresh
    return -left <= request.max_stale and request.max_stale > 0 and not request.min_fresh and b"must-revalidate" not in directives


def may_replace_error(entry: Entry, on_error: float, now: float) -> bool:
    """Return whether the entry may answer in place of an error (RFC 5861 section 4).

    ``on_error``: for how long past its lifetime its user allows that, in seconds; its server may allow more, or forbid it.
    """
    fields = fields_of(entry.headers)
    directives = cache_control(fields.get(b"cache-control", b""))
    if explicit_lifetime(fields, entry.stored_at) is None or is_to_be_validated(directives) or b"must-revalidate" in directives:
        return False
    allowed = directives.get(b"stale-if-error", b"")
    return -lifetime_left(entry, now) < max(on_error, float(allowed) if allowed.isdigit() else 0.0)
