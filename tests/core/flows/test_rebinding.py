"""An answer quotes the directory of this run, not that of the run in which it was recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import CHAT, ask, entry, head, play
from wirecache import KeyOptions
from wirecache._core.flows.effects import COMPUTE, Compute, Flow, Forward, ReadBody, Relay, Reuse
from wirecache._core.flows.inference import inference_flow
from wirecache._core.flows.rebinding import rebinding_flow, rebound
from wirecache._core.keys.canonical import KEPT_WHOLE, parse_body
from wirecache._core.keys.keys import make_key
from wirecache._core.messages import Entry, Request, RequestSummary
from wirecache._core.rules.plan import Plan
from wirecache._core.status import CacheStatus

NOW = 1010.0
OPTIONS = KeyOptions(normalize="coding-agent")
PLAN = Plan(key=OPTIONS, collapse=False)


def body(place: str, more: str = "") -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": f"I work in {place}.{more}"}]}).encode()


def stored(quoted: str, sent: bytes, **summary: Any) -> Entry:
    answer = {"choices": [{"finish_reason": "stop", "message": {"content": f"In {quoted}"}}]}
    key = make_key("POST", CHAT, {}, sent, options=OPTIONS)
    made = RequestSummary("POST", CHAT, "chat", "m", {}, **summary).to_bytes()
    return entry(key=key, body=json.dumps(answer).encode(), request_body=sent if not summary else b"{}", summary=made)


def text(found: Entry) -> str:
    content: str = found.json()["choices"][0]["message"]["content"]
    return content


def flow(plan: Plan = PLAN) -> Flow:
    return rebinding_flow(inference_flow, ask(), plan, NOW)


def test_the_answer_names_the_directory_of_this_run() -> None:
    found = stored("/tmp/a/x", body("/tmp/a"))
    effects, outcome = play(flow(), body("/tmp/b"), found, body("/tmp/b"))
    assert isinstance(outcome, Reuse)
    assert text(outcome.entry) == "In /tmp/b/x"
    assert (outcome.status.hit, outcome.status.detail, outcome.entry.key) == (True, "rebound", found.key)
    assert isinstance(effects[-1], ReadBody)


def test_what_is_not_changed_is_the_entry_itself() -> None:
    for quoted, place in (("/tmp/a", "/tmp/a"), ("/tmp/c", "/tmp/b")):
        found = stored(quoted, body("/tmp/a"))
        outcome = play(flow(), body(place), found, body(place)).outcome
        assert isinstance(outcome, Reuse)
        assert outcome.entry is found
        assert outcome.status.detail is None


def test_a_value_that_also_counts_is_left_alone() -> None:
    more = " The id is <01a22391-7dc0-75a1-886e-000000000001>"
    found = stored("/tmp/a", sent := body("/tmp/a", more)[:-1] + b', "x /tmp/a": 1}')
    outcome = play(flow(), here := sent.replace(b"in /tmp/a", b"in /tmp/b"), found, here).outcome
    assert isinstance(outcome, Reuse)
    assert outcome.entry is found


def test_much_is_searched_where_it_holds_no_loop() -> None:
    long = " x" * 20_000
    found = stored("/tmp/a", body("/tmp/a", long))
    effects, outcome = play(flow(), body("/tmp/b", long), found, body("/tmp/b", long), {})
    assert effects[-1] == COMPUTE
    assert isinstance(effects[-1], Compute)
    assert isinstance(outcome, Reuse)
    assert text(outcome.entry) == "In /tmp/b"


def test_of_a_large_request_the_values_are_kept() -> None:
    large = body("/tmp/a", " x" * KEPT_WHOLE)
    effects, outcome = play(flow(), large, None, head())
    assert isinstance(effects[-1], Forward)
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    kept = outcome.recorder.entry(NOW, 1.0).request
    assert (kept.whole, kept.left_out) == (False, [["/messages/0/content#0", "/tmp/a"]])
    found = stored("/tmp/a", large, whole=False, left_out=kept.left_out)
    reuse = Reuse(found, CacheStatus(hit=True, detail="stale-if-error"), 1.0)
    made = rebound(reuse, parse_body(body("/tmp/b", " x" * KEPT_WHOLE)), OPTIONS)
    assert text(made.entry) == "In /tmp/b"
    assert made.status.detail == "stale-if-error"


def test_a_small_request_says_it_itself() -> None:
    outcome = play(flow(), body("/tmp/a"), None, head()).outcome
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    assert outcome.recorder.entry(NOW, 1.0).request.left_out == ()


@pytest.mark.parametrize("keys", [(), ("a", "b")])
def test_what_is_composed_of_several_entries_is_left_alone(keys: tuple[str, ...]) -> None:
    found = stored("/tmp/a", body("/tmp/a"))

    def composed(request: Request, plan: Plan, now: float) -> Flow:
        return Reuse(found, CacheStatus(hit=True), 1.0, keys=keys)
        yield

    answers = [] if keys else [body("/tmp/b")]
    outcome = play(rebinding_flow(composed, ask(), PLAN, NOW), *answers).outcome
    assert isinstance(outcome, Reuse)
    assert (outcome.entry is found) is bool(keys)
