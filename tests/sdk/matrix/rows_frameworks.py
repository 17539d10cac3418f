"""The rows of the frameworks' environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import agents
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import AsyncOpenAI
from pydantic_ai import Agent, Embedder, FunctionToolset
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.sdk.matrix import rows_beside
from tests.sdk.matrix.calls import TOOL, reading
from tests.sdk.matrix.row import Calls, Colour, Row, plain

__all__ = ["ROWS"]

agents.set_tracing_disabled(True)

# -- LangChain --------------------------------------------------------------------------------------------------------


def _langchain_history(answer: Any) -> list[Any]:
    if answer is None:
        return [HumanMessage("How warm is it in Oslo?")]
    return [*_langchain_history(None), answer, ToolMessage("4", tool_call_id=answer.tool_calls[0]["id"])]


def _langchain_plain(answer: Any) -> Any:
    """LangChain makes up the ids of runs."""
    name, values = plain(answer)
    return name, {key: value for key, value in values.items() if key != "id"}


def _langchain(prefix: str, embed: Any = None) -> Calls:
    return Calls(
        ask=lambda model, prompt: getattr(model, f"{prefix}invoke")(prompt),
        stream=lambda model: getattr(model, f"{prefix}stream")("hello"),
        embed=embed,
        tools=lambda model, answer: getattr(model.bind_tools([TOOL]), f"{prefix}invoke")(_langchain_history(answer)),
    )


_BOTH = "http_client=cached_client(), http_async_client=cached_async_client()"
_EMBEDDER = f"OpenAIEmbeddings({_BOTH})"
LANGCHAIN_OPENAI = Row(
    "langchain-openai",
    "langchain-openai",
    "httpx2",
    lambda url: {
        "ChatOpenAI": partial(ChatOpenAI, model="m", base_url=f"{url}/v1", api_key="k"),
        "OpenAIEmbeddings": partial(OpenAIEmbeddings, model="m", base_url=f"{url}/v1", api_key="k", check_embedding_ctx_length=False),
    },
    Colour(f"ChatOpenAI({_BOTH})", "ChatOpenAI()", _langchain("", lambda model: model.embed_query("hi")), _EMBEDDER),
    Colour(f"ChatOpenAI({_BOTH})", "ChatOpenAI()", _langchain("a", lambda model: model.aembed_query("hi")), _EMBEDDER),
    lambda answer: answer.content,
    plain=_langchain_plain,
)
LANGCHAIN_ANTHROPIC = Row(
    "langchain-anthropic",
    "langchain-anthropic",
    "httpx2",
    lambda url: {"ChatAnthropic": partial(ChatAnthropic, model="m", base_url=url, api_key="k")},
    Colour(None, "ChatAnthropic()", _langchain("")),
    Colour(None, "ChatAnthropic()", _langchain("a")),
    lambda answer: answer.content,
    plain=_langchain_plain,
)


# -- pydantic-ai ------------------------------------------------------------------------------------------------------


def degrees(city: str) -> int:
    """How warm is it in a city?"""
    return {"Oslo": 4}[city]


async def _streamed_text(agent: Any) -> AsyncIterator[Any]:
    async with agent.run_stream("hello") as run:
        async for text in run.stream_text(delta=True, debounce_by=None):
            yield text


async def _tool_run(agent: Any) -> Any:
    return await agent.run("How warm is it in Oslo?", toolsets=[FunctionToolset([degrees])])


def _tool_run_sync(agent: Any) -> Any:
    return agent.run_sync("How warm is it in Oslo?", toolsets=[FunctionToolset([degrees])])


def _pydantic_ai(name: str, line: str, own: str, embedder: str | None = None) -> Row:
    """Sync is ``run_sync``, on the same async HTTP client."""
    sync = Calls(ask=lambda agent, prompt: agent.run_sync(prompt), tools=lambda agent, _: _tool_run_sync(agent))
    asynchronous = Calls(
        ask=lambda agent, prompt: agent.run(prompt),
        stream=_streamed_text,
        tools=lambda agent, _: _tool_run(agent),
        embed=embedder and (lambda model: reading(model.embed_query("hi"), lambda answer: list(answer.embeddings[0]))),
    )
    return Row(
        name,
        "pydantic-ai-slim",
        "httpx2",
        lambda url: {
            "Agent": Agent,
            "Embedder": Embedder,
            "OpenAIChatModel": OpenAIChatModel,
            "OpenAIEmbeddingModel": OpenAIEmbeddingModel,
            "OpenAIProvider": partial(OpenAIProvider, base_url=f"{url}/v1", api_key="k"),
            "AnthropicModel": AnthropicModel,
            "AnthropicProvider": partial(AnthropicProvider, base_url=url, api_key="k"),
        },
        Colour(line, own, sync),
        Colour(line, own, asynchronous, embedder),
        lambda run: run.output,
        turns=1,
        plain=lambda run: run if isinstance(run, str) else (run.output, run.usage, run.response.provider_response_id),
    )


PYDANTIC_AI = _pydantic_ai(
    "pydantic-ai, OpenAI",
    'Agent(OpenAIChatModel("m", provider=OpenAIProvider(http_client=cached_async_client())))',
    'Agent(OpenAIChatModel("m", provider=OpenAIProvider()))',
    'Embedder(OpenAIEmbeddingModel("m", provider=OpenAIProvider(http_client=cached_async_client())))',
)
PYDANTIC_AI_ANTHROPIC = _pydantic_ai(
    "pydantic-ai, Anthropic",
    'Agent(AnthropicModel("m", provider=AnthropicProvider(http_client=cached_async_client())))',
    'Agent(AnthropicModel("m", provider=AnthropicProvider()))',
)


# -- openai-agents ----------------------------------------------------------------------------------------------------


def _agent(model: Any, **more: Any) -> Any:
    return agents.Agent(name="a", model=model, **more)


async def _agent_events(model: Any) -> AsyncIterator[Any]:
    async for event in agents.Runner.run_streamed(_agent(model), "hello").stream_events():
        if event.type == "raw_response_event":
            yield event.data


def _agent_tools(model: Any) -> Any:
    return agents.Runner.run(_agent(model, tools=[agents.function_tool(degrees)]), "How warm is it in Oslo?")


def _agent_plain(run: Any) -> Any:
    """A run's answers, or an event; openai-agents stamps its events with the time."""
    if isinstance(run, agents.RunResult):
        return run.final_output, [plain(each) for response in run.raw_responses for each in response.output], run.context_wrapper.usage
    name, values = plain(run)
    if "response" in values:
        values = {**values, "response": {key: value for key, value in values["response"].items() if key != "created_at"}}
    return name, values


OPENAI_AGENTS = Row(
    "openai-agents",
    "openai-agents",
    "httpx2",
    lambda url: {
        "OpenAIChatCompletionsModel": agents.OpenAIChatCompletionsModel,
        "AsyncOpenAI": partial(AsyncOpenAI, api_key="k", base_url=f"{url}/v1"),
    },
    None,
    Colour(
        'OpenAIChatCompletionsModel("m", AsyncOpenAI(http_client=cached_async_client()))',
        'OpenAIChatCompletionsModel("m", AsyncOpenAI())',
        Calls(
            ask=lambda model, prompt: agents.Runner.run(_agent(model), prompt),
            stream=_agent_events,
            tools=lambda model, _: _agent_tools(model),
        ),
    ),
    lambda run: run.final_output,
    turns=1,
    plain=_agent_plain,
)

ROWS = [
    *rows_beside.ROWS,
    LANGCHAIN_OPENAI,
    LANGCHAIN_ANTHROPIC,
    PYDANTIC_AI,
    PYDANTIC_AI_ANTHROPIC,
    OPENAI_AGENTS,
]
