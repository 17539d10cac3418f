"""The flow of a request that is looked up item by item: against the answers that a provider gives without a cache."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import ask, head, play, quick
from tests.embedder import COHERE, GEMINI, OLLAMA, OPENAI, Embedder, body_for, vectors_in
from wirecache import KeyOptions, make_key
from wirecache._core.flows.collapse import CollapseTimeout
from wirecache._core.flows.effects import (
    Admit,
    ClaimItems,
    Compute,
    Effect,
    Flow,
    FollowItems,
    Forward,
    KeepItems,
    LookupItems,
    ReadAnswer,
    ReadBody,
    ReadClock,
    Refuse,
    Relay,
    Reuse,
    Turn,
)
from wirecache._core.flows.embeddings import MANY, embeddings_flow
from wirecache._core.flows.inference import reuse_of, stale_reuse, target_bypass_reason, why_body_bypasses
from wirecache._core.flows.items import Judge
from wirecache._core.flows.spending import EXCEEDED, Denial
from wirecache._core.messages import Entry
from wirecache._core.rules.plan import Embeddings, Mode, Plan
from wirecache._core.rules.rules import Rule
from wirecache._engine.routing import flow_for
from wirecache._runtime.driver import drive

HOST = "https://api.example.com"
NOW = 1000.0
JUDGE = Judge(target_bypass_reason, why_body_bypasses, reuse_of, stale_reuse)
PATHS = (OPENAI, GEMINI, COHERE, OLLAMA)
ITEMS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6)


class World:
    """A store and a provider, in memory. ``turns``: those of the next items that are claimed; ``others``: what their leaders store."""

    def __init__(self, embedder: Embedder | None = None, plan: Plan | None = None) -> None:
        self.embedder = embedder or Embedder()
        self.plan = plan or Plan(embeddings=Embeddings.ITEMS)
        self.entries: dict[str, Entry] = {}
        self.effects: list[Effect] = []
        self.turns: list[Turn] = []
        self.others: dict[str, Entry] = {}
        self._sent = self._body = b""

    def flow(self, path: str, body: Any) -> Flow:
        self._path, self._body = path, json.dumps(body).encode()
        request = ask(HOST + path, headers={"content-type": "application/json"})
        return flow_for(request, self.plan)(request, self.plan, NOW)

    def run(self, path: str, body: Any) -> Any:
        """The outcome of a request."""
        return drive(self.flow(path, body), self.perform)

    def answer(self, path: str, items: list[Any], **more: Any) -> bytes:
        """What the caller of a request for these items gets."""
        outcome = self.run(path, body_for(path, items, **more))
        if isinstance(outcome, Reuse):
            return outcome.entry.body
        assert isinstance(outcome, Relay)
        return self._sent if outcome.body is None else outcome.body

    def perform(self, effect: Effect) -> Any:
        self.effects.append(effect)
        match effect:
            case ReadBody():
                return self._body
            case LookupItems(keys):
                return {key: self.entries[key] for key in keys if key in self.entries}
            case ClaimItems(keys):
                turns, self.turns = self.turns[: len(keys)], self.turns[len(keys) :]
                return turns + [Turn.LEAD] * (len(keys) - len(turns))
            case FollowItems():
                self.entries |= self.others
                return None
            case Forward(_, content):
                self._sent = self.embedder.answer(self._path, json.loads(content or self._body)).encode()
                return head()
            case ReadAnswer():
                return self._sent
            case ReadClock():
                return NOW + 1
            case KeepItems(entries):
                self.entries |= {entry.key: entry for entry in entries}
                return None
            case Compute():
                return {}
        raise AssertionError(effect)


def uncached(path: str, items: list[Any], **more: Any) -> list[Any]:
    return vectors_in(path, Embedder().answer(path, body_for(path, items, **more)).encode())


@quick
@given(st.sampled_from(PATHS), st.lists(ITEMS, max_size=5), st.randoms(use_true_random=False))
def test_every_answer_has_the_vectors_of_an_uncached_one(path: str, requests: list[list[str]], dice: Any) -> None:
    """In whatever order the provider sends them; and no item is sent for twice."""
    world = World(Embedder(order=lambda places: dice.sample(list(places), len(places))))
    for items in requests:
        assert vectors_in(path, world.answer(path, items)) == uncached(path, items)
    sent = [json.dumps(item) for request in world.embedder.requested for item in request]
    assert len(sent) == len(set(sent)) == len({item for items in requests for item in items})


FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "one number for all": {"number": lambda place: 0},
    "one too few": {"order": lambda places: places[1:]},
    "lengths that differ": {"size": lambda item: 1 + ord(item) % 3},
    "another length": {"size": lambda item: 5},
    "another model": {"model": "m-2"},
}


@quick
@given(st.lists(st.tuples(ITEMS, st.sampled_from(list(FAULTS))), min_size=1, max_size=5))
def test_whatever_a_provider_does_no_vectors_are_mixed(requests: list[tuple[list[str], str]]) -> None:
    """A caller gets what the provider sends to this very request, or for each item a vector that was sent for it, all of one length."""
    world = World()
    for items, fault in requests:
        world.embedder = Embedder(**FAULTS[fault])
        answer = world.answer(OPENAI, items)
        if answer != Embedder(**FAULTS[fault]).answer(OPENAI, body_for(OPENAI, items)).encode():
            vectors = vectors_in(OPENAI, answer)
            assert any(vectors == [vector_of(item, size) for item in items] for size in range(1, 6))


def vector_of(item: str, size: int) -> Any:
    return vectors_in(OPENAI, Embedder(size=lambda _: size).answer(OPENAI, body_for(OPENAI, [item])).encode())[0]


def test_the_story_of_a_part() -> None:
    world = World()
    world.answer(OPENAI, ["a"])
    world.effects.clear()
    outcome = world.run(OPENAI, body_for(OPENAI, ["a", "b", "b"]))
    keys = [make_key("POST", HOST + OPENAI, {}, json.dumps(body_for(OPENAI, item))) for item in ("a", "b")]  # type: ignore[arg-type]
    assert [type(effect) for effect in world.effects] == [
        ReadBody, LookupItems, ClaimItems, Forward, ReadAnswer, ReadClock, KeepItems,
    ]  # fmt: skip
    assert world.effects[1:3] == [LookupItems(tuple(keys)), ClaimItems((keys[1],))]
    assert world.effects[3] == Forward(content=b'{"model": "m", "input": ["b"]}')
    assert isinstance(outcome, Relay)
    assert outcome.keys == tuple(keys)
    assert outcome.status.header(200) == 'wirecache; fwd=partial; stored; detail="1 of 3 items"'
    assert outcome.usage is not None
    assert outcome.usage.input == 7


def test_the_entry_of_an_item() -> None:
    world = World()
    world.answer(OPENAI, ["a", "b"], user="u")
    first, second = world.entries.values()
    for entry, item in ((first, "a"), (second, "b")):
        assert json.loads(bytes(entry.request_body)) == body_for(OPENAI, item, user="u")  # type: ignore[arg-type]
        assert json.loads(entry.body)["usage"] == {"prompt_tokens": 0, "total_tokens": 0}
        assert (entry.usage, entry.stored_at, entry.seconds) == (None, NOW + 1, 0.5)
        assert (entry.request.endpoint, entry.request.model, entry.request.whole) == ("embeddings", "m", True)
    world.answer(OPENAI, ["c"])
    assert list(world.entries.values())[2].usage is not None


def test_much_is_computed_where_it_holds_no_loop() -> None:
    world = World()
    world.answer(OPENAI, [f"{number}" for number in range(MANY + 1)])
    world.answer(OPENAI, [f"{number}" for number in range(3, MANY + 5)])
    kinds = [type(effect) for effect in world.effects]
    assert kinds == [
        ReadBody, Compute, LookupItems, ClaimItems, Forward, ReadAnswer, ReadClock, Compute, KeepItems,
        ReadBody, Compute, LookupItems, ClaimItems, Forward, ReadAnswer, ReadClock, KeepItems, Compute,
    ]  # fmt: skip


def entries_of(*items: str) -> dict[str, Entry]:
    other = World()
    other.answer(OPENAI, list(items))
    return other.entries


def test_what_others_lead_is_waited_for_after_ones_own_is_stored() -> None:
    world = World()
    world.turns, world.others = [Turn.FOLLOW, Turn.LEAD], entries_of("a")
    assert vectors_in(OPENAI, world.answer(OPENAI, ["a", "b"])) == uncached(OPENAI, ["a", "b"])
    kinds = [type(effect) for effect in world.effects]
    assert kinds.index(KeepItems) < kinds.index(FollowItems)
    assert world.embedder.requested == [["b"]]


def test_what_others_do_not_store_is_sent_for() -> None:
    world = World()
    world.turns = [Turn.FOLLOW, Turn.LEAD]
    outcome = world.run(OPENAI, body_for(OPENAI, ["a", "b"]))
    assert world.embedder.requested == [["b"], ["a"]]
    assert vectors_in(OPENAI, outcome.body) == uncached(OPENAI, ["a", "b"])
    assert json.loads(outcome.body)["usage"]["total_tokens"] == 14
    assert outcome.usage.input == 14


def test_what_was_stored_since_the_call_began() -> None:
    world = World()
    world.turns = [Turn.LOOK_AGAIN, Turn.ALONE]
    world.entries = {}
    flow = world.flow(OPENAI, body_for(OPENAI, ["a", "b"]))
    effect = next(flow)
    while not isinstance(effect, ClaimItems):
        effect = flow.send(world.perform(effect))
    world.entries = entries_of("a", "b")
    effect = flow.send(world.perform(effect))
    assert isinstance(effect, LookupItems)
    assert len(effect.keys) == 1
    effect = flow.send(world.perform(effect))
    assert effect == Forward(content=b'{"model": "m", "input": ["b"]}')
    flow.close()


def test_all_of_it_was_stored_since_the_call_began() -> None:
    world = World()
    world.turns = [Turn.LOOK_AGAIN]
    flow = world.flow(OPENAI, body_for(OPENAI, ["a"]))
    answers = [world.perform(next(flow))]
    assert isinstance(flow.send(answers[0]), LookupItems)
    assert isinstance(flow.send({}), ClaimItems)
    assert isinstance(flow.send([Turn.LOOK_AGAIN]), LookupItems)
    with pytest.raises(StopIteration) as stop:
        flow.send(entries_of("a"))
    assert isinstance(stop.value.value, Reuse)


def test_who_waits_too_long() -> None:
    world = World()
    world.turns = [Turn.FOLLOW]
    flow = world.flow(OPENAI, body_for(OPENAI, ["a"]))
    effect = next(flow)
    while not isinstance(effect, FollowItems):
        effect = flow.send(world.perform(effect))
    with pytest.raises(CollapseTimeout):
        flow.throw(TimeoutError())


def test_nobody_is_followed_without_collapsing() -> None:
    world = World(plan=Plan(embeddings=Embeddings.ITEMS, collapse=False))
    world.answer(OPENAI, ["a", "b"])
    assert ClaimItems not in map(type, world.effects)


def test_offline() -> None:
    plan = Plan(embeddings=Embeddings.ITEMS, mode=Mode.OFFLINE)
    world = World(plan=plan)
    world.entries = entries_of("a")
    outcome = world.run(OPENAI, body_for(OPENAI, ["a", "b", "c"]))
    assert isinstance(outcome, Refuse)
    assert outcome.message.startswith("2 of 3 items are not stored: ")
    assert outcome.body is not None
    assert outcome.body.value == body_for(OPENAI, "b")  # type: ignore[arg-type]
    assert Forward not in map(type, world.effects)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(embeddings=Embeddings.ITEMS, mode=Mode.OFF), id="off"),
        pytest.param(Plan(embeddings=Embeddings.ITEMS, max_body=5), id="too large"),
        pytest.param(Plan(), id="request by request"),
    ],
)
def test_what_is_no_request_of_items(plan: Plan) -> None:
    world = World(plan=plan)
    flow = world.flow(OPENAI, body_for(OPENAI, ["a"]))
    effect = next(flow)
    while isinstance(effect, ReadBody):
        effect = flow.send(world.perform(effect))
    assert not isinstance(effect, LookupItems)
    flow.close()


def test_a_normalizer_that_raises() -> None:
    def normalize(value: Any) -> Any:
        raise RuntimeError("no")

    plan = Plan(embeddings=Embeddings.ITEMS, key=KeyOptions(normalize=normalize))
    body = json.dumps(body_for(OPENAI, ["a"])).encode()
    request = ask(HOST + OPENAI)
    played = play(flow_for(request, plan)(request, plan, NOW), body, body, head())
    assert played.outcome.status.detail == "normalize-error"


# -- where it is no request of items, or fails ------------------------------------------------------------------------------


def own_flow(world: World, body: Any, path: str = OPENAI) -> Any:
    world._path, world._body = path, json.dumps(body).encode()
    return embeddings_flow(ask(HOST + path, headers={"content-type": "application/json"}), world.plan, NOW, JUDGE)


@pytest.mark.parametrize(
    ("path", "body", "plan"),
    [
        pytest.param("/v1/chat/completions", {"input": ["a"]}, Plan(), id="no embeddings"),
        pytest.param(OPENAI, body_for(OPENAI, ["a"]), Plan(mode=Mode.OFF), id="off"),
        pytest.param(OPENAI, body_for(OPENAI, ["a"]), Plan(max_body=5), id="too large"),
        pytest.param(OPENAI, body_for(OPENAI, ["a"]), Plan(rules=(Rule(model="m", cache=False),)), id="closed by a rule"),
        pytest.param(OPENAI, {"model": "m", "input": {"a": 1}}, Plan(), id="a shape that is not on the list"),
    ],
)
def test_it_is_one_request_as_ever(path: str, body: Any, plan: Plan) -> None:
    world = World(plan=plan)
    assert drive(own_flow(world, body, path), world.perform) is None
    assert Forward not in map(type, world.effects)


def test_what_another_process_made_is_not_read_by_a_normalizer_that_raises() -> None:
    def normalize(value: Any) -> Any:
        raise RuntimeError("no")

    world = World(plan=Plan(key=KeyOptions(normalize=normalize)))
    assert drive(own_flow(world, body_for(OPENAI, ["a"])), world.perform) is None


class Failing(World):
    """A provider that answers with the next of these: a status, a body, or an exception."""

    def __init__(self, *answers: Any, plan: Plan | None = None) -> None:
        super().__init__(plan=plan)
        self.answers = list(answers)

    def perform(self, effect: Effect) -> Any:
        if isinstance(effect, Admit):
            self.effects.append(effect)
            return Denial(EXCEEDED, "It is spent.") if self.answers == ["denied"] else None
        if not isinstance(effect, Forward) or not self.answers:
            return super().perform(effect)
        self.effects.append(effect)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self._sent = answer if isinstance(answer, bytes) else b"{}"
        return head(answer if isinstance(answer, int) else 200)


HELPED = Plan(embeddings=Embeddings.ITEMS, ttl=5.0, stale_if_error=60.0)


def test_all_that_others_led_is_collapsed() -> None:
    world = World()
    world.turns, world.others = [Turn.FOLLOW], entries_of("a")
    outcome = world.run(OPENAI, body_for(OPENAI, ["a"]))
    assert isinstance(outcome, Reuse)
    assert (outcome.status.fwd, outcome.status.collapsed) == ("miss", True)


@pytest.mark.parametrize("failure", [500, 429, OSError("connection refused")])
def test_stale_items_stand_in_for_an_error(failure: Any) -> None:
    world = Failing(failure, plan=HELPED)
    world.entries = {key: entry._replace(stored_at=NOW - 30) for key, entry in entries_of("a").items()}
    outcome = world.run(OPENAI, body_for(OPENAI, ["a"]))
    assert isinstance(outcome, Reuse)
    assert outcome.status.detail == "stale-if-error"


def test_an_error_that_nothing_stands_in_for_is_passed_on() -> None:
    with pytest.raises(OSError, match="refused"):
        Failing(OSError("connection refused")).run(OPENAI, body_for(OPENAI, ["a"]))
    outcome = Failing(500).run(OPENAI, body_for(OPENAI, ["a"]))
    assert isinstance(outcome, Relay)
    assert (outcome.status.detail, outcome.status.fwd_status, outcome.body) == ("status-500", 500, None)


def test_an_answer_to_a_part_that_does_not_agree_makes_the_whole_be_sent() -> None:
    for second, detail in ((b"", None), (503, "status-503"), (b'{"data": []}', "items-count")):
        world = Failing(b'{"data": []}', *([second] if second else []))
        world.entries = entries_of("a")
        outcome = world.run(OPENAI, body_for(OPENAI, ["a", "b"]))
        assert isinstance(outcome, Relay)
        assert outcome.status.detail == detail
        assert [effect for effect in world.effects if isinstance(effect, Forward)][1] == Forward()


def test_a_budget_is_asked_once_for_all_that_is_sent() -> None:
    plan = Plan(embeddings=Embeddings.ITEMS, is_budgeted=True)
    outcome = Failing("denied", plan=plan).run(OPENAI, body_for(OPENAI, ["a"]))
    assert isinstance(outcome, Refuse)
    assert outcome.status.detail == EXCEEDED
    world = Failing(plan=plan)
    world.turns = [Turn.FOLLOW, Turn.LEAD]
    assert isinstance(world.run(OPENAI, body_for(OPENAI, ["a", "b"])), Relay)
    assert [type(effect) for effect in world.effects].count(Admit) == 1
    assert [type(effect) for effect in world.effects].count(Forward) == 2


def test_a_call_that_does_not_look_sends_for_all() -> None:
    world = World(plan=Plan(embeddings=Embeddings.ITEMS, mode=Mode.REFRESH))
    world.entries = entries_of("a")
    outcome = world.run(OPENAI, body_for(OPENAI, ["a", "b"]))
    assert isinstance(outcome, Relay)
    assert (outcome.status.fwd, world.embedder.requested) == ("request", [["a", "b"]])
    assert not {LookupItems, ClaimItems} & {type(effect) for effect in world.effects}


def test_an_error_for_what_others_did_not_store_is_passed_on() -> None:
    world = Failing(500)
    world.turns = [Turn.FOLLOW]
    outcome = world.run(OPENAI, body_for(OPENAI, ["a"]))
    assert isinstance(outcome, Relay)
    assert outcome.status.detail == "status-500"
