"""The flow of one exchange, played by hand: what it asks for, in which order, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import ANSWER, CHAT, WHOLE, ask, entry, head, play
from wirecache import KeyOptions, make_key
from wirecache._core.effects import Forward, Lookup, ReadBody, Refuse, Relay, Reuse
from wirecache._core.exchange import exchange
from wirecache._core.keys import http_key
from wirecache._core.messages import Request
from wirecache._core.plan import MAX_BODY, Mode, Plan, for_call
from wirecache._core.status import CacheStatus

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
    effects, outcome = play(exchange(SENT, plan, NOW), BODY, found)
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
    effects, outcome = play(exchange(SENT, plan, NOW), BODY, *looked, head())
    assert effects == [*LOOK[: 1 + len(looked)], Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.status == CacheStatus(fwd=fwd, fwd_status=200, key=KEY, detail=detail)
    assert outcome.recorder is not None


def test_offline_refuses_what_it_does_not_have() -> None:
    effects, outcome = play(exchange(SENT, mode("offline"), NOW), BODY, None)
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


@pytest.mark.parametrize(("asked", "bodies", "reason", "plan"), BYPASSES)
def test_bypass(asked: Request, bodies: list[bytes], reason: str, plan: Plan) -> None:
    looks = [Lookup(http_key(asked))] if reason == "no-rule" else []  # an accepted change makes the GET of its URL invalid
    effects, outcome = play(exchange(asked, plan, NOW), *bodies, head(201), *(None for _ in looks))
    assert effects == [*([ReadBody()] if bodies else []), Forward(), *looks]
    assert outcome == Relay(CacheStatus(fwd="bypass", fwd_status=201, detail=reason))


@pytest.mark.parametrize(("asked", "bodies", "reason", "plan"), [row for row in BYPASSES if row.id != "off"])
def test_bypass_offline(asked: Request, bodies: list[bytes], reason: str, plan: Plan) -> None:
    effects, outcome = play(exchange(asked, mode("offline"), NOW), *bodies)
    assert Forward() not in effects
    assert isinstance(outcome, Refuse)
    assert outcome.status == CacheStatus(fwd="miss", detail="only-if-cached")


def test_refresh_bypasses_too() -> None:
    assert play(exchange(SENT, mode("refresh"), NOW), b'{"stream":true}', head()).outcome.status.fwd == "bypass"


def test_a_large_body_without_a_declared_length_is_not_stored() -> None:
    plan = Plan(max_body=10_000_000)
    effects, _ = play(exchange(SENT, plan, NOW), b'{"a":"%b"}' % (b"x" * 10_000_000), head())
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
    effects, outcome = play(exchange(SENT, STALE, NOW), BODY, found, answer)
    assert effects == [*LOOK, Forward()]
    assert outcome == Relay(CacheStatus(fwd=fwd, fwd_status=answer.status, key=KEY, detail=reason))


def test_what_is_recorded() -> None:
    outcome = play(exchange(SENT, FRESH, NOW), BODY, None, head()).outcome
    assert isinstance(outcome, Relay)
    recorder = outcome.recorder
    assert recorder is not None
    for chunk in (WHOLE[:20], WHOLE[20:]):
        recorder.feed(chunk)
    recorder.end()
    assert recorder.why_not(bytes) is None
    made = recorder.entry(NOW, 0.25)
    assert (made.key, made.body, made.stored_at, made.seconds, made.ttl) == (KEY, WHOLE, NOW, 0.25, False)
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
    outcome = play(exchange(SENT, FRESH, NOW), BODY, None, head()).outcome
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    outcome.recorder.feed(json.dumps({**ANSWER, **change}).encode())
    outcome.recorder.end()
    assert outcome.recorder.why_not(bytes) == reason
    assert outcome.status.settled(reason).header(200) == f'wirecache; fwd=miss; key="{KEY}"; detail={reason}'


def test_an_answer_that_is_too_large() -> None:
    outcome = play(exchange(SENT, Plan(max_body=100), NOW), BODY, None, head()).outcome
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    outcome.recorder.feed(b"x" * 101)
    outcome.recorder.end()
    assert outcome.recorder.why_not(bytes) == "too-large"


# -- the key ---------------------------------------------------------------------------------------------------------------


def looked_up(plan: Plan, body: bytes = BODY, asked: Request = SENT) -> str:
    return next(effect.key for effect in play(exchange(asked, plan, NOW), body, None, head()).effects if isinstance(effect, Lookup))


def test_the_plan_counts_in_the_key() -> None:
    options = KeyOptions(ignore_body=("/user",))
    assert looked_up(Plan(namespace="a")) == make_key("POST", CHAT, {}, BODY, namespace="a")
    assert looked_up(Plan(key=options), b'{"user":1}') == make_key("POST", CHAT, {}, b'{"user":2}', options=options)
    assert looked_up(Plan(mode=Mode.AUTO, ttl=1.0)) == looked_up(Plan(mode=Mode.AUTO, ttl=None)) == KEY


def test_callers_share_answers_unless_told_not_to() -> None:
    other = ask(headers={"authorization": "Bearer another"})
    apart = Plan(key=KeyOptions(credentials=True))
    assert looked_up(FRESH) == looked_up(FRESH, asked=other)
    assert looked_up(apart) != looked_up(apart, asked=other)


def test_a_body_that_is_no_json_is_looked_up_too() -> None:
    assert looked_up(FRESH, b'{"a":1,"a":1}') == make_key("POST", CHAT, {}, b'{"a":1,"a":1}')


@pytest.mark.parametrize("directive", ["no-store", "no-cache", "max-age=0"])
def test_a_request_that_wants_it_live_is_not_reused(directive: str) -> None:
    asked = ask(headers={"cache-control": directive})
    flow = exchange(asked, for_call(FRESH, asked, None, None), NOW)
    effect, answers = next(flow), {ReadBody: BODY, Lookup: entry(key=KEY)}
    while not isinstance(effect, Forward):
        effect = flow.send(answers[type(effect)])  # StopIteration: it was reused
