"""Agents of frameworks with the tools of an MCP server: recorded, then replayed when both the model and the server are gone."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import agents
import anyio
import openai
import pytest
from agents.mcp import MCPServerStreamableHttp
from mcp.client.client import Client
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.provider import Answer, Provider, ReceivedRequest
from tests.sdk.agents import Decision, Model
from tests.sdk.mcp_sessions import running
from tests.server_process import free_port
from wirecache import Cassette, install

QUESTION = "How much is 1 and 2?"
Run = Callable[[str, str], Awaitable[str]]


async def with_pydantic_ai(model_url: str, server_url: str) -> str:
    async with openai.AsyncOpenAI(api_key="k", base_url=f"{model_url}/v1") as client:
        model = OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client))
        async with Agent(model, toolsets=[MCPToolset(server_url)]) as agent:
            return str((await agent.run(QUESTION)).output)


async def with_openai_agents(model_url: str, server_url: str) -> str:
    agents.set_tracing_disabled(True)
    async with (
        openai.AsyncOpenAI(api_key="k", base_url=f"{model_url}/v1") as client,
        MCPServerStreamableHttp(params={"url": server_url}) as server,
    ):
        model = agents.OpenAIChatCompletionsModel("m", openai_client=client)
        agent = agents.Agent(name="a", model=model, mcp_servers=[server])
        return str((await agents.Runner.run(agent, QUESTION)).final_output)


def adds(provider: Provider) -> None:
    """The model calls the tool ``add`` twice, and says what it found."""
    model = Model(provider)

    def answer(request: ReceivedRequest) -> Answer:
        results = [str(message["content"]) for message in request.json["messages"] if message["role"] == "tool"]
        found = " then ".join("".join(filter(str.isdigit, json.dumps(result))) for result in results)
        model.mind = lambda turn: Decision(f"It is {found}.") if turn == 2 else Decision(calls=(("add", {"a": 1, "b": 2}),))
        return model.answer(request)

    provider.script = answer


@pytest.mark.parametrize("run", [with_pydantic_ai, with_openai_agents])
@pytest.mark.parametrize("answers", ["events", "json"])
def test_an_agent_is_replayed_without_model_and_server(run: Run, answers: str, provider: Provider, tmp_path: Path) -> None:
    adds(provider)
    with running(free_port(), answers) as url, Cassette(tmp_path, "once") as cassette, install(cassette):
        live = anyio.run(run, provider.url, url)
    assert live == "It is 103 then 203."
    calls, model_url = provider.calls, provider.url
    for _ in range(2):
        with Cassette(tmp_path, "none", miss="raise") as cassette, install(cassette):
            assert anyio.run(run, model_url, url) == live
        report = cassette.report()
        assert (report.recorded, report.live, report.missing, report.unused) == (0, 0, (), ())
    assert provider.calls == calls


@pytest.mark.parametrize("answers", ["events", "json"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_client_of_the_package_itself(answers: str, mode: Any, tmp_path: Path) -> None:
    """It may speak the protocol of 2026, which has no sessions."""

    async def main() -> list[str]:
        async with Client(url, mode=mode) as client:
            results = [await client.call_tool("add", {"a": 1, "b": 2}) for _ in range(2)]
            return [str(getattr(result.content[0], "text", "")) for result in results]

    with running(free_port(), answers) as url, Cassette(tmp_path, "once") as cassette, install(cassette):
        live = anyio.run(main)
    assert live == ["103", "203"]
    with Cassette(tmp_path, "none", miss="raise") as cassette, install(cassette):
        assert anyio.run(main) == live
    assert (cassette.report().missing, cassette.report().unused) == ((), ())
