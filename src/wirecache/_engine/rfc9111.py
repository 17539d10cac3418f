"""What happens to a GET or HEAD? What HTTP's own rules say (RFC 9111), judged by hishel's state machine.

hishel decides (fresh, revalidate, store or not); the flow does, with the same effects, store and entries as inference.
One rule is stricter than the RFC's: without an explicit lifetime from the server nothing is stored, so polling is always live.
"""

from __future__ import annotations

import math
import re
import time
import uuid
from dataclasses import replace
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING

from wirecache._core.flows.effects import Discard, Flow, Forward, Lookup, Refuse, Relay, Reuse, Save
from wirecache._core.flows.inference import bypass_flow
from wirecache._core.flows.recorder import Recorder, Recording, renewed, varied
from wirecache._core.flows.refusal import explain_miss
from wirecache._core.headers import HeaderPairs, fields_of
from wirecache._core.keys.canonical import EMPTY
from wirecache._core.keys.keys import http_key
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.privacy.names import redacted_url
from wirecache._core.rules.eligibility import is_event_stream, is_upgrade
from wirecache._core.rules.freshness import age_of, explicit_lifetime, may_answer
from wirecache._core.rules.plan import Mode, Plan
from wirecache._core.status import CacheStatus

if TYPE_CHECKING:
    import hishel

__all__ = ["http_flow"]

# The caller does its own validation, or wants a part: then it gets what the server says.
_OWN_BUSINESS = (b"range", b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range")


def http_flow(request: Request, plan: Plan, now: float) -> Flow:
    """Answer a GET or HEAD as a private HTTP cache does; ``now`` in seconds since the epoch."""
    if plan.mode is Mode.OFF:
        return (yield from bypass_flow(request, plan, "off"))
    if is_upgrade(request):
        return (yield from bypass_flow(request, plan, "upgrade"))
    if plan.directives.no_store:
        return (yield from bypass_flow(request, plan, "no-store"))
    offline = plan.mode is Mode.OFFLINE or plan.directives.only_if_cached
    if any(name in request.fields for name in _OWN_BUSINESS) and not offline:
        return (yield from bypass_flow(request, plan, "conditional"))
    key = http_key(request, plan.namespace)
    entry: Entry | None = None if plan.mode is Mode.REFRESH else (yield Lookup(key))
    varies = entry is not None and not _matches(request, entry)
    if varies:
        entry = None
    if offline:
        return _offline(request, key, entry, plan, now)
    return (yield from _machine(request, key, entry, plan, now, "vary-miss" if varies else "miss"))


def _matches(request: Request, entry: Entry) -> bool:
    """Is this the representation that the request asks for (RFC 9111 section 4.1)?"""
    return entry.request.fields == varied(request.fields, fields_of(entry.headers))


def _offline(request: Request, key: str, entry: Entry | None, plan: Plan, now: float) -> Reuse | Refuse:
    left = _lifetime_left(entry, now) if entry is not None else None
    stale_too = math.inf if plan.mode is Mode.OFFLINE else plan.directives.max_stale
    if entry is None or not may_answer(left, _http_age(entry, now), plan.directives.max_age, stale_too):
        return Refuse(CacheStatus(fwd="miss", key=key, detail="only-if-cached"), explain_miss(request, "http", None))
    return Reuse(entry, CacheStatus(hit=True, ttl=left, key=key), _http_age(entry, now))


def _machine(request: Request, key: str, entry: Entry | None, plan: Plan, now: float, missed: str) -> Flow:
    import hishel  # 60 ms, and only programs that send a GET pay them

    hishel_request = _to_hishel(request)
    if plan.directives.max_age is not None and entry is not None and _http_age(entry, now) > plan.directives.max_age:
        hishel_request.headers["cache-control"] = "no-cache"  # the machine does not know a request's max-age, but this
    stored = [_entry_to_hishel(hishel_request, entry, now)] if entry is not None else []
    state = hishel.IdleClient(options={"shared": False}).next(hishel_request, stored)
    if isinstance(state, hishel.FromCache) and entry is not None:
        return Reuse(entry, CacheStatus(hit=True, ttl=_lifetime_left(entry, now), key=key), _http_age(entry, now))
    if not isinstance(state, hishel.NeedRevalidation) or entry is None:
        fwd, detail = ("request", "refresh") if plan.mode is Mode.REFRESH else (missed, None)
        head: Head = yield Forward()
        relayed = _after(request, head, key, plan, CacheStatus(fwd=fwd, key=key, detail=detail), now)
        if relayed.recorder is None and fwd == "request" and head.status < 300 and (yield Lookup(key)) is not None:
            yield Discard(key)  # as below
        return relayed
    head = yield Forward(_changes(request, state.request))
    outcome = state.next(hishel.Response(304, _headers(head.pairs))) if head.status == 304 else None
    if isinstance(outcome, hishel.NeedToBeUpdated):
        fresh = renewed(entry, _renewed_pairs(outcome.updating_entries[-1].response.headers, head), now)
        saved: bool = yield Save(fresh)
        return Reuse(fresh, CacheStatus(fwd="stale", fwd_status=304, stored=saved, key=key), _http_age(fresh, now))
    if outcome is not None:  # the 304 matches nothing we hold: ask without conditions
        yield Discard(key)
        head = yield Forward()
    relayed = _after(request, head, key, plan, CacheStatus(fwd="stale", key=key), now)
    if relayed.recorder is None and outcome is None and head.status < 300:
        yield Discard(key)  # the server has replaced it, and does not allow the new answer to be stored
    return relayed


def _after(request: Request, head: Head, key: str, plan: Plan, status: CacheStatus, now: float) -> Relay:
    """Record the answer if HTTP's rules allow it."""
    lifetime = explicit_lifetime(head.fields, now)
    reason = _why_not(request, head, lifetime)
    recorder = None
    if reason is None:
        bodyless = request.method == "HEAD"
        made = Recording(
            key, head, request, "http", None, EMPTY, plan.max_body, lifetime, plan.namespace, inference=False, bodyless=bodyless
        )
        recorder = Recorder(made)
    return Relay(replace(status, fwd_status=head.status, detail=reason or status.detail), recorder)


def _why_not(request: Request, head: Head, lifetime: float | None) -> str | None:
    import hishel

    if is_event_stream(head.fields):
        return "stream"
    if b"*" in head.fields.get(b"vary", b""):
        return "vary"
    if lifetime is None or head.status != 200:
        return "not-allowed"
    miss = hishel.CacheMiss(request=_to_hishel(request), options={"shared": False})
    allowed = miss.next(hishel.Response(head.status, _headers(head.pairs)))
    return None if isinstance(allowed, hishel.StoreAndUse) else "not-allowed"


def _lifetime_left(entry: Entry, now: float) -> float | None:
    lifetime = explicit_lifetime(fields_of(entry.headers), entry.stored_at)
    return None if lifetime is None else lifetime - _http_age(entry, now)


def _http_age(entry: Entry, now: float) -> float:
    """The age by RFC 9111 section 4.2.3: since its ``Date``, or since it was stored (the ``Age`` it came with included)."""
    since_stored = age_of(entry, now)
    try:
        date = parsedate_to_datetime(fields_of(entry.headers)[b"date"].decode("latin-1")).timestamp()
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


def _renewed_pairs(headers: hishel.Headers, head: Head) -> HeaderPairs:
    """The headers that the machine renewed; of its own ``Date``, which carries our age, only that of the 304 is kept."""
    pairs = [(n.encode("latin-1"), v.encode("latin-1")) for n in headers for v in headers.get_list(n) or []]
    kept = [pair for pair in pairs if pair[0].lower() != b"date"]
    return [*kept, (b"date", head.fields[b"date"])] if b"date" in head.fields else kept


def _to_hishel(request: Request) -> hishel.Request:
    import hishel

    return hishel.Request(request.method, redacted_url(request), _headers(tuple(request.fields.items())))


def _entry_to_hishel(request: hishel.Request, entry: Entry, now: float) -> hishel.Entry:
    """The entry for the machine, which reads the clock itself, and reckons the age from ``Date`` alone: it is given the one that fits."""
    import hishel

    pairs = [pair for pair in entry.headers if pair[0] != b"date"]
    date = formatdate(time.time() - _http_age(entry, now), usegmt=True).encode()
    kept = hishel.Request(request.method, request.url, request.headers)  # what the answer varies on was compared already
    return hishel.Entry(uuid.UUID(entry.key[:32]), kept, hishel.Response(entry.status, _headers([*pairs, (b"date", date)])))


_CONDITION = re.compile(r"if-none-match|if-modified-since", re.IGNORECASE)


def _changes(request: Request, conditional: hishel.Request) -> dict[bytes, bytes]:
    """The conditions that the machine added to the request (RFC 9111 section 4.3.1)."""
    return {
        name.lower().encode(): conditional.headers[name].encode("latin-1")
        for name in conditional.headers
        if _CONDITION.fullmatch(name) and name.lower().encode() not in request.fields
    }
