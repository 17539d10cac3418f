"""The rows of LiteLLM. Its environment is not that of openai 2, for the extra that its tool calls need brings httpx2."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else its import asks a host for prices

import litellm
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler

from tests.sdk.matrix.calls import TOOL, WAV, after, chat_text, messages_of, reading
from tests.sdk.matrix.row import Calls, Colour, Row, plain

__all__ = ["ROWS"]


class Route:
    """Where LiteLLM's functions send to: its module is the client, and each call says the model and the provider's URL."""

    def __init__(self, model: str, url: str, client: Any = None) -> None:
        self._where = {"model": model, "api_key": "k", "api_base": url, **({} if client is None else {"client": client})}

    def __call__(self, function: Any, **arguments: Any) -> Any:
        return function(**self._where, **arguments)


def _routes(model: str, url: str) -> dict[str, Any]:
    return dict.fromkeys(("completion", "acompletion"), partial(Route, model, url))


def _calls(completion: Any, **more: Any) -> Calls:
    return Calls(
        ask=lambda route, prompt: route(completion, messages=messages_of(prompt)),
        stream=lambda route: route(completion, messages=messages_of("hello"), stream=True),
        tools=lambda route, answer: route(completion, messages=after(answer, lambda message: message.model_dump()), tools=[TOOL]),
        **more,
    )


def _embed(function: Any) -> Any:
    return lambda route: reading(route(function, input=["hi"]), lambda answer: answer.data[0]["embedding"])


def _transcribe(function: Any) -> Any:
    return lambda route: reading(route(function, file=WAV), lambda answer: answer.text)


def _plain(answer: Any) -> Any:
    """LiteLLM makes up ids and times itself."""
    name, values = plain(answer)
    return name, {key: value for key, value in values.items() if key not in ("id", "created")}


def _reset() -> None:
    """LiteLLM keeps its clients, by what they were made with."""
    litellm.client_session = litellm.aclient_session = None
    litellm.in_memory_llm_clients_cache.flush_cache()


def _litellm(name: str, names: Any, line: str, async_line: str, more: Any, more_async: Any, without: Any) -> Row:
    return Row(
        name,
        "litellm",
        "httpx",
        names,
        Colour(line, "completion()", _calls(litellm.completion, **more), without=without),
        Colour(async_line, "acompletion()", _calls(litellm.acompletion, **more_async), without=without),
        chat_text,
        plain=_plain,
        attach_to="litellm",
        reset=_reset,
    )


_OPENAI_ROUTE = _litellm(
    "litellm, OpenAI's route",
    lambda url: {"litellm": litellm, **_routes("openai/m", f"{url}/v1")},
    'litellm.client_session = cached_client(library="httpx"); completion()',
    'litellm.aclient_session = cached_async_client(library="httpx"); acompletion()',
    {"embed": _embed(litellm.embedding), "transcribe": _transcribe(litellm.transcription)},
    {"embed": _embed(litellm.aembedding), "transcribe": _transcribe(litellm.atranscription)},
    {},
)
_ANTHROPIC_ROUTE = _litellm(
    "litellm, Anthropic's route",
    lambda url: {
        "litellm": litellm,
        "HTTPHandler": HTTPHandler,
        "AsyncHTTPHandler": AsyncHTTPHandler,
        **_routes("anthropic/m", url),
    },
    'completion(client=HTTPHandler(client=cached_client(library="httpx")))',
    "acompletion(client=AsyncHTTPHandler(transport=AsyncCacheTransport(cache)))",
    {},
    {},
    {"stream-recorded": "LiteLLM leaves Anthropic's stream before its last event and does not close it, so the call goes out each time"},
)

ROWS = [_OPENAI_ROUTE, _ANTHROPIC_ROUTE]
