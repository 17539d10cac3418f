"""Around a ``Forward``: the flows ask for admission, and measure what nothing else measures. Played by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.core.play import ANSWER, CHAT, JSON, ask, entry, head, play
from wirecache._core.flows.effects import Admit, Forward, Lookup, ReadBody, Refuse, Relay, Reuse
from wirecache._core.flows.inference import bypass_flow, inference_flow
from wirecache._core.flows.recorder import Decoded
from wirecache._core.flows.refusal import refusal
from wirecache._core.flows.spending import EXCEEDED, Denial
from wirecache._core.messages import Usage
from wirecache._core.rules.plan import Mode, Plan
from wirecache._core.rules.rules import Rule

PLAN = Plan(is_budgeted=True)
BODY = json.dumps({"model": "m", "messages": []}).encode()
DENIED = Denial(EXCEEDED, "It is spent.")


def names(effects: list[Any]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def test_a_miss_asks_before_it_is_sent() -> None:
    played = play(inference_flow(ask(headers=JSON), PLAN, 0.0), BODY, None, None, head())
    assert names(played.effects) == ["ReadBody", "Lookup", "Admit", "Forward"]
    assert played.effects[2] == Admit("chat", "m")
    assert isinstance(played.outcome, Relay)
    assert played.outcome.recorder is not None
    assert played.outcome.meter is None, "the recorder reads the usage"


def test_a_hit_asks_nothing() -> None:
    played = play(inference_flow(ask(headers=JSON), PLAN, 1000.0), BODY, entry())
    assert names(played.effects) == ["ReadBody", "Lookup"]
    assert isinstance(played.outcome, Reuse)


def test_without_a_budget_nothing_is_asked() -> None:
    played = play(inference_flow(ask(headers=JSON), Plan(), 0.0), BODY, None, head())
    assert names(played.effects) == ["ReadBody", "Lookup", "Forward"]


def test_a_refusal_is_an_answer_of_424_that_no_sdk_retries() -> None:
    played = play(inference_flow(ask(headers=JSON), PLAN, 0.0), BODY, None, DENIED)
    outcome = played.outcome
    assert isinstance(outcome, Refuse)
    assert (outcome.status.fwd, outcome.status.detail, outcome.model) == ("miss", "budget-exceeded", "m")
    answer = refusal(outcome.message, outcome.status)
    assert answer.code == 424
    assert (b"x-should-retry", b"false") in answer.headers
    assert json.loads(answer.body)["error"] == {"message": "It is spent.", "type": "budget_exceeded", "code": "budget_exceeded"}


def test_a_bypassed_call_asks_by_the_model_of_its_body_and_is_measured() -> None:
    played = play(inference_flow(ask(headers=JSON), replace(PLAN, mode=Mode.OFF), 0.0), BODY, None, head())
    assert played.effects == [ReadBody(), Admit("chat", "m"), Forward()]
    assert isinstance(played.outcome, Relay)
    meter = played.outcome.meter
    assert meter is not None
    meter.feed(json.dumps(ANSWER).encode())
    meter.end()
    assert meter.refusal_reason(Decoded) is None
    assert meter.usage == Usage(5, 7)
    assert play(bypass_flow(ask(headers=JSON), PLAN, "off"), BODY, DENIED).outcome.status.detail == EXCEEDED


@pytest.mark.parametrize("status", [400, 429, 500, 304])
def test_what_upstream_refuses_is_not_measured(status: int) -> None:
    outcome = play(inference_flow(ask(headers=JSON), PLAN, 0.0), BODY, None, None, head(status)).outcome
    assert isinstance(outcome, Relay)
    assert outcome.meter is None


@pytest.mark.parametrize(
    "request_", [ask("https://api.openai.com/v1/files"), ask("https://api.openai.com/v1/models", "GET"), ask(CHAT, "DELETE")]
)
def test_what_is_no_call_to_a_model_is_not_counted(request_: Any) -> None:
    assert play(bypass_flow(request_, PLAN, "no-rule"), head()).effects == [Forward()]


def test_what_a_rule_opened_is_a_call_even_when_it_is_not_looked_up() -> None:
    plan = replace(PLAN, rules=(Rule(path="/own/answer"),), mode=Mode.OFF)
    played = play(inference_flow(ask("https://x.example/own/answer", headers=JSON), plan, 0.0), BODY, None, head())
    assert played.effects == [ReadBody(), Admit("rule", "m"), Forward()]


def test_a_body_that_is_too_large_to_be_read_is_not_read() -> None:
    request = ask(headers={**JSON, "content-length": str(PLAN.max_body + 1)})
    assert play(inference_flow(request, PLAN, 0.0), None, head()).effects == [Admit("chat", ""), Forward()]


def test_lookups_come_before() -> None:
    played = play(inference_flow(ask(headers=JSON), PLAN, 0.0), BODY, None, DENIED)
    assert isinstance(played.effects[1], Lookup)
