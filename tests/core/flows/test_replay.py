"""The flow of one exchange on a cassette, played by hand: what it asks for, in which order, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.play import CHAT, ask, entry, head, play
from wirecache import KeyOptions, make_key
from wirecache._core.flows.effects import Admit, Forward, Lookup, ReadBody, Refuse, Relay, Reuse
from wirecache._core.flows.replay import replay_flow
from wirecache._core.flows.spending import EXCEEDED, Denial
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.redacted_request import redacted_request
from wirecache._core.mcp_session import SESSION, McpSession
from wirecache._core.messages import Head, Request
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.privacy.session_redactor import SessionRedactor
from wirecache._core.rules.fork import ForkPoint
from wirecache._core.rules.plan import Mode, Plan, for_call
from wirecache._core.rules.record_modes import CassettePlan, RecordMode
from wirecache.errors import CassetteError

NOW = 1010.0
SECRET = "sk-" + "proj-" + "aB3dE5gH7jK9mN1pQ2sT4vW6"  # put together here, so that no scanner rings
BODY = b'{"model":"m","messages":[]}'
KEY = make_key("POST", CHAT, {}, BODY)
SENT = ask(headers={"authorization": "Bearer s3cr3t"})
LOOK = [ReadBody(), Lookup(KEY)]
SSE = {"content-type": "text/event-stream"}
MODES = list(RecordMode)
PLAYING = [mode for mode in MODES if not mode.replaces]
REPLACING = [mode for mode in MODES if mode.replaces]


def on(
    record_mode: RecordMode | str, *, existed: bool = True, verify: bool = False, redactor: Redactor | None = None, **options: Any
) -> Plan:
    """The plan of a cassette."""
    tape = CassettePlan(RecordMode(record_mode), existed, redactor or Redactor(), "cassettes/one", "run it with X", verify)
    return Plan(ttl=None, cassette=tape, **options)


@pytest.mark.parametrize("mode", PLAYING)
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS"])
def test_what_is_recorded_is_played_whatever_the_method(mode: RecordMode, method: str) -> None:
    sent = ask("https://h/v1/batches/b1", method)
    key = make_key(method, "https://h/v1/batches/b1")
    found = entry(key=key, status=404)
    effects, outcome = play(replay_flow(sent, on(mode), NOW), b"", found)
    assert effects == [ReadBody(), Lookup(key)]
    assert isinstance(outcome, Reuse)
    assert (outcome.entry, outcome.age, outcome.status.hit, outcome.status.ttl) == (found, 10.0, True, None)


@pytest.mark.parametrize(("mode", "existed"), [("once", False), ("new_episodes", False), ("new_episodes", True)])
def test_what_is_not_recorded_is_recorded(mode: str, existed: bool) -> None:
    effects, outcome = play(replay_flow(SENT, on(mode, existed=existed), NOW), BODY, None, head())
    assert effects == [*LOOK, Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    assert (outcome.status.fwd, outcome.status.fwd_status, outcome.status.key) == ("miss", 200, KEY)
    made = outcome.recorder.recording
    assert (made.key, made.endpoint, made.model, made.everything, made.stream, made.inference) == (KEY, "chat", "m", True, False, True)


@pytest.mark.parametrize("mode", REPLACING)
def test_what_replaces_is_sent_without_a_look(mode: RecordMode) -> None:
    effects, outcome = play(replay_flow(SENT, on(mode), NOW), BODY, head())
    assert effects == [ReadBody(), Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.status.fwd == "request"


@pytest.mark.parametrize(
    ("mode", "existed"), [pytest.param("none", True, id="none"), pytest.param("none", False, id="none, new"), ("once", True)]
)
def test_what_may_not_be_recorded_is_refused(mode: str, existed: bool) -> None:
    effects, outcome = play(replay_flow(SENT, on(mode, existed=existed), NOW), BODY, None)
    assert effects == LOOK
    assert isinstance(outcome, Refuse)
    assert (outcome.status.fwd, outcome.status.detail, outcome.status.key) == ("miss", "only-if-cached", KEY)
    assert outcome.body == parse_body(BODY)
    for part in ("cassettes/one", f"POST {CHAT}", "model 'm'", f"record mode {mode}", "Nothing was sent", "run it with X"):
        assert part in outcome.message


@pytest.mark.parametrize("status", [200, 204, 206, 301, 307, 400, 404, 429, 500, 503])
def test_every_status_is_recorded(status: int) -> None:
    _, outcome = play(replay_flow(SENT, on("all"), NOW), BODY, head(status, {"cache-control": "no-store"}))
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None


def test_a_stream_is_known_by_its_answer() -> None:
    _, outcome = play(replay_flow(SENT, on("all"), NOW), BODY, head(200, SSE))
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    assert outcome.recorder.recording.stream


def test_a_head_has_no_body() -> None:
    _, outcome = play(replay_flow(ask(method="HEAD"), on("all"), NOW), b"", head(200, {"content-length": "9"}))
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    assert outcome.recorder.recording.bodyless


# -- what was said for the one call -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("control", [None, "only-if-cached"])
def test_offline_nothing_is_sent(mode: RecordMode, verify: bool, control: str | None) -> None:
    plan = on(mode, existed=False, verify=verify)
    sent = SENT._replace(fields={**SENT.fields, b"cache-control": control.encode()}) if control else SENT
    plan = for_call(plan, sent, None, None) if control else replace(plan, mode=Mode.OFFLINE)
    found = entry(key=KEY)
    effects, outcome = play(replay_flow(sent, plan, NOW), BODY, found)
    assert effects == LOOK
    assert isinstance(outcome, Reuse)
    effects, outcome = play(replay_flow(sent, plan, NOW), BODY, None)
    assert effects == LOOK
    assert isinstance(outcome, Refuse)


def test_offline_on_a_cassette_that_records_is_said_to_be_the_cause() -> None:
    _, outcome = play(replay_flow(SENT, on("new_episodes", mode=Mode.OFFLINE), NOW), BODY, None)
    assert isinstance(outcome, Refuse)
    assert "offline" in outcome.message


@pytest.mark.parametrize("control", ["no-cache", "max-age=0"])
@pytest.mark.parametrize("mode", ["auto", "refresh"])
def test_nothing_lets_a_request_out_of_mode_none(control: str, mode: str) -> None:
    sent = SENT._replace(fields={b"cache-control": control.encode()})
    plan = for_call(on("none", mode=Mode(mode)), sent, None, None)
    effects, outcome = play(replay_flow(sent, plan, NOW), BODY, None)
    assert (effects, type(outcome)) == (LOOK, Refuse)
    assert isinstance(play(replay_flow(sent, plan, NOW), BODY, entry(key=KEY)).outcome, Reuse)


@pytest.mark.parametrize(("control", "mode"), [("no-store", "auto"), ("no-store", "refresh"), ("max-age=0", "off")])
def test_what_is_left_alone_is_sent_without_a_look(control: str, mode: str) -> None:
    sent = SENT._replace(fields={b"cache-control": control.encode()})
    plan = for_call(on("none", mode=Mode(mode)), sent, None, None)
    effects, outcome = play(replay_flow(sent, plan, NOW), Head(200, {}, ()))
    assert effects == [Forward()]
    assert isinstance(outcome, Relay)
    assert (outcome.recorder, outcome.status.fwd) == (None, "bypass")


UPGRADE = ask("https://h/v1/realtime", "GET", {"upgrade": "websocket"})
LARGE = ask(headers={"content-length": "99999999"})


LISTENING = ask("https://h/mcp", "GET", {"accept": "application/json, text/event-stream", "mcp-session-id": "s"})


@pytest.mark.parametrize("sent", [UPGRADE, LARGE, LISTENING], ids=["upgrade", "large", "listening"])
@pytest.mark.parametrize(
    ("plan", "leaves"),
    [
        pytest.param(on("none"), False, id="none"),
        pytest.param(on("once"), False, id="once, existed"),
        pytest.param(on("once", existed=False), True, id="once, new"),
        pytest.param(on("new_episodes"), True, id="new_episodes"),
        pytest.param(on("all"), True, id="all"),
        pytest.param(on("all", mode=Mode.OFFLINE), False, id="all, offline"),
        pytest.param(on("none", verify=True), True, id="verify"),
    ],
)
def test_what_cannot_be_recorded(sent: Request, plan: Plan, leaves: bool) -> None:
    flow = replay_flow(sent, plan, NOW)
    if leaves:
        effects, outcome = play(flow, head())
        assert effects == [Forward()]
        assert isinstance(outcome, Relay)
        assert outcome.recorder is None
        assert outcome.status.fwd == "bypass"
    else:
        effects, outcome = play(flow)
        assert (effects, type(outcome)) == ([], Refuse)


# -- when something is wrong ------------------------------------------------------------------------------------------


def test_a_recording_that_cannot_be_read_is_told_and_nothing_is_sent() -> None:
    flow = replay_flow(SENT, on("new_episodes"), NOW)
    assert [next(flow), flow.send(BODY)] == LOOK
    with pytest.raises(StopIteration) as stopped:
        flow.throw(CassetteError("one.json is damaged"))
    outcome = stopped.value.value
    assert isinstance(outcome, Refuse)
    assert outcome.message.startswith("one.json is damaged. Nothing was sent")
    assert outcome.status.detail == "cassette-error"


@pytest.mark.parametrize("mode", MODES)
def test_a_normalize_that_raises_is_told_and_nothing_is_sent(mode: RecordMode) -> None:
    def normalize(body: Any) -> Any:
        raise KeyError("missing")

    effects, outcome = play(replay_flow(SENT, on(mode, key=KeyOptions(normalize=normalize)), NOW), BODY)
    assert effects == [ReadBody()]
    assert isinstance(outcome, Refuse)
    assert "KeyError('missing')" in outcome.message
    assert outcome.status.detail == "normalize-error"


# -- verify -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_verify_sends_everything(mode: RecordMode) -> None:
    effects, outcome = play(replay_flow(SENT, on(mode, verify=True), NOW), BODY, head())
    assert effects == [ReadBody(), Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None


# -- the key is made of the redacted request --------------------------------------------------------------------------


def key_of_flow(sent: Request, body: bytes, plan: Plan) -> str:
    _, outcome = play(replay_flow(sent, plan, NOW), body, None)
    assert isinstance(outcome, Refuse)
    assert outcome.status.key is not None
    return outcome.status.key


JSON_TYPE = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    ("url", "headers", "body"),
    [
        pytest.param("https://h/v1/{}/x", {}, b"", id="path"),
        pytest.param("https://h/v1/x?q={}", {}, b"", id="query"),
        pytest.param("https://h/v1/x?api_key={}", {}, b"", id="credential in the query"),
        pytest.param(CHAT, JSON_TYPE, b'{"api_key":"{}"}', id="member"),
        pytest.param(CHAT, JSON_TYPE, b'{"messages":[{"content":"it is {} you know"}]}', id="prompt"),
        pytest.param(CHAT, FORM, b"a=1&t={}", id="form"),
        pytest.param(CHAT, MULTIPART, b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n{}\r\n--b--\r\n', id="part"),
        pytest.param(CHAT, {"content-type": "text/plain"}, b"it is {}", id="text"),
        pytest.param(CHAT, {"openai-beta": "{}"}, b"{}", id="header that counts"),
    ],
)
def test_another_secret_has_the_same_key(url: str, headers: dict[str, str], body: bytes) -> None:
    keys = set()
    for secret in (SECRET, SECRET[:-8] + "zzzzzzzz"):
        filled = {name: value.replace("{}", secret) for name, value in headers.items()}
        sent = ask(url.replace("{}", secret), headers=filled)
        keys.add(key_of_flow(sent, body.replace(b"{}", secret.encode()), on("none")))
    assert len(keys) == 1


def test_what_is_no_secret_still_counts() -> None:
    keys = {key_of_flow(SENT, b'{"messages":["%d"]}' % number, on("none")) for number in range(3)}
    assert len(keys) == 3


def test_patterns_of_the_user() -> None:
    plan = on("none", redactor=Redactor(patterns=[r"customer-\d+"]))
    one, other = (key_of_flow(ask(f"https://h/customer-{n}/x"), b'{"who":"customer-%d"}' % n, plan) for n in (1, 22))
    assert one == other
    _, outcome = play(replay_flow(ask("https://h/customer-1/x"), plan, NOW), b'{"who":"customer-1"}', None)
    assert isinstance(outcome, Refuse)
    assert "customer-1" not in outcome.message
    assert outcome.body is not None
    assert outcome.body.value == {"who": "REDACTED"}


def test_a_header_that_the_user_made_count_is_redacted_too() -> None:
    plan = on("none", key=KeyOptions(headers=("x-session",)))
    one, other, plain = (
        key_of_flow(ask(headers={"x-session": value}), b"{}", plan) for value in (SECRET, SECRET[:-8] + "zzzzzzzz", "plain")
    )
    assert one == other != plain


@pytest.mark.parametrize("body", [b"", b"{}", b"a=1", b"\xff\xfe", b'{"a":1,"a":2}', b'{"a":"b"}'])
def test_a_request_without_secrets_stays_as_it_is(body: bytes) -> None:
    parsed = parse_body(body)
    assert redacted_request(SENT, parsed, Redactor()) == (SENT, parsed)


def test_a_body_that_turns_out_too_large_is_neither_recorded_nor_sent_where_nothing_is() -> None:
    plan = on("once", existed=False, max_body=len(BODY) - 1)
    effects, outcome = play(replay_flow(SENT, plan, NOW), BODY, head())
    assert effects == [ReadBody(), Forward()]
    assert isinstance(outcome, Relay)
    assert (outcome.recorder, outcome.status.detail) == (None, "body-size")
    effects, outcome = play(replay_flow(SENT, on("none", max_body=len(BODY) - 1), NOW), BODY)
    assert effects == [ReadBody()]
    assert isinstance(outcome, Refuse)
    assert "larger than the cache holds" in outcome.message


# -- a session that learned secrets, forks, MCP, verification and budgets ---------------------------------------------------


def test_what_was_recorded_before_the_session_knew_a_secret_is_found() -> None:
    session = SessionRedactor(Redactor())
    session.value({"password": "hunter2"})
    body = b'{"messages":["it is hunter2"]}'
    before = make_key("POST", CHAT, {}, body)
    found = entry(key=before)
    effects, outcome = play(replay_flow(SENT, on("none", redactor=session), NOW), body, None, found)
    assert effects == [ReadBody(), Lookup(make_key("POST", CHAT, {}, b'{"messages":["it is REDACTED"]}')), Lookup(before)]
    assert isinstance(outcome, Reuse)
    assert outcome.entry is found


def test_a_fork_replays_until_a_request_differs_and_then_goes_live() -> None:
    fork = ForkPoint()
    plan = on("new_episodes")
    assert plan.cassette is not None
    plan = replace(plan, cassette=plan.cassette._replace(fork=fork))
    assert isinstance(play(replay_flow(SENT, plan, NOW), BODY, entry(key=KEY)).outcome, Reuse)
    assert play(replay_flow(SENT, plan, NOW), BODY, None, head()).effects == [*LOOK, Forward()]
    assert (fork.live_from, fork.reason) == (2, "differs")
    assert play(replay_flow(SENT, plan, NOW), BODY, head()).effects == [ReadBody(), Forward()]


def test_a_cassette_that_verifies_sends_all_and_looks_at_nothing() -> None:
    effects, outcome = play(replay_flow(SENT, on("none", verify=True), NOW), BODY, head())
    assert effects == [ReadBody(), Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.status.fwd == "request"


MCP_URL = "https://h/mcp"
MCP = {"accept": "application/json, text/event-stream", "content-type": "application/json", "mcp-session-id": "s"}


def test_the_stream_of_a_servers_own_messages_is_not_recorded() -> None:
    listening = ask(MCP_URL, "GET", MCP)
    effects, outcome = play(replay_flow(listening, on("new_episodes"), NOW), head())
    assert effects == [Forward()]
    assert outcome.status.detail == "listening"
    outcome = play(replay_flow(listening, on("none"), NOW)).outcome
    assert isinstance(outcome, Refuse)
    assert outcome.status.detail == "listening"
    replayed = ask(MCP_URL, "GET", {**MCP, "mcp-session-id": SESSION.decode()})
    assert isinstance(play(replay_flow(replayed, on("new_episodes"), NOW)).outcome, Refuse), "no server knows that session"


def test_the_end_of_a_session_that_was_only_replayed_is_not_sent() -> None:
    ending = ask(MCP_URL, "DELETE", {**MCP, "mcp-session-id": SESSION.decode()})
    outcome = play(replay_flow(ending, on("new_episodes"), NOW), b"", None).outcome
    assert isinstance(outcome, Refuse)
    assert outcome.status.detail == "session-end"
    own = ask(MCP_URL, "DELETE", MCP)
    assert isinstance(play(replay_flow(own, on("new_episodes"), NOW), b"", None, head()).outcome, Relay)


def test_a_recorded_call_has_the_id_of_its_request() -> None:
    plan = on("none")
    assert plan.cassette is not None
    plan = replace(plan, cassette=plan.cassette._replace(mcp=McpSession()))
    sent = b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {}}'
    recorded = entry(body=b'{"jsonrpc":"2.0","id":1,"result":{}}', request_body=sent.replace(b"7", b"1"))
    outcome = play(replay_flow(ask(MCP_URL, headers=MCP), plan, NOW), sent, recorded).outcome
    assert isinstance(outcome, Reuse)
    assert outcome.entry.json() == {"jsonrpc": "2.0", "id": 7, "result": {}}


def test_a_call_that_a_budget_denies_is_not_recorded() -> None:
    plan = replace(on("new_episodes"), is_budgeted=True)
    effects, outcome = play(replay_flow(SENT, plan, NOW), BODY, None, Denial(EXCEEDED, "It is spent."))
    assert effects == [*LOOK, Admit("chat", "m")]
    assert isinstance(outcome, Refuse)
    assert outcome.status.detail == EXCEEDED
