"""Which headers of an answer, and of the request that chose it, are stored with an entry?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from wirecache._core.headers import HeaderPairs, fields_of
from wirecache._core.messages import Entry
from wirecache._core.privacy.names import CREDENTIAL_FIELDS, is_private_field, keyed_hash
from wirecache._core.short_cache import cached_if_short

__all__ = ["kept_headers", "renewed", "stored_value", "unkept_headers", "updated", "varied"]

# Headers that describe the transfer, which is undone before a body is stored (RFC 9110 section 7.6.1; the body's coding and length).
TRAVEL_FIELDS = frozenset(
    {
        b"age", b"connection", b"content-encoding", b"content-length", b"keep-alive", b"proxy-connection", b"te", b"trailer",
        b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
# Headers that describe the stored body, which an update must not touch.
BODY_FIELDS = frozenset({b"accept-ranges", b"content-encoding", b"content-length"})
# Headers about the edge server, or the account's limits at that moment: untrue on a reused answer (a client that reads yesterday's
# "0 requests remaining" waits for nothing), and each header costs a hit a microsecond.
MOMENT_FIELDS = re.compile(
    rb"alt-svc|cf-.*|nel|report-to|reporting-endpoints|server-timing|strict-transport-security|via|x-envoy-.*"
    rb"|x-content-type-options|access-control-.*|(x-|anthropic-)?ratelimit-.*|retry-after(-ms)?"
)
# Headers that list case-insensitive names (RFC 9110 section 12.5).
NEGOTIATING_FIELDS = frozenset({b"accept", b"accept-charset", b"accept-encoding", b"accept-language"})
PLAIN_FIELDS = frozenset({b"accept", b"accept-encoding", b"accept-language", b"user-agent"})


@cached_if_short(4096)
def _stored_name(name: bytes) -> bytes | None:
    """Return the name under which a header is stored; None if it is not stored."""
    lower = name.lower()
    dropped = lower in TRAVEL_FIELDS or MOMENT_FIELDS.fullmatch(lower) or is_private_field(lower)
    return None if dropped else lower


def kept_headers(pairs: HeaderPairs) -> HeaderPairs:
    """Return the headers of an answer that are stored: all but those about the connection, the coding, the moment and the account.

    In those that hold a URL, the values of secret parameters are redacted.
    """
    return tuple((stored, stored_value(stored, value)) for name, value in pairs if (stored := _stored_name(name)) is not None)


def stored_value(name: bytes, value: bytes) -> bytes:
    """Return the value as it is stored: secrets in a URL are redacted."""
    if b"=" not in value or (b"?" not in value and b"#" not in value):
        return value
    from wirecache._core.privacy.redaction import DEFAULT  # few answers have such a header

    return (DEFAULT.header(name.decode("latin-1"), value.decode("latin-1")) or "").encode("latin-1")


def varied(request_fields: Mapping[bytes, bytes], response_fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the request headers that the response's ``Vary`` names (RFC 9111 section 4.1), without credentials.

    A value that is not plainly harmless is kept as a keyed hash, which can be compared but not read.
    """
    names = {name.strip().lower() for name in response_fields.get(b"vary", b"").split(b",")} - CREDENTIAL_FIELDS
    found = {name: _comparable(name, request_fields[name]) for name in sorted(names) if name in request_fields}
    return {
        name.decode("latin-1"): value.decode("latin-1") if name in PLAIN_FIELDS else keyed_hash(value).hex()
        for name, value in found.items()
    }


def _comparable(name: bytes, value: bytes) -> bytes:
    """Return the value normalized: without white space between members, and with languages and media types in lower case."""
    joined = b",".join(item.strip() for item in value.split(b","))
    return joined.lower() if name in NEGOTIATING_FIELDS else joined


def updated(stored: HeaderPairs, newer: HeaderPairs) -> HeaderPairs:
    """Return the stored headers, updated by those of a newer answer without a body (RFC 9111 section 3.2).

    ``newer``: its headers that may be stored. Headers about the body are not updated: the coding must not be undone twice, and the ranges
    are those of the answer that the body came with. A stale ``Date`` is dropped, since it would make the entry old.
    """
    newer = [pair for pair in newer if pair[0].lower() not in BODY_FIELDS]
    names = {name.lower() for name, _ in newer} | {b"date"}
    return kept_headers((*(pair for pair in stored if pair[0].lower() not in names), *newer))


def renewed(entry: Entry, request_fields: Mapping[bytes, bytes], pairs: HeaderPairs, born: float, ttl: float) -> Entry:
    """Return the entry with the headers of a newer answer to this request.

    ``born``: when its age begins now (seconds since the epoch). ``ttl``: its lifetime, in seconds.
    """
    summary = entry.request
    chosen_by = varied(request_fields, fields_of(pairs))
    summary_bytes = entry.summary if summary.fields == chosen_by else replace(summary, fields=chosen_by).to_bytes()
    return entry._replace(headers=pairs, stored_at=born, ttl=ttl, summary=summary_bytes)


def unkept_headers(pairs: HeaderPairs) -> HeaderPairs:
    """Return the headers that are not stored but belong to the caller: cookies, limits, whatever is true of this moment only."""
    return tuple(pair for pair in pairs if pair[0].lower() not in TRAVEL_FIELDS and _stored_name(pair[0]) is None)
