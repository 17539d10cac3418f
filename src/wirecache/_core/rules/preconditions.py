"""Conditional and range requests answered from a stored answer (RFC 9111 section 4.3.2, RFC 9110 section 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wirecache._core.headers import fields_of
from wirecache._core.http_date import http_date
from wirecache._core.messages import Entry

__all__ = ["MET_HERE", "OF_THE_SERVER", "narrowed"]

# Conditions that a stored answer can meet, and those that only its server can judge.
MET_HERE = frozenset({b"range", b"if-none-match", b"if-modified-since"})
OF_THE_SERVER = frozenset({b"if-match", b"if-unmodified-since", b"if-range"})
# The headers that a 304 repeats from the answer that it confirms (RFC 9110 section 15.4.5).
IN_A_304 = frozenset({b"cache-control", b"content-location", b"date", b"etag", b"expires", b"last-modified", b"vary"})
_TAG = re.compile(rb'(?:W/)?("[^"]*")')
_RANGE = re.compile(rb"bytes=(\d*)-(\d*)", re.IGNORECASE)


def narrowed(request: Mapping[bytes, bytes], entry: Entry, now: float) -> Entry | None:
    """Return the 304 or 206 made from the stored answer for a GET with these headers; None if only the server can tell."""
    if OF_THE_SERVER & request.keys():
        return None
    if b"range" not in request:
        return _not_modified(entry) if _is_confirmed(request, fields_of(entry.headers), now) else None
    return _part(request[b"range"], entry) if MET_HERE & request.keys() == {b"range"} else None


def _not_modified(entry: Entry) -> Entry:
    return entry._replace(status=304, body=b"", headers=tuple(pair for pair in entry.headers if pair[0] in IN_A_304))


def _is_confirmed(request: Mapping[bytes, bytes], stored: Mapping[bytes, bytes], now: float) -> bool:
    """Return whether the caller already has what is stored. Entity tags take precedence over modification times."""
    if (tags := request.get(b"if-none-match")) is not None:
        own = _TAG.fullmatch(stored.get(b"etag", b"").strip())
        return tags.strip() == b"*" or (own is not None and own[1] in _TAG.findall(tags))  # the weak comparison
    since = http_date(request[b"if-modified-since"], now)
    changed = http_date(stored.get(b"last-modified", stored.get(b"date", b"")), now)
    return since is not None and changed is not None and changed <= since


def _part(wanted: bytes, entry: Entry) -> Entry | None:
    """Return the part of a whole answer. A body that was encoded in transfer accepts no ranges, since they differ from the server's."""
    found, size = _RANGE.fullmatch(wanted.strip()), len(entry.body)
    if found is None or entry.status != 200 or fields_of(entry.headers).get(b"accept-ranges") == b"none" or not any(found.groups()):
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return None
    part = (b"content-range", b"bytes %d-%d/%d" % (start, end, size))
    return entry._replace(status=206, body=entry.body[start : end + 1], headers=(*entry.headers, part))
