"""An agent on a real SDK is forked: with tool calls, streamed and not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provider import Provider
from tests.sdk.agents import AGENTS, Agent, Decision, Model, looks_up
from wirecache import Cassette, cached_client


def run(agent: Agent, provider: Provider, cassette: Cassette) -> str:
    """Return the answer of the agent, and close the cassette."""
    with cassette, cached_client(cassette, library="httpx2") as client:
        return agent.run(provider.url, client)


@pytest.mark.parametrize(("sdk", "streams"), AGENTS)
def test_an_agent_goes_on_from_a_step_with_another_model(sdk: str, streams: bool, provider: Provider, tmp_path: Path) -> None:
    model, parent = Model(provider), tmp_path / "monday"
    assert run(Agent(sdk, streams), provider, Cassette(parent, "once")) == "It rains."
    assert provider.calls == 3
    model.mind = looks_up(text="It pours.")
    forked, agent = Cassette(parent, "fork", from_step=3), Agent(sdk, streams)
    assert run(agent, provider, forked) == "It pours."
    assert provider.calls == 4, "two of its three steps were replayed"
    assert agent.ran == [("search", {"query": "rain"}), ("read", {"query": "1"})], "tools run for real, in the replayed steps, too"
    assert forked.child is not None
    assert run(Agent(sdk, streams), provider, Cassette(forked.child, "none", miss="raise")) == "It pours."
    assert provider.calls == 4


@pytest.mark.parametrize(("sdk", "streams"), AGENTS)
def test_an_agent_that_was_changed_is_replayed_as_far_as_it_agrees(sdk: str, streams: bool, provider: Provider, tmp_path: Path) -> None:
    model, parent = Model(provider), tmp_path / "monday"
    run(Agent(sdk, streams), provider, Cassette(parent, "once"))

    class Changed(Agent):
        """Its tool finds something else."""

        def _run_tools(self, messages: list[object], calls: list[tuple[str, str, dict[str, str]]]) -> None:
            changed = [(id, name, {"query": "2"} if name == "read" else arguments) for id, name, arguments in calls]
            super()._run_tools(messages, changed)

    model.mind = lambda turn: Decision("It is dry.")
    forked = Cassette(parent, "fork")
    assert run(Changed(sdk, streams), provider, forked) == "It is dry."
    assert (provider.calls, forked.report().replayed, forked.report().live_from) == (4, 2, 3)
