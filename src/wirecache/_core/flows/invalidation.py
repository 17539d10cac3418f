"""Invalidation of stored answers after a request that may have changed something (RFC 9111 section 4.4).

Beside the entries of a URL, whoever requested it and in whatever representation, are two marks: that there are entries, and when the URL
last changed. Entries older than the change are not used again.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import urljoin, urlsplit

from wirecache._core.flows.effects import READ_CLOCK, Discard, Effect, Lookup, Save
from wirecache._core.keys.keys import DEFAULT_PORTS, changed_mark_key, http_key, request_from, stored_mark_key
from wirecache._core.messages import Entry, Head, Request, RequestSummary
from wirecache._core.privacy.names import redacted_url
from wirecache._core.rules.plan import Mode, Plan

__all__ = ["MARK", "changed_since", "invalidate_changed", "is_mark", "may_change", "stored_mark"]

# The methods that change nothing ("safe" in IANA's HTTP method registry); any other may.
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PRI", "PROPFIND", "QUERY", "REPORT", "SEARCH", "TRACE"})
MARK = "mark"  # takes the place of an endpoint


def is_mark(entry: Entry) -> bool:
    """Return whether this is the mark of a URL and not an answer."""
    return entry.status == 0


def _mark(key: str, request: Request, namespace: str, at: float) -> Entry:
    """Return the mark. It has no lifetime, since the entries of its URL have different ones."""
    summary = RequestSummary("*", redacted_url(request), MARK, None, {}, namespace).to_bytes()
    return Entry(key, 0, (), b"", at, 0.0, b"HTTP/1.1", None, None, summary, b"")


def stored_mark(request: Request, namespace: str, now: float) -> Entry:
    """Return the mark which says that an answer of this URL is stored."""
    return _mark(stored_mark_key(request, namespace), request, namespace, now)


def changed_since(request: Request, entry: Entry, namespace: str) -> Generator[Effect, Any, bool]:
    """Return whether the URL may have changed since the entry was stored."""
    mark: Entry | None = yield Lookup(changed_mark_key(request, namespace))
    return mark is not None and entry.stored_at <= mark.stored_at


def may_change(request: Request, plan: Plan) -> bool:
    """Return whether the request may have changed what its URL answers."""
    return request.method not in SAFE and plan.mode is not Mode.OFF


def invalidate_changed(request: Request, plan: Plan, head: Head) -> Generator[Effect, Any, None]:
    """Invalidate what the answered request may have changed: nothing, if the answer is an error."""
    if head.status < 400:
        for changed in _changed(request, head):
            yield from _invalidate(changed, plan.namespace)


def _changed(request: Request, head: Head) -> list[Request]:
    """Return requests for the URLs that may have changed: the request's own, and those of the same origin that the answer names."""
    host = f"[{request.host}]" if ":" in request.host else request.host
    port = "" if request.port is None else f":{request.port}"
    base = f"{request.scheme}://{host}{port}{request.path.decode('latin-1')}"
    found = [request]
    for name in (b"location", b"content-location"):
        if name in head.fields:
            try:
                url = urljoin(base, head.fields[name].decode("latin-1"))
                other = request_from("GET", urlsplit(url)._replace(fragment="").geturl())
            except ValueError:
                continue
            if _origin(other) == _origin(request):
                found.append(request._replace(path=other.path, query=other.query))
    return found


def _origin(request: Request) -> tuple[str, str, int | None]:
    return request.scheme, request.host.lower(), request.port or DEFAULT_PORTS.get(request.scheme)


def _invalidate(request: Request, namespace: str) -> Generator[Effect, Any, None]:
    if (yield Lookup(stored_mark_key(request, namespace))) is None:
        return
    now: float = yield READ_CLOCK
    yield Save(_mark(changed_mark_key(request, namespace), request, namespace, now))
    for method in ("GET", "HEAD"):  # this caller's own entries are deleted, since nobody wants them even offline
        yield Discard(http_key(request._replace(method=method), namespace))
