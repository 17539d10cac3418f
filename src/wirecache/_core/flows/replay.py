"""What happens to a request on a cassette? It is played, recorded or refused, whatever its method, path or answer.

HTTP's own rules, ttl and rules of the user do not count here; neither does ``Cache-Control``: what a test asks for is on the cassette.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote_to_bytes

from wirecache._core.flows.effects import Flow, Forward, Lookup, ReadBody, Refuse, Relay, Reuse
from wirecache._core.flows.inference import bypass
from wirecache._core.flows.recorder import Recorder, Recording
from wirecache._core.flows.refusal import explain_unrecordable, explain_unrecorded
from wirecache._core.keys.canonical import EMPTY, Body, frame, parse_body, unframed
from wirecache._core.keys.keys import key_fields, key_of
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.privacy.patterns import REDACTED
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.rules.eligibility import is_event_stream, is_upgrade, model_of, too_large
from wirecache._core.rules.endpoints import find_endpoint
from wirecache._core.rules.freshness import age_of
from wirecache._core.rules.plan import Mode, Plan
from wirecache._core.rules.record_modes import Action, CassettePlan, RecordMode, decide
from wirecache._core.status import CacheStatus
from wirecache.errors import CassetteError

__all__ = ["redacted", "replay_flow"]


def replay_flow(request: Request, plan: Plan, now: float) -> Flow:
    """Answer from the cassette, or forward and record; ``now`` in seconds since the epoch."""
    cassette = _in_force(plan)
    mode = cassette.record_mode
    if is_upgrade(request) or too_large(request, plan.max_body):
        reason = "upgrade" if is_upgrade(request) else "body-size"
        if _action(cassette, found=False) is Action.REFUSE:
            told = explain_unrecordable(redacted(request, EMPTY, cassette.redactor)[0], reason, cassette)
            return Refuse(CacheStatus(fwd="miss", detail="only-if-cached"), told)
        return (yield from bypass(request, plan, reason))
    raw = parse_body((yield ReadBody()), request.fields.get(b"content-type", b""))
    asked, body = redacted(request, raw, cassette.redactor, plan.key.headers)
    try:
        key = key_of(asked, body, plan.key, plan.namespace, plan.sample)
    except Exception as error:  # the user's normalize raised: on a cassette that is no reason to go on without it
        return Refuse(CacheStatus(fwd="miss", detail="normalize-error"), f"KeyOptions(normalize=...) raised {error!r}. Nothing was sent.")
    try:
        entry: Entry | None = None if mode.replaces or cassette.verify else (yield Lookup(key))
    except CassetteError as error:
        return Refuse(CacheStatus(fwd="miss", key=key, detail="cassette-error"), f"{error}. Nothing was sent.")
    return (yield from _by_mode(asked, body, plan, cassette, key, entry, now))


def _in_force(plan: Plan) -> CassettePlan:
    """The cassette as it is for this call: offline, nothing is sent, whatever it is to record or to verify."""
    cassette = plan.cassette
    assert cassette is not None, "a cassette's plan has a cassette"
    if plan.mode is not Mode.OFFLINE and not plan.directives.only_if_cached:
        return cassette
    how = f'lift what says that it is offline (mode="offline", WIRECACHE_MODE, only-if-cached), and {cassette.how}'
    return cassette._replace(record_mode=RecordMode.NONE, verify=False, how=how)


def _action(cassette: CassettePlan, found: bool) -> Action:
    return Action.RECORD if cassette.verify else decide(cassette.record_mode, found, cassette.existed)


def _by_mode(request: Request, body: Body, plan: Plan, cassette: CassettePlan, key: str, entry: Entry | None, now: float) -> Flow:
    model = model_of(request, body)
    endpoint = (find_endpoint(request.path) if request.method == "POST" else None) or ""
    match _action(cassette, found=entry is not None):
        case Action.PLAY if entry is not None:
            return Reuse(entry, CacheStatus(hit=True, key=key), age_of(entry, now))
        case Action.REFUSE:
            told = explain_unrecorded(request, model, cassette)
            return Refuse(CacheStatus(fwd="miss", key=key, detail="only-if-cached"), told, body)
        case _:
            head: Head = yield Forward()
    made = Recording(
        key, head, request, endpoint, model, body, plan.max_body,
        namespace=plan.namespace, sample=plan.sample, bodyless=request.method == "HEAD", stream=is_event_stream(head.fields),
        everything=True, headers=plan.key.headers,
    )  # fmt: skip
    anew = cassette.record_mode.replaces or cassette.verify
    status = CacheStatus(fwd="request" if anew else "miss", fwd_status=head.status, key=key)
    return Relay(status, Recorder(made))


def redacted(request: Request, body: Body, redactor: Redactor, headers: tuple[str, ...] = ()) -> tuple[Request, Body]:
    """The request as the cassette may know it. Its key is made from this, so that another secret finds the same recording.

    ``headers``: names that count in the key beside the built-in ones.
    """
    path, query = _target(request.path, b"/", redactor), redactor.url("?" + request.query.decode("latin-1"))[1:].encode("latin-1")
    fields = dict(request.fields)
    for name, value in key_fields(fields, headers).items():
        told = redactor.header(name, value)
        if told is None:
            del fields[name.encode()]
        elif told != value:
            fields[name.encode()] = told.encode("latin-1")
    asked = request._replace(path=path, query=_target(query, b"&", redactor), fields=fields)
    return asked, _redacted_body(body, redactor)


def _target(target: bytes, mark: bytes, redactor: Redactor) -> bytes:
    """A path or query; what is percent-encoded in one of its steps is looked at as what it says."""
    if b"%" in target:
        target = mark.join(_decoded(step, redactor) for step in target.split(mark))
    return redactor.text(target.decode("latin-1")).encode("latin-1")


def _decoded(step: bytes, redactor: Redactor) -> bytes:
    plain = unquote_to_bytes(step).decode("utf-8", "surrogateescape")
    told = redactor.text(plain)
    return step if told == plain else quote(told, safe="=", errors="surrogateescape").encode()


def _redacted_body(body: Body, redactor: Redactor) -> Body:
    match body.kind:
        case "json":
            value: Any = redactor.value(body.value)
        case "form":
            value = [(name, _form_value(name, text, redactor)) for name, text in body.value]
        case "multipart":
            value = [(_part_head(head, redactor), redactor.data(content)) for head, content in body.value]
        case _:
            return body._replace(raw=redactor.data(body.raw))
    return body if value == body.value else body._replace(value=value)


def _part_head(head: bytes, redactor: Redactor) -> bytes:
    """The framed head of a part: a file's name may hold a secret."""
    pairs = [[piece.decode("utf-8", "surrogateescape") for piece in unframed(line)] for line in unframed(head)]
    told = [[name, redactor.header(name, value) or ""] for name, value in pairs]
    return head if told == pairs else frame(frame(piece.encode("utf-8", "surrogateescape") for piece in pair) for pair in told)


def _form_value(name: bytes, value: bytes, redactor: Redactor) -> bytes:
    return REDACTED.encode() if value and redactor.is_secret(name.decode("latin-1")) else redactor.data(value)
