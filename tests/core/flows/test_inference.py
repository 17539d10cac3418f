"""The flow of one exchange, played by hand: what it asks for, in which order, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import ANSWER, CHAT, WHOLE, ask, entry, head, play
from wirecache import KeyOptions, make_key
from wirecache._core.flows.effects import Admit, Claim, Forward, Lookup, ReadBody, Refuse, Relay, Reuse, Turn
from wirecache._core.flows.inference import config_error_flow, inference_flow
from wirecache._core.flows.spending import EXCEEDED, Denial
from wirecache._core.messages import Entry, Request, RequestSummary
from wirecache._core.rules.plan import MAX_BODY, Mode, Plan, for_call
from wirecache._core.rules.rules import Rule
from wirecache._core.status import CacheStatus
from wirecache._core.unset import UNSET

NOW = 1010.0  # ten seconds after the entry of play.entry was stored
BODY = b'{"model":"m","messages":[]}'
KEY = make_key("POST", CHAT, {}, BODY)
SENT = ask(headers={"authorization": "Bearer s3cr3t"})
LOOK = [ReadBody(), Lookup(KEY)]
FRESH, STALE = Plan(ttl=60.0), Plan(ttl=3.0)


def mode(name: str, ttl: float | None = 60.0) -> Plan:
    return Plan(mode=Mode(name), ttl=ttl)


# -- the table of modes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "ttl", "age"),
    [
        pytest.param(mode("auto"), 50.0, 10.0, id="auto, fresh"),
        pytest.param(mode("auto", None), None, 10.0, id="auto, for ever"),
        pytest.param(mode("offline"), 50.0, 10.0, id="offline, fresh"),
        pytest.param(mode("offline", 3.0), -7.0, 10.0, id="offline, stale"),
        pytest.param(mode("offline", 0.0), -10.0, 10.0, id="offline, never fresh"),
    ],
)
def test_reuse(plan: Plan, ttl: float | None, age: float) -> None:
    found = entry(key=KEY)
    effects, outcome = play(inference_flow(SENT, plan, NOW), BODY, found)
    assert effects == LOOK
    assert outcome == Reuse(found, CacheStatus(hit=True, ttl=ttl, key=KEY), age)


@pytest.mark.parametrize(
    ("plan", "found", "fwd", "detail"),
    [
        pytest.param(mode("auto"), None, "miss", None, id="auto, nothing"),
        pytest.param(mode("auto", 3.0), entry(), "stale", None, id="auto, stale"),
        pytest.param(mode("auto", 10.0), entry(), "stale", None, id="auto, just over"),
        pytest.param(mode("auto", 0.0), entry(), "stale", None, id="auto, never fresh"),
        pytest.param(mode("auto"), entry(ttl=5.0), "stale", None, id="auto, stale by its own ttl"),
        pytest.param(mode("refresh"), ..., "request", "refresh", id="refresh does not look"),
    ],
)
def test_forward_and_store(plan: Plan, found: Any, fwd: str, detail: str | None) -> None:
    looked = [] if found is ... else [found]
    effects, outcome = play(inference_flow(SENT, plan, NOW), BODY, *looked, head())
    assert effects == [*LOOK[: 1 + len(looked)], Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.status == CacheStatus(fwd=fwd, fwd_status=200, key=KEY, detail=detail)
    assert outcome.recorder is not None


def test_offline_refuses_what_it_does_not_have() -> None:
    effects, outcome = play(inference_flow(SENT, mode("offline"), NOW), BODY, None)
    assert effects == LOOK
    assert isinstance(outcome, Refuse)
    assert outcome.status == CacheStatus(fwd="miss", key=KEY, detail="only-if-cached")
    assert "'m'" in outcome.message
    assert "s3cr3t" not in outcome.message


# -- bypasses: nothing is looked up, and offline nothing leaves -----------------------------------------------------------

MODELS = "https://api.openai.com/v1/files"
GEMINI = "https://h/v1beta/models/m"
BYPASSES = [
    pytest.param(SENT, [], "off", Plan(mode=Mode.OFF), id="off"),
    pytest.param(ask(MODELS), [], "no-rule", FRESH, id="a path that is not inference"),
    pytest.param(ask(CHAT, "DELETE"), [], "no-rule", FRESH, id="another method"),
    pytest.param(ask(CHAT, "PUT"), [], "no-rule", FRESH, id="PUT"),
    pytest.param(ask(CHAT, headers={"upgrade": "websocket"}), [], "upgrade", FRESH, id="upgrade"),
    pytest.param(ask(CHAT.replace("https", "wss")), [], "upgrade", FRESH, id="websocket"),
    pytest.param(ask(headers={"content-length": str(MAX_BODY + 1)}), [], "body-size", FRESH, id="a large body"),
    pytest.param(ask(GEMINI + ":streamGenerateContent"), [], "stream", FRESH, id="stream by path"),
    pytest.param(ask(GEMINI + ":generateContent?alt=sse"), [], "stream", FRESH, id="stream by query"),
    pytest.param(SENT, [b'{"stream":true}'], "stream", FRESH, id="stream by body"),
    pytest.param(ask("http://h/api/chat"), [b"{}"], "stream", FRESH, id="stream by default"),
    pytest.param(SENT, [b'{"background":true}'], "background", FRESH, id="background"),
    pytest.param(SENT, [b""], "no-body", FRESH, id="no body"),
    pytest.param(ask("https://h/v1/interactions"), [b"{}"], "stateful", FRESH, id="stateful"),
]


@pytest.mark.parametrize(("incoming", "bodies", "reason", "plan"), BYPASSES)
def test_bypass(incoming: Request, bodies: list[bytes], reason: str, plan: Plan) -> None:
    effects, outcome = play(inference_flow(incoming, plan, NOW), *bodies, head(201))
    assert effects == [*([ReadBody()] if bodies else []), Forward()]
    assert outcome == Relay(CacheStatus(fwd="bypass", fwd_status=201, detail=reason))


@pytest.mark.parametrize(("incoming", "bodies", "reason", "plan"), [row for row in BYPASSES if row.id != "off"])
def test_bypass_offline(incoming: Request, bodies: list[bytes], reason: str, plan: Plan) -> None:
    effects, outcome = play(inference_flow(incoming, mode("offline"), NOW), *bodies)
    assert Forward() not in effects
    assert isinstance(outcome, Refuse)
    assert outcome.status == CacheStatus(fwd="miss", detail="only-if-cached")


def test_refresh_bypasses_too() -> None:
    assert play(inference_flow(SENT, mode("refresh"), NOW), b'{"stream":true}', head()).outcome.status.fwd == "bypass"


def test_a_large_body_without_a_declared_length_is_not_stored() -> None:
    plan = Plan(max_body=10_000_000)
    effects, _ = play(inference_flow(SENT, plan, NOW), b'{"a":"%b"}' % (b"x" * 10_000_000), head())
    assert not any(isinstance(effect, Lookup) for effect in effects)


# -- the answer ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        *(
            pytest.param(head(status), f"status-{status}", id=str(status))
            for status in (206, 301, 400, 401, 404, 408, 409, 429, 500, 502, 503, 529)
        ),
        pytest.param(head(headers={"content-type": "text/event-stream"}), "stream", id="event stream"),
        pytest.param(head(headers={"content-type": "application/x-ndjson"}), "stream", id="lines"),
        pytest.param(head(500, {"content-type": "text/event-stream"}), "stream", id="event stream of an error"),
        pytest.param(head(headers={"content-type": "text/html"}), "html", id="a page"),
    ],
)
@pytest.mark.parametrize(("found", "fwd"), [(None, "miss"), (entry(), "stale")])
def test_an_answer_that_is_not_stored(answer: Any, reason: str, found: Any, fwd: str) -> None:
    effects, outcome = play(inference_flow(SENT, STALE, NOW), BODY, found, answer)
    assert effects == [*LOOK, Forward()]
    assert outcome == Relay(CacheStatus(fwd=fwd, fwd_status=answer.status, key=KEY, detail=reason), model="m")


def test_what_is_recorded() -> None:
    outcome = play(inference_flow(SENT, FRESH, NOW), BODY, None, head()).outcome
    assert isinstance(outcome, Relay)
    recorder = outcome.recorder
    assert recorder is not None
    for chunk in (WHOLE[:20], WHOLE[20:]):
        recorder.feed(chunk)
    recorder.end()
    assert recorder.refusal_reason(bytes) is None
    made = recorder.entry(NOW, 0.25)
    assert (made.key, made.body, made.stored_at, made.seconds, made.ttl) == (KEY, WHOLE, NOW, 0.25, UNSET)
    assert (made.request.method, made.request.url, made.request.endpoint, made.request.model) == ("POST", CHAT, "chat", "m")
    assert json.loads(bytes(made.request_body)) == json.loads(BODY)
    assert "s3cr3t" not in repr(made)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"error": {"message": "overloaded"}}, "error", id="error"),
        pytest.param({"choices": []}, "no-answer", id="no answer"),
        pytest.param({"status": "in_progress"}, "status-in_progress", id="not finished"),
    ],
)
def test_an_answer_whose_body_is_not_good(change: dict[str, Any], reason: str) -> None:
    outcome = play(inference_flow(SENT, FRESH, NOW), BODY, None, head()).outcome
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    outcome.recorder.feed(json.dumps({**ANSWER, **change}).encode())
    outcome.recorder.end()
    assert outcome.recorder.refusal_reason(bytes) == reason
    assert outcome.status.settled(reason).header(200) == f'wirecache; fwd=miss; key="{KEY}"; detail={reason}'


def test_an_answer_that_is_too_large() -> None:
    outcome = play(inference_flow(SENT, Plan(max_body=100), NOW), BODY, None, head()).outcome
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    outcome.recorder.feed(b"x" * 101)
    outcome.recorder.end()
    assert outcome.recorder.refusal_reason(bytes) == "too-large"


# -- the key ---------------------------------------------------------------------------------------------------------------


def looked_up(plan: Plan, body: bytes = BODY, request: Request = SENT) -> str:
    return next(effect.key for effect in play(inference_flow(request, plan, NOW), body, None, head()).effects if isinstance(effect, Lookup))


def test_the_plan_counts_in_the_key() -> None:
    options = KeyOptions(ignore_body=("/user",))
    assert looked_up(Plan(namespace="a")) == make_key("POST", CHAT, {}, BODY, namespace="a")
    assert looked_up(Plan(key=options), b'{"user":1}') == make_key("POST", CHAT, {}, b'{"user":2}', options=options)
    assert looked_up(Plan(mode=Mode.AUTO, ttl=1.0)) == looked_up(Plan(mode=Mode.AUTO, ttl=None)) == KEY


def test_the_content_type_counts_where_it_says_how_to_read_the_body() -> None:
    def upload(boundary: str) -> str:
        body = f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--{boundary}--\r\n'
        return looked_up(FRESH, body.encode(), ask(headers={"content-type": f"multipart/form-data; boundary={boundary}"}))

    assert upload("one") == upload("another")


def test_callers_share_answers_unless_told_not_to() -> None:
    other = ask(headers={"authorization": "Bearer another"})
    apart = Plan(key=KeyOptions(credentials=True))
    assert looked_up(FRESH) == looked_up(FRESH, request=other)
    assert looked_up(apart) != looked_up(apart, request=other)


def test_a_body_that_is_no_json_is_looked_up_too() -> None:
    assert looked_up(FRESH, b'{"a":1,"a":1}') == make_key("POST", CHAT, {}, b'{"a":1,"a":1}')


@pytest.mark.parametrize("directive", ["no-store", "no-cache", "max-age=0"])
def test_a_request_that_wants_it_live_is_not_reused(directive: str) -> None:
    request = ask(headers={"cache-control": directive})
    flow = inference_flow(request, for_call(FRESH, request, None, None), NOW)
    effect, answers = next(flow), {ReadBody: BODY, Lookup: entry(key=KEY), Claim: Turn.LEAD}
    while not isinstance(effect, Forward):
        effect = flow.send(answers[type(effect)])  # StopIteration: it was reused


# -- what a call asks by its Cache-Control ---------------------------------------------------------------------------------


def asking(control: str, plan: Plan) -> tuple[Request, Plan]:
    request = ask(headers={"cache-control": control})
    return request, for_call(plan, request, None, None)


@pytest.mark.parametrize(
    ("control", "plan", "ends"),
    [
        pytest.param("max-age=5", FRESH, Relay, id="older than it may be"),
        pytest.param("max-age=10", FRESH, Reuse, id="as old as it may be"),
        pytest.param("max-age=5, max-stale=5", FRESH, Reuse, id="older, and that is allowed"),
        pytest.param("max-stale=6", STALE, Relay, id="too stale"),
        pytest.param("max-stale=7", STALE, Reuse, id="as stale as it may be"),
        pytest.param("max-stale", STALE, Reuse, id="however stale"),
        pytest.param("max-age=5", mode("offline"), Reuse, id="offline, whatever there is"),
        pytest.param("only-if-cached", FRESH, Reuse, id="only if cached, fresh"),
        pytest.param("only-if-cached", STALE, Refuse, id="only if cached, stale"),
        pytest.param("only-if-cached, max-stale=7", STALE, Reuse, id="only if cached, stale, and that is allowed"),
    ],
)
def test_how_old_an_entry_may_be(control: str, plan: Plan, ends: type) -> None:
    answers = [BODY, entry(key=KEY), *([head()] if ends is Relay else [])]
    assert isinstance(play(inference_flow(*asking(control, plan), NOW), *answers).outcome, ends)


def test_no_cache_does_not_look_and_stores() -> None:
    effects, outcome = play(inference_flow(*asking("no-cache", FRESH), NOW), BODY, head())
    assert effects == [ReadBody(), Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    assert outcome.status == CacheStatus(fwd="request", fwd_status=200, key=KEY, detail="no-cache")


def test_no_store_neither_looks_nor_stores() -> None:
    effects, outcome = play(inference_flow(*asking("no-store", FRESH), NOW), head())
    assert effects == [Forward()]
    assert outcome == Relay(CacheStatus(fwd="bypass", fwd_status=200, detail="no-store"))


@pytest.mark.parametrize("body", [BODY, b'{"stream":true}'])
def test_only_if_cached_never_leaves(body: bytes) -> None:
    answers = [body] if b"stream" in body else [body, None]
    assert isinstance(play(inference_flow(*asking("only-if-cached", FRESH), NOW), *answers).outcome, Refuse)


# -- when upstream fails -----------------------------------------------------------------------------------------------------

HELPED = Plan(ttl=3.0, stale_if_error=7.0)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_stale_entry_stands_in_for_an_error(status: int) -> None:
    effects, outcome = play(inference_flow(SENT, HELPED, NOW), BODY, entry(key=KEY), head(status))
    assert effects == [*LOOK, Forward()]
    assert outcome == Reuse(entry(key=KEY), CacheStatus(hit=True, ttl=-7.0, key=KEY, detail="stale-if-error"), 10.0)


@pytest.mark.parametrize(
    ("plan", "found", "status"),
    [
        pytest.param(STALE, entry(), 500, id="not asked for"),
        pytest.param(Plan(ttl=3.0, stale_if_error=6.9), entry(), 500, id="too stale"),
        pytest.param(HELPED, None, 500, id="no entry"),
        pytest.param(HELPED, entry(), 400, id="the request's own fault"),
        pytest.param(HELPED, entry(), 404, id="not found"),
        pytest.param(HELPED, entry(), 200, id="no error"),
    ],
)
def test_an_error_that_is_passed_on(plan: Plan, found: Any, status: int) -> None:
    outcome = play(inference_flow(SENT, plan, NOW), BODY, found, head(status)).outcome
    assert isinstance(outcome, Relay)
    assert outcome.status.fwd_status == status


@pytest.mark.parametrize(("plan", "helped"), [(HELPED, True), (STALE, False)])
def test_a_connection_that_fails(plan: Plan, helped: bool) -> None:
    flow = inference_flow(SENT, plan, NOW)
    next(flow)
    flow.send(BODY)
    flow.send(entry(key=KEY))
    flow.send(None)  # it leads
    with pytest.raises(StopIteration if helped else OSError) as raised:
        flow.throw(OSError("connection refused"))
    if isinstance(raised.value, StopIteration):
        assert raised.value.value.status.detail == "stale-if-error"
    else:
        assert str(raised.value) == "connection refused"


# -- rules -------------------------------------------------------------------------------------------------------------------

SEARCH = ask("https://h/v1/search")


@pytest.mark.parametrize(
    ("rules", "incoming", "bodies", "reason"),
    [
        pytest.param([Rule(path="*/chat/*", cache=False)], SENT, [BODY], "rule", id="closed"),
        pytest.param([Rule(model="m", cache=False)], SENT, [BODY], "rule", id="closed to a model"),
        pytest.param([Rule(model="n", cache=False)], SENT, [BODY], None, id="closed to another model"),
        pytest.param([Rule(model="m"), Rule(cache=False)], SENT, [BODY], None, id="the first decides"),
        pytest.param([Rule(path="*/search")], SEARCH, [BODY], None, id="opened"),
        pytest.param([Rule(path="*/search", model="n")], SEARCH, [BODY], "no-rule", id="opened for another model"),
        pytest.param([Rule(path="*/search", cache=False)], SEARCH, [], "rule", id="closed, and unknown"),
        pytest.param([Rule()], SEARCH, [], "no-rule", id="names no path, so it opens none"),
        pytest.param([Rule(path="*/search")], SEARCH, [b'{"stream":true}'], "stream", id="opened, and a stream"),
        pytest.param([Rule(path="*/search")], SEARCH, [b""], None, id="opened, and no body"),
    ],
)
def test_rules(rules: list[Rule], incoming: Request, bodies: list[bytes], reason: str | None) -> None:
    plan = Plan(rules=tuple(rules))
    if reason is None:
        assert isinstance(play(inference_flow(incoming, plan, NOW), *bodies, None, head()).outcome, Relay)
    else:
        flow = inference_flow(incoming, plan, NOW)
        effects = [next(flow), *(flow.send(body) for body in bodies)]
        assert effects == [*([ReadBody()] if bodies else []), Forward()]


@pytest.mark.parametrize(
    ("plan", "reused"),
    [
        pytest.param(Plan(ttl=60.0, rules=(Rule(ttl=5),)), False, id="shorter than the cache's"),
        pytest.param(Plan(ttl=5.0, rules=(Rule(ttl=60),)), True, id="longer than the cache's"),
        pytest.param(Plan(ttl=5.0, rules=(Rule(ttl=None),)), True, id="for ever"),
        pytest.param(Plan(ttl=60.0, rules=(Rule(model="n", ttl=5),)), True, id="of another model"),
        pytest.param(Plan(ttl=60.0, rules=(Rule(ttl=60),), call_ttl=5.0), False, id="the call's own wins"),
        pytest.param(Plan(ttl=5.0, call_ttl=None), True, id="the call's own is for ever"),
    ],
)
def test_whose_ttl_is_in_force(plan: Plan, reused: bool) -> None:
    outcome = play(inference_flow(SENT, plan, NOW), BODY, entry(key=KEY), *([] if reused else [head()])).outcome
    assert isinstance(outcome, Reuse) is reused


def test_a_draw_of_its_own() -> None:
    assert looked_up(Plan(sample=2)) == make_key("POST", CHAT, {}, BODY, sample=2)


def test_a_key_that_cannot_be_made_is_no_reason_to_fail() -> None:
    def normalize(body: object) -> object:
        raise KeyError(body)

    effects, outcome = play(inference_flow(SENT, Plan(key=KeyOptions(normalize=normalize)), NOW), BODY, head())
    assert effects == [ReadBody(), Forward()]
    assert outcome == Relay(CacheStatus(fwd="bypass", fwd_status=200, detail="normalize-error"), model="m")


# -- what others are sending already, and GETs that a rule caches --------------------------------------------------------


@pytest.mark.parametrize(("found", "fwd"), [(None, "miss"), (entry(key=KEY), "stale")])
def test_an_answer_that_another_call_stored_is_reused(found: Any, fwd: str) -> None:
    shared = entry(key=KEY, stored_at=NOW)
    effects, outcome = play(inference_flow(SENT, STALE, NOW), BODY, found, shared=shared)
    assert effects == LOOK
    assert outcome == Reuse(shared, CacheStatus(fwd=fwd, collapsed=True, key=KEY), 0.0)


GETS = Plan(ttl=60.0, rules=(Rule(method="GET", path="*/search"),))


def searched(**fields: str) -> Entry:
    summary = RequestSummary("GET", "https://h/v1/search", "rule", None, fields)
    headers = ((b"content-type", b"application/json"), (b"vary", b"Accept-Language, X-Plan"))
    return entry(summary=summary.to_bytes(), headers=headers)


@pytest.mark.parametrize(
    ("found", "reused"),
    [
        pytest.param(searched(**{"accept-language": "de"}), True, id="selected by these headers"),
        pytest.param(searched(**{"accept-language": "en"}), False, id="selected by other headers"),
        pytest.param(searched(), False, id="selected without them"),
    ],
)
def test_a_get_that_a_rule_caches_is_answered_by_the_representation_that_its_headers_select(found: Entry, reused: bool) -> None:
    request = ask("https://h/v1/search", "GET", {"accept-language": "de"})
    outcome = play(inference_flow(request, GETS, NOW), b"", found, *([] if reused else [head()])).outcome
    assert isinstance(outcome, Reuse) is reused


def test_a_get_whose_answer_varies_on_everything_is_not_stored() -> None:
    request = ask("https://h/v1/search", "GET")
    outcome = play(inference_flow(request, GETS, NOW), b"", None, head(headers={"vary": "*"})).outcome
    assert isinstance(outcome, Relay)
    assert (outcome.recorder, outcome.status.detail) == (None, "vary")
    assert play(inference_flow(SENT, FRESH, NOW), BODY, None, head(headers={"vary": "*"})).outcome.recorder is not None


# -- budgets, and options that are wrong -----------------------------------------------------------------------------------


def test_a_call_that_a_budget_denies_is_not_sent() -> None:
    denied = Denial(EXCEEDED, "It is spent.")
    effects, outcome = play(inference_flow(SENT, Plan(is_budgeted=True), NOW), BODY, None, denied)
    assert effects == [*LOOK, Admit("chat", "m")]
    assert outcome == Refuse(CacheStatus(fwd="miss", key=KEY, detail=EXCEEDED), "It is spent.", model="m")


def test_a_bypass_counts_in_budgets_too() -> None:
    flow = inference_flow(SENT, Plan(is_budgeted=True, mode=Mode.OFF), NOW)
    effects, outcome = play(flow, BODY, Denial(EXCEEDED, "It is spent."))
    assert effects == [ReadBody(), Admit("chat", "m")]
    assert isinstance(outcome, Refuse)
    effects, outcome = play(inference_flow(SENT, Plan(is_budgeted=True, mode=Mode.OFF), NOW), BODY, None, head())
    assert effects == [ReadBody(), Admit("chat", "m"), Forward()]
    assert isinstance(outcome, Relay)
    assert (outcome.status.detail, outcome.recorder, outcome.meter is not None) == ("off", None, True)


def test_a_wrong_option_is_refused_before_anything_else() -> None:
    effects, outcome = play(config_error_flow("ttl must be a duration"))
    assert effects == []
    assert outcome == Refuse(CacheStatus(fwd="bypass", detail="config-error"), "wirecache: ttl must be a duration. Nothing was sent.")
