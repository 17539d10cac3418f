"""What does RFC 9111 allow a private cache to store and to reuse?"""

from __future__ import annotations

from collections.abc import Mapping

from wirecache._core.headers import HeaderPairs, fields_of
from wirecache._core.http_date import http_date, http_date_text
from wirecache._core.messages import Entry, Head
from wirecache._core.rules.eligibility import is_event_stream
from wirecache._core.rules.freshness import LONGEST, age_of, cache_control, explicit_lifetime, is_to_be_validated
from wirecache._core.rules.plan import Directives

__all__ = [
    "age_field", "dated", "http_age", "is_reusable", "is_same_answer", "keeping_refusal", "lifetime", "lifetime_left",
    "may_replace_error", "storable_pairs", "storing_refusal",
]  # fmt: skip

# The statuses that may be stored without an explicit lifetime (RFC 9110 section 15.1; not 206, whose parts are not combined here).
BY_DEFAULT = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
UNDERSTOOD = BY_DEFAULT | {302, 303, 307, 400, 401, 403, 406, 409, 411, 412, 413, 415, 422, 429, 500, 502, 503, 504}
MEASURED_BY_DATE = frozenset({b"expires", b"last-modified"})
# The fields by which a stored answer is judged, which no other field may ask to leave out.
JUDGED_BY = frozenset({b"cache-control", b"date", b"expires", b"vary"})
# A heuristic lifetime is a tenth of the time since the last change (RFC 9111 section 4.2.2), at most a week, as in browsers.
HEURISTIC_SHARE = 0.1
LONGEST_HEURISTIC = 604800.0  # seconds


def storing_refusal(head: Head, now: float, *, heuristics: bool = False) -> str | None:
    """Return why the answer to a GET or HEAD is not stored, or None (RFC 9111 section 3). ``heuristics``: as for ``lifetime``."""
    if not 200 <= head.status < 600 or head.status in (206, 304):  # with other statuses, Content-Range has no meaning (RFC 9110, 14.4)
        return "not-allowed"
    if reason := keeping_refusal(head.status, head.fields):
        return reason
    if explicit_lifetime(head.fields, now) is not None or (heuristics and lifetime(head.status, head.fields, now, heuristics=True)):
        return None
    directives = cache_control(head.fields.get(b"cache-control", b""))
    return None if _needs_no_lifetime(head.status, directives) and _has_validator(head.fields, now) else "not-allowed"


def keeping_refusal(status: int, fields: Mapping[bytes, bytes]) -> str | None:
    """Return why an answer is not kept, regardless of its lifetime, or None."""
    if is_event_stream(fields):
        return "stream"
    if b"*" in fields.get(b"vary", b""):
        return "vary"
    return "not-allowed" if _is_forbidden(cache_control(fields.get(b"cache-control", b"")), status) else None


def _needs_no_lifetime(status: int, directives: Mapping[bytes, bytes]) -> bool:
    """Return whether an answer without a lifetime may be stored, and one be estimated (sections 3 and 4.2.2)."""
    return status in BY_DEFAULT or b"public" in directives or b"private" in directives


def _is_forbidden(directives: Mapping[bytes, bytes], status: int) -> bool:
    """Return whether the server forbids storing: ``must-understand`` overrides ``no-store`` (section 5.2.2.3)."""
    if b"must-understand" in directives:
        return status not in UNDERSTOOD
    return b"no-store" in directives


def _has_validator(fields: Mapping[bytes, bytes], now: float) -> bool:
    """Return whether the answer has a validator by which its server reliably detects changes.

    ``Last-Modified`` has a resolution of one second: if it equals the time of the answer, a later change within that second would go
    unnoticed (RFC 9110 section 8.8.2.2).
    """
    if b"etag" in fields:
        return True
    changed, date = http_date(fields.get(b"last-modified", b""), now), http_date(fields.get(b"date", b""), now)
    return changed is not None and date is not None and changed + 1 <= date


def storable_pairs(pairs: HeaderPairs) -> HeaderPairs:
    """Return the headers without those that belong to the connection (RFC 9110 section 7.6.1) or that the server wants left out.

    ``Connection`` names the former, ``no-cache="..."`` and ``private="..."`` the latter (RFC 9111 sections 3.1, 5.2.2.4, 5.2.2.7). Bodies
    are stored decoded, so that their ranges differ from the server's.
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
    """Return the ``Age`` that an answer came with, in seconds: the first of several (RFC 9111 section 5.1); 0 if missing or invalid."""
    first = fields.get(b"age", b"").partition(b",")[0].strip()
    return min(float(first), LONGEST) if first.isdigit() else 0.0


def dated(pairs: HeaderPairs, now: float) -> HeaderPairs:
    """Return the headers with a ``Date`` of ``now`` if a lifetime depends on it and the server sent none (RFC 9110 section 6.6.1)."""
    fields = fields_of(pairs)
    if not MEASURED_BY_DATE & fields.keys() or http_date(fields.get(b"date", b""), now) is not None:
        return pairs
    return (*(pair for pair in pairs if pair[0].lower() != b"date"), (b"date", http_date_text(now)))


def http_age(entry: Entry, now: float) -> float:
    """Return the age by RFC 9111 section 4.2.3: since its ``Date``, or since it was stored (the ``Age`` it came with included)."""
    date = http_date(fields_of(entry.headers).get(b"date", b""), now)
    since_stored = age_of(entry, now)
    return since_stored if date is None else max(since_stored, now - date)


def lifetime(status: int, fields: Mapping[bytes, bytes], received_at: float, *, heuristics: bool) -> float | None:
    """Return for how many seconds the answer is fresh, or None if that is not known.

    ``heuristics``: whether to estimate the lifetime from ``Last-Modified`` if the server gives none (section 4.2.2).
    """
    explicit = explicit_lifetime(fields, received_at)
    if explicit is not None or not heuristics:
        return explicit
    changed = http_date(fields.get(b"last-modified", b""), received_at)
    if changed is None or not _needs_no_lifetime(status, cache_control(fields.get(b"cache-control", b""))):
        return None
    date = http_date(fields.get(b"date", b""), received_at)
    return min(max(0.0, (received_at if date is None else date) - changed) * HEURISTIC_SHARE, LONGEST_HEURISTIC)


def lifetime_left(entry: Entry, now: float, *, heuristics: bool = False) -> float:
    """Return for how many seconds the entry is still fresh, negative once it is stale."""
    fresh_for = lifetime(entry.status, fields_of(entry.headers), now, heuristics=heuristics)  # stored with a Date, if that matters
    return (fresh_for or 0.0) - http_age(entry, now)


def is_reusable(entry: Entry, request: Directives, now: float, left: float) -> bool:
    """Return whether the entry may answer without validation, given the request's directives (sections 4.2.4, 5.2.1).

    ``left``: for how many seconds it is still fresh.
    """
    directives = cache_control(fields_of(entry.headers).get(b"cache-control", b""))
    if request.no_cache or is_to_be_validated(directives):
        return False
    if request.max_age is not None and (request.max_age == 0 or http_age(entry, now) > request.max_age):
        return False
    if left > 0:
        return left >= request.min_fresh
    return -left <= request.max_stale and request.max_stale > 0 and not request.min_fresh and b"must-revalidate" not in directives


def may_replace_error(entry: Entry, on_error: float, now: float, *, heuristics: bool = False) -> bool:
    """Return whether the entry may answer in place of an error (RFC 5861 section 4).

    ``on_error``: for how many seconds past its lifetime the user allows that; the server may allow more, or forbid it.
    """
    fields = fields_of(entry.headers)
    directives = cache_control(fields.get(b"cache-control", b""))
    fresh_for = lifetime(entry.status, fields, entry.stored_at, heuristics=heuristics)
    if fresh_for is None or is_to_be_validated(directives) or b"must-revalidate" in directives:
        return False
    allowed = directives.get(b"stale-if-error", b"")
    return http_age(entry, now) - fresh_for < max(on_error, float(allowed) if allowed.isdigit() else 0.0)


def is_same_answer(entry: Entry, head: Head) -> bool:
    """Return whether the answer to a HEAD matches the stored answer to a GET, as far as it says (section 4.3.5).

    The length of an encoded body cannot be compared with that of the stored one.
    """
    fields = fields_of(entry.headers)
    if any(name in head.fields and fields.get(name) != head.fields[name] for name in (b"etag", b"last-modified")):
        return False
    length = head.fields.get(b"content-length")
    is_comparable = length is not None and b"content-encoding" not in head.fields
    return entry.status == head.status and (not is_comparable or length == b"%d" % len(entry.body))
