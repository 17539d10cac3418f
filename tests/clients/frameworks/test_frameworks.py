"""Frameworks that hide their HTTP clients, tested with the real packages in an environment of its own: ``.ci/frameworks.in``."""

from __future__ import annotations

import os
from typing import Any

os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # huggingface_hub requests a list from its hub once; read when it is imported

import agents
import cohere
import huggingface_hub
import ollama
import pytest
import together
from agents.models import _openai_shared
from cerebras.cloud.sdk import AsyncCerebras, Cerebras
from langchain_anthropic import ChatAnthropic
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.row import How, Row, check, each_way
from tests.provider import ANSWERS, Answer, Provider, ReceivedRequest
from wirecache import Cache

# Frameworks leave their connections to the garbage collector, which runs at any time.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::DeprecationWarning")

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
FURTHER_ANSWERS = {
    "/v2/chat": {"id": "1", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": [{"type": "text", "text": "hi"}]}},
    "/api/chat": {"model": "m", "message": {"role": "assistant", "content": "hi"}, "done": True, "done_reason": "stop"},
}


def script(request: ReceivedRequest) -> Answer | None:
    """Return Cohere's and Ollama's answers, which the provider does not know, or None."""
    return next((Answer.of(value) for end, value in FURTHER_ANSWERS.items() if request.path.endswith(end)), None)


@pytest.fixture(autouse=True)
def _no_tracing_and_no_default_client(monkeypatch: pytest.MonkeyPatch) -> None:
    agents.set_tracing_disabled(True)
    monkeypatch.setattr(_openai_shared, "_default_openai_client", None)
    monkeypatch.setattr("agents.models.openai_provider._http_client", None)
    huggingface_hub.close_session()


# -- LangChain --------------------------------------------------------------------------------------------------------


def _chat_openai(url: str) -> Any:
    return ChatOpenAI(model="m", base_url=f"{url}/v1", api_key="k")


LANGCHAIN = [
    Row("langchain-openai", _chat_openai, lambda model: model.invoke("hi"), lambda model: model.ainvoke("hi")),
    Row(
        "langchain-openai-embeddings",
        lambda url: OpenAIEmbeddings(model="m", base_url=f"{url}/v1", api_key="k", check_embedding_ctx_length=False),
        lambda model: model.embed_query("hi"),
        lambda model: model.aembed_query("hi"),
    ),
    Row(
        "langchain-anthropic",
        lambda url: ChatAnthropic(model="m", base_url=url, api_key="k"),
        lambda model: model.invoke("hi"),
        lambda model: model.ainvoke("hi"),
    ),
    Row(
        "langchain-chain",
        lambda url: ChatPromptTemplate.from_template("say {what}") | _chat_openai(url).bind(seed=1),
        lambda chain: chain.invoke({"what": "hi"}),
        lambda chain: chain.ainvoke({"what": "hi"}),
    ),
]


# -- pydantic-ai ------------------------------------------------------------------------------------------------------


def _pydantic_agent(url: str) -> Any:
    return Agent(OpenAIChatModel("m", provider=OpenAIProvider(base_url=f"{url}/v1", api_key="k")))


def _run(agent: Any) -> Any:
    return agent.run("hi")


PYDANTIC_AI = [
    Row("pydantic-ai-agent", _pydantic_agent, ask_async=_run),
    Row("pydantic-ai-run_sync", _pydantic_agent, lambda agent: agent.run_sync("hi")),
    Row("pydantic-ai-model", _pydantic_agent, ask_async=_run, target=lambda agent: agent.model),
    Row("pydantic-ai-provider", _pydantic_agent, ask_async=_run, target=lambda agent: agent.model._provider),
    Row(
        "pydantic-ai-anthropic",
        lambda url: Agent(AnthropicModel("m", provider=AnthropicProvider(base_url=url, api_key="k"))),
        ask_async=_run,
    ),
]


# -- openai-agents ----------------------------------------------------------------------------------------------------


def _openai(url: str) -> AsyncOpenAI:
    return AsyncOpenAI(api_key="k", base_url=f"{url}/v1")


def _chat_agent(url: str) -> Any:
    return agents.Agent(name="a", model=agents.OpenAIChatCompletionsModel("m", _openai(url)))


def _default_agent(url: str) -> Any:
    agents.set_default_openai_client(_openai(url), use_for_tracing=False)
    return agents.Agent(name="a")


def _named_agent(url: str) -> Any:
    return agents.Agent(name="a", model="m")  # OPENAI_BASE_URL says where


def _runner(agent: Any) -> Any:
    return agents.Runner.run(agent, "hi")


def _run_with_provider(provider: Any) -> Any:
    return agents.Runner.run(agents.Agent(name="a", model="m"), "hi", run_config=agents.RunConfig(model_provider=provider))


OPENAI_AGENTS = [
    Row("openai-agents-model", _chat_agent, ask_async=_runner, target=lambda agent: agent.model),
    Row("openai-agents-agent", _chat_agent, ask_async=_runner),
    Row("openai-agents-named", _named_agent, ask_async=_runner),
    Row("openai-agents-runner", _named_agent, ask_async=_runner, target=lambda _: agents.Runner),
    Row("openai-agents-module", _named_agent, ask_async=_runner, target=lambda _: agents),
    Row("openai-agents-default-client", _default_agent, ask_async=_runner, target=lambda _: agents.Runner),
    Row("openai-agents-provider", lambda url: agents.OpenAIProvider(base_url=f"{url}/v1", api_key="k"), ask_async=_run_with_provider),
]


# -- Hugging Face -----------------------------------------------------------------------------------------------------


def _hugging_face(url: str) -> Any:
    return huggingface_hub.InferenceClient(base_url=url, api_key="k")


def _hugging_face_async(url: str) -> Any:
    return huggingface_hub.AsyncInferenceClient(base_url=url, api_key="k")


def _complete(client: Any) -> Any:
    return client.chat_completion(CHAT["messages"], model="m")


def _hub(_: Any) -> Any:
    return huggingface_hub


HUGGING_FACE = [
    Row("huggingface-client", _hugging_face, _complete),
    Row("huggingface-async-client", _hugging_face_async, ask_async=_complete),
    Row("huggingface-module", _hugging_face, _complete, target=_hub),
    Row("huggingface-module-async", _hugging_face_async, ask_async=_complete, target=_hub),
]


# -- SDKs that are not in the main environment --------------------------------------------------------------------------


def _create(client: Any) -> Any:
    return client.chat.completions.create(**CHAT)


def _ollama_module(url: str) -> Any:
    ollama._client._client.base_url = url
    return ollama


OTHERS = [
    Row("cohere", lambda url: cohere.ClientV2(api_key="k", base_url=url), lambda client: client.chat(**CHAT)),
    Row("cohere-async", lambda url: cohere.AsyncClientV2(api_key="k", base_url=url), ask_async=lambda client: client.chat(**CHAT)),
    Row("together", lambda url: together.Together(api_key="k", base_url=url), _create),
    Row("together-async", lambda url: together.AsyncTogether(api_key="k", base_url=url), ask_async=_create),
    Row("cerebras", lambda url: Cerebras(api_key="k", base_url=url, warm_tcp_connection=False), _create),
    Row("cerebras-async", lambda url: AsyncCerebras(api_key="k", base_url=url, warm_tcp_connection=False), ask_async=_create),
    Row("ollama", lambda url: ollama.Client(host=url), lambda client: client.chat(**CHAT)),
    Row("ollama-async", lambda url: ollama.AsyncClient(host=url), ask_async=lambda client: client.chat(**CHAT)),
    Row("ollama-module", _ollama_module, lambda module: module.chat(**CHAT)),
]


@each_way
@pytest.mark.parametrize("row", [*LANGCHAIN, *PYDANTIC_AI, *OPENAI_AGENTS, *HUGGING_FACE, *OTHERS], ids=str)
def test_a_framework(row: Row, how: How, provider: Provider, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    provider.script = script
    check(row, how, provider, cache)


def test_the_further_answers_are_not_the_providers() -> None:
    assert not FURTHER_ANSWERS.keys() & ANSWERS.keys()
