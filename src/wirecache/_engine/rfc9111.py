"""The flow of a GET or HEAD, cached by HTTP's own rules (RFC 9111).

``http_rules`` decides what may be stored and reused; hishel's state machine decides what a 304 confirms. One rule is stricter than the
RFC's, unless the plan allows heuristics: an answer without an explicit lifetime is not reused until the server has confirmed it, so that
polling is always live.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wirecache._core.flows.effects import Discard, Effect, Flow, Forward, Lookup, Refuse, Relay, Reuse, Save
from wirecache._core.flows.entry_headers import renewed, unkept_headers, updated, varied
from wirecache._core.flows.inference import bypass_flow
from wirecache._core.flows.invalidation import changed_since, stored_mark
from wirecache._core.flows.recorder import Recorder, Recording
from wirecache._core.flows.refusal import explain_miss
from wirecache._core.headers import HeaderPairs, fields_of
from wirecache._core.keys.canonical import EMPTY
from wirecache._core.keys.keys import http_key, variant_key
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.privacy.names import redacted_url
from wirecache._core.rules.eligibility import has_content, is_upgrade
from wirecache._core.rules.freshness import may_answer
from wirecache._core.rules.http_rules import (
    age_field,
    dated,
    http_age,
    is_reusable,
    is_same_answer,
    keeping_refusal,
    lifetime,
    lifetime_left,
    may_replace_error,
    storable_pairs,
    storing_refusal,
)
from wirecache._core.rules.plan import Mode, Plan
from wirecache._core.rules.preconditions import MET_HERE, OF_THE_SERVER, narrowed
from wirecache._core.status import CacheStatus

if TYPE_CHECKING:
    import hishel

__all__ = ["http_flow"]


def http_flow(request: Request, plan: Plan, now: float) -> Flow:
    """Answer a GET or HEAD as a private HTTP cache does; ``now`` in seconds since the epoch."""
    if reason := _bypass_reason(request, plan):
        return (yield from bypass_flow(request, plan, reason))
    is_offline = plan.mode is Mode.OFFLINE or plan.directives.only_if_cached
    if (MET_HERE | OF_THE_SERVER) & request.fields.keys() and not is_offline:
        own = yield from _answer_to_own(request, plan, now)
        return own or (yield from bypass_flow(request, plan, "conditional"))
    key = http_key(request, plan.namespace)
    if plan.mode is Mode.REFRESH:
        return (yield from _forwarded(request, key, None, plan, CacheStatus(fwd="request", key=key, detail="refresh"), now))
    if request.method == "HEAD" and (of_get := (yield from _answer_of_get(request, plan, now))):
        return of_get
    latest: Entry | None = yield Lookup(key)
    entry = yield from _representation(request, key, latest)
    if entry is not None and (reuse := (yield from _reuse(request, entry, plan, now))):
        return reuse
    if is_offline:
        return Refuse(CacheStatus(fwd="miss", key=key, detail="only-if-cached"), explain_miss(request, "http", None))
    if entry is not None:
        return (yield from _validated(request, key, entry, plan, now))
    status = CacheStatus(fwd="miss" if latest is None else "vary-miss", key=key)
    return (yield from _forwarded(request, key, latest, plan, status, now))


def _bypass_reason(request: Request, plan: Plan) -> str | None:
    """Return why the request bypasses the store, or None."""
    if plan.mode is Mode.OFF:
        return "off"
    if is_upgrade(request):
        return "upgrade"
    if plan.directives.no_store:
        return "no-store"
    return "body" if has_content(request) else None  # HTTP's key leaves the body out, and some servers read it


# -- which stored answer ------------------------------------------------------------------------------------------


def _representation(request: Request, key: str, latest: Entry | None) -> Generator[Effect, Any, Entry | None]:
    """Return the stored representation that the request selects (RFC 9111 section 4.1): the URL's latest one, or an earlier one."""
    if latest is None or _matches(request, latest):
        return latest
    earlier: Entry | None = yield Lookup(variant_key(key, varied(request.fields, fields_of(latest.headers))))
    return earlier if earlier is not None and _matches(request, earlier) else None


def _matches(request: Request, entry: Entry) -> bool:
    return entry.request.fields == varied(request.fields, fields_of(entry.headers))


def _answer_to_own(request: Request, plan: Plan, now: float) -> Generator[Effect, Any, Reuse | None]:
    """Return a fresh entry's answer to the caller's own conditions or range; None if the server has to answer."""
    if request.method != "GET" or plan.mode is Mode.REFRESH or OF_THE_SERVER & request.fields.keys():
        return None
    entry = yield from _representation(request, key := http_key(request, plan.namespace), (yield Lookup(key)))
    answer = narrowed(request.fields, entry, now) if entry is not None else None
    if entry is None or answer is None or (reuse := (yield from _reuse(request, entry, plan, now))) is None:
        return None
    return reuse._replace(entry=answer, live=_length(answer))


def _answer_of_get(request: Request, plan: Plan, now: float) -> Generator[Effect, Any, Reuse | None]:
    """Return the answer to a HEAD made from the stored answer to a GET (section 4), or None."""
    key = http_key(request._replace(method="GET"), plan.namespace)
    entry = yield from _representation(request, key, (yield Lookup(key)))
    reuse = (yield from _reuse(request, entry, plan, now)) if entry is not None else None
    if reuse is None:
        return None
    return reuse._replace(entry=reuse.entry._replace(body=b""))


def _reuse(request: Request, entry: Entry, plan: Plan, now: float) -> Generator[Effect, Any, Reuse | None]:
    """Return the reuse of the entry, or None if it may not answer by itself."""
    left, age = lifetime_left(entry, now, heuristics=plan.heuristics), http_age(entry, now)
    if plan.mode is Mode.OFFLINE:
        if not may_answer(left, age, plan.directives.max_age, math.inf):
            return None
    elif not is_reusable(entry, plan.directives, now, left) or (yield from changed_since(request, entry, plan.namespace)):
        return None
    return Reuse(entry, CacheStatus(hit=True, ttl=left, key=entry.key), age, _length(entry))


def _length(entry: Entry) -> HeaderPairs:
    """Return the length header of the decoded body. An entry stored for a HEAD has no body, and gets none."""
    has_body = entry.request.method != "HEAD" and entry.status not in (204, 304)
    return ((b"content-length", b"%d" % len(entry.body)),) if has_body else ()


# -- from upstream ------------------------------------------------------------------------------------------------


def _validated(request: Request, key: str, entry: Entry, plan: Plan, now: float) -> Flow:
    """Ask the server whether the entry is still valid (section 4.3). If that fails, the stale entry may still answer."""
    try:
        head: Head = yield Forward(_conditions(entry))
    except Exception:
        if stale := (yield from _stale_if_error(request, entry, plan, now)):
            return stale
        raise
    if (head.status == 429 or head.status >= 500) and (stale := (yield from _stale_if_error(request, entry, plan, now))):
        return stale
    if head.status == 304:
        if _is_confirmed(request, entry, head):
            return (yield from _renewed(request, entry, head, plan, now))
        yield Discard(entry.key)  # the 304 matches nothing that is stored: ask again without conditions
        head = yield Forward()
        return (yield from _recorded(request, head, key, plan, CacheStatus(fwd="stale", key=key), now))
    relay = yield from _recorded(request, head, key, plan, CacheStatus(fwd="stale", key=key), now)
    if relay.recorder is None and head.status < 300:
        yield Discard(entry.key)  # the server has replaced it with an answer that may not be stored
    return relay


def _renewed(request: Request, entry: Entry, head: Head, plan: Plan, now: float) -> Generator[Effect, Any, Reuse]:
    """Return the reuse of an entry that a 304 has confirmed and updated."""
    fresh, reason, is_saved = yield from _updated(request, entry, head, plan, now)
    status = CacheStatus(fwd="stale", fwd_status=304, stored=is_saved, key=entry.key, detail=reason)
    return Reuse(fresh, status, http_age(fresh, now), (*_length(fresh), *unkept_headers(head.pairs)))


def _updated(request: Request, entry: Entry, head: Head, plan: Plan, now: float) -> Generator[Effect, Any, tuple[Entry, str | None, bool]]:
    """Store the entry with the headers of a newer answer (section 3.2), or drop it if these no longer allow it to be stored.

    Return the entry, the reason why it is not kept (or None), and whether it was stored.
    """
    pairs = dated(storable_pairs(updated(entry.headers, storable_pairs(head.pairs))), now)
    fields = fields_of(pairs)
    fresh_for = lifetime(entry.status, fields, now, heuristics=plan.heuristics) or 0.0
    fresh = renewed(entry, request.fields, pairs, now - age_field(head.fields), fresh_for)
    if reason := keeping_refusal(entry.status, fields):
        yield Discard(entry.key)
        return fresh, reason, False
    is_saved: bool = yield Save(fresh)
    return fresh, None, is_saved


def _stale_if_error(request: Request, entry: Entry, plan: Plan, now: float) -> Generator[Effect, Any, Reuse | None]:
    """Return the reuse of the stale entry in place of an upstream error, or None if that is not allowed."""
    if plan.directives.no_cache or not may_replace_error(entry, plan.stale_if_error, now, heuristics=plan.heuristics):
        return None
    if (yield from changed_since(request, entry, plan.namespace)):
        return None
    left = lifetime_left(entry, now, heuristics=plan.heuristics)
    status = CacheStatus(hit=True, ttl=left, key=entry.key, detail="stale-if-error")
    return Reuse(entry, status, http_age(entry, now), _length(entry))


def _forwarded(request: Request, key: str, latest: Entry | None, plan: Plan, status: CacheStatus, now: float) -> Flow:
    """Forward the request, and keep what was stored for another representation beside the new answer."""
    head: Head = yield Forward()
    relay = yield from _recorded(request, head, key, plan, status, now)
    if relay.recorder is not None and latest is not None:
        yield Save(latest._replace(key=variant_key(key, latest.request.fields)))
    if relay.recorder is None and plan.mode is Mode.REFRESH and head.status < 300 and (yield Lookup(key)) is not None:
        yield Discard(key)
    return relay


def _recorded(request: Request, head: Head, key: str, plan: Plan, status: CacheStatus, now: float) -> Generator[Effect, Any, Relay]:
    """Relay the answer, recorded if HTTP's rules allow it. The answer to a HEAD also updates the stored one to a GET."""
    if request.method == "HEAD" and head.status == 200:
        yield from _compare_with_get(request, head, plan, now)
    reason = storing_refusal(head, now, heuristics=plan.heuristics)
    recorder = None
    if reason is None:
        made = Recording(
            key,
            head._replace(pairs=dated(storable_pairs(head.pairs), now)),
            request,
            "http",
            None,
            EMPTY,
            plan.max_body,
            lifetime(head.status, head.fields, now, heuristics=plan.heuristics) or 0.0,
            plan.namespace,
            inference=False,
            bodyless=request.method == "HEAD",
            born=now - age_field(head.fields),
            mark=stored_mark(request, plan.namespace, now),
        )
        recorder = Recorder(made)
    return Relay(replace(status, fwd_status=head.status, detail=reason or status.detail), recorder)


def _compare_with_get(request: Request, head: Head, plan: Plan, now: float) -> Generator[Effect, Any, None]:
    """Update the stored answer to a GET from the answer to a HEAD, or drop it if they do not match (section 4.3.5)."""
    key = http_key(request._replace(method="GET"), plan.namespace)
    entry: Entry | None = yield Lookup(key)
    if entry is None or not _matches(request, entry):
        return
    if is_same_answer(entry, head):
        yield from _updated(request, entry, head, plan, now)
    else:
        yield Discard(key)


def _conditions(entry: Entry) -> dict[bytes, bytes]:
    """Return the conditional request headers for validating the entry (section 4.3.1)."""
    fields = fields_of(entry.headers)
    names = ((b"etag", b"if-none-match"), (b"last-modified", b"if-modified-since"))
    return {condition: fields[name] for name, condition in names if name in fields}


# -- to hishel's types and back ---------------------------------------------------------------------------------


def _is_confirmed(request: Request, entry: Entry, head: Head) -> bool:
    """Return whether the 304 confirms this entry and not some other answer."""
    import hishel  # takes 60 ms, which only programs that validate entries should pay

    made = hishel.Request(request.method, redacted_url(request), hishel.Headers({}))
    held = hishel.Entry(uuid.UUID(entry.key[:32]), made, hishel.Response(entry.status, _headers(entry.headers)))
    state = hishel.NeedRevalidation(request=made, original_request=made, revalidating_entries=[held], options={"shared": False})
    return isinstance(state.next(hishel.Response(304, _headers(head.pairs))), hishel.NeedToBeUpdated)


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> hishel.Headers:
    import hishel

    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return hishel.Headers(grouped)
