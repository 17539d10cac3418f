"""What happens to a GET or HEAD? What HTTP's own rules say (RFC 9111), judged by hishel's state machine.

hishel decides (fresh, revalidate, store or not); the flow does, with the same effects, store and entries as inference.
One rule is stricter than the RFC's: without an explicit lifetime from the server nothing is stored, so polling is always live.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING

from wirecache._core.canonical import Body
from wirecache._core.effects import Discard, Flow, Forward, Lookup, Refuse, Relay, Reuse, Save
from wirecache._core.exchange import bypass
from wirecache._core.freshness import age_of, explicit_lifetime
from wirecache._core.keys import KeyOptions, key_of
from wirecache._core.messages import Entry, Head, HeaderPairs, Request
from wirecache._core.plan import Mode, Plan
from wirecache._core.policy import is_event_stream, is_upgrade
from wirecache._core.recording import Recorder, Recording, renewed
from wirecache._core.refusal import explain_miss
from wirecache._core.secrets import CREDENTIAL_FIELDS, redacted_url
from wirecache._core.status import CacheStatus

if TYPE_CHECKING:
    import hishel

__all__ = ["SAFE_METHODS", "http_exchange", "invalidation_key"]

SAFE_METHODS = frozenset({"GET", "HEAD"})
# Methods that may change what a GET of the same URL would answer (RFC 9111 section 4.4).
UNSAFE_METHODS = frozenset({"PUT", "POST", "PATCH", "DELETE"})
_EMPTY = Body("empty", b"")
# The caller does its own validation, or wants a part: then it gets what the server says.
_OWN_BUSINESS = (b"range", b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range")


def _key(request: Request, plan: Plan) -> str:
    """One entry for each URL, method and credential: a private cache never mixes accounts (RFC 9111 section 3.5)."""
    return key_of(request._replace(fields=_only(request.fields)), _EMPTY, KeyOptions(credentials=True), plan.namespace)


def _only(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    return {name: value for name, value in fields.items() if name in CREDENTIAL_FIELDS}


def invalidation_key(request: Request, plan: Plan) -> str | None:
    """Which entry does this request make invalid if the server accepts it? None: none can be."""
    return _key(request._replace(method="GET"), plan) if request.method in UNSAFE_METHODS else None


def http_exchange(request: Request, plan: Plan, now: float) -> Flow:
    """Answer a GET or HEAD as a private HTTP cache does; ``now`` in seconds since the epoch."""
    if plan.mode is Mode.OFF:
        return (yield from bypass(request, plan, "off"))
    if is_upgrade(request):
        return (yield from bypass(request, plan, "upgrade"))
    if any(name in request.fields for name in _OWN_BUSINESS) and plan.mode is not Mode.OFFLINE:
        return (yield from bypass(request, plan, "conditional"))
    key = _key(request, plan)
    entry = None if plan.mode is Mode.REFRESH else (yield Lookup(key))
    if plan.mode is Mode.OFFLINE:
        return _offline(request, key, entry, now)
    return (yield from _machine(request, key, entry, plan, now))


def _offline(request: Request, key: str, entry: Entry | None, now: float) -> Reuse | Refuse:
    if entry is None:
        return Refuse(CacheStatus(fwd="miss", key=key, detail="only-if-cached"), explain_miss(request, "http", None))
    left = _lifetime_left(entry, now)
    return Reuse(entry, CacheStatus(hit=True, ttl=left, key=key), _http_age(entry, now))


def _machine(request: Request, key: str, entry: Entry | None, plan: Plan, now: float) -> Flow:
    import hishel  # 60 ms, and only programs that send a GET pay them

    asked = _to_hishel(request)
    stored = [_entry_to_hishel(asked, entry, now)] if entry is not None else []
    state = hishel.IdleClient(options={"shared": False}).next(asked, stored)
    if isinstance(state, hishel.FromCache) and entry is not None:
        return Reuse(entry, CacheStatus(hit=True, ttl=_lifetime_left(entry, now), key=key), _http_age(entry, now))
    if not isinstance(state, hishel.NeedRevalidation) or entry is None:
        fwd, detail = ("request", "refresh") if plan.mode is Mode.REFRESH else ("miss", None)
        head: Head = yield Forward()
        return _after(request, head, key, plan, CacheStatus(fwd=fwd, key=key, detail=detail))
    head = yield Forward(_changes(request, state.request))
    if head.status != 304:
        return _after(request, head, key, plan, CacheStatus(fwd="stale", key=key))
    outcome = state.next(hishel.Response(304, _headers(head.pairs)))
    if not isinstance(outcome, hishel.NeedToBeUpdated):  # the 304 matches nothing we hold: ask without conditions
        yield Discard(key)
        head = yield Forward()
        return _after(request, head, key, plan, CacheStatus(fwd="stale", key=key))
    fresh = renewed(entry, _pairs(outcome.updating_entries[-1].response.headers), now)
    yield Save(fresh)
    return Reuse(fresh, CacheStatus(fwd="stale", fwd_status=304, stored=True, key=key), _http_age(fresh, now))


def _after(request: Request, head: Head, key: str, plan: Plan, status: CacheStatus) -> Relay:
    """Record the answer if HTTP's rules allow it."""
    reason = _why_not(request, head)
    recorder = None
    if reason is None:
        lifetime = explicit_lifetime(head.fields, 0.0)
        bodyless = request.method == "HEAD"
        made = Recording(key, head, request, "http", None, _EMPTY, plan.max_body, ttl=lifetime, inference=False, bodyless=bodyless)
        recorder = Recorder(made)
    return Relay(replace(status, fwd_status=head.status, detail=reason or status.detail), recorder)


def _why_not(request: Request, head: Head) -> str | None:
    import hishel

    if is_event_stream(head.fields):
        return "stream"
    if b"*" in head.fields.get(b"vary", b""):
        return "vary"
    if explicit_lifetime(head.fields, 0.0) is None or head.status != 200:
        return "not-allowed"
    asked = hishel.CacheMiss(request=_to_hishel(request), options={"shared": False})
    allowed = asked.next(hishel.Response(head.status, _headers(head.pairs)))
    return None if isinstance(allowed, hishel.StoreAndUse) else "not-allowed"


def _lifetime_left(entry: Entry, now: float) -> float | None:
    lifetime = explicit_lifetime(dict(entry.headers), entry.stored_at)
    return None if lifetime is None else lifetime - _http_age(entry, now)


def _http_age(entry: Entry, now: float) -> float:
    """The age by RFC 9111 section 4.2.3: since its ``Date``, or since it was stored (the ``Age`` it came with included)."""
    since_stored = age_of(entry, now)
    try:
        date = parsedate_to_datetime(dict(entry.headers)[b"date"].decode("latin-1")).timestamp()
    except (KeyError, ValueError):
        return since_stored
    return max(since_stored, now - date)


# -- to hishel's types and back ---------------------------------------------------------------------------------


def _headers(pairs: HeaderPairs) -> hishel.Headers:
    import hishel

    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return hishel.Headers(grouped)


def _pairs(headers: hishel.Headers) -> HeaderPairs:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name in headers for value in headers.get_list(name) or [])


def _to_hishel(request: Request) -> hishel.Request:
    import hishel

    return hishel.Request(request.method, redacted_url(request), _headers(tuple(request.fields.items())))


def _entry_to_hishel(asked: hishel.Request, entry: Entry, now: float) -> hishel.Entry:
    """hishel reckons the age from ``Date`` alone, so it is given the one that makes it our age."""
    import hishel

    pairs = tuple(pair for pair in entry.headers if pair[0] != b"date")
    date = formatdate(now - _http_age(entry, now), usegmt=True).encode()
    headers = dict(entry.request.fields)
    for name in CREDENTIAL_FIELDS & {n.lower().encode() for n in asked.headers}:
        headers[name.decode()] = asked.headers[name.decode()]  # the key holds the credential: it is the same one
    kept = hishel.Request(asked.method, asked.url, hishel.Headers(headers))
    return hishel.Entry(uuid.UUID(entry.key[:32]), kept, hishel.Response(entry.status, _headers((*pairs, (b"date", date)))))


_CONDITION = re.compile(r"if-none-match|if-modified-since", re.IGNORECASE)


def _changes(request: Request, conditional: hishel.Request) -> dict[bytes, bytes]:
    """The conditions that the machine added to the request (RFC 9111 section 4.3.1)."""
    return {
        name.lower().encode(): conditional.headers[name].encode("latin-1")
        for name in conditional.headers
        if _CONDITION.fullmatch(name) and name.lower().encode() not in request.fields
    }
