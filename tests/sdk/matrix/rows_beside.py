"""The rows of the SDKs that the main environment has not; they run in that of the frameworks."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # huggingface_hub asks its hub for a list, once; read when it is imported

import cohere
import huggingface_hub
import ollama
import together
from cerebras.cloud.sdk import AsyncCerebras, Cerebras
from huggingface_hub.utils import _http

from tests.sdk.matrix.calls import TOOL, WAV, after, chat, chat_calls, chat_text, embed, messages_of, reading, strictly, transcribe
from tests.sdk.matrix.row import Calls, Colour, Row

__all__ = ["ROWS"]

# -- Cohere, Together, Cerebras, Ollama -------------------------------------------------------------------------------


def _cohere_turn(client: Any, answer: Any) -> Any:
    messages: list[Any] = messages_of("How warm is it in Oslo?")
    if answer is not None:
        messages += [answer.message, {"role": "tool", "tool_call_id": answer.message.tool_calls[0].id, "content": "4"}]
    return client.chat(model="m", messages=messages, tools=[TOOL])


_COHERE = Calls(
    ask=lambda client, prompt: client.chat(**chat(prompt)),
    stream=lambda client: client.chat_stream(**chat("hello")),
    raw=lambda client: client.with_raw_response.chat(**chat("hello")),
    embed=lambda client: reading(
        client.embed(model="m", input_type="search_query", texts=["hi"], embedding_types=["float"]),
        lambda answer: answer.embeddings.float_[0],
    ),
    transcribe=lambda client: reading(client.audio.transcriptions.create(model="m", language="en", file=WAV), lambda answer: answer.text),
    tools=_cohere_turn,
)
COHERE = Row(
    "cohere",
    "cohere",
    "httpx",
    lambda url: {
        "ClientV2": partial(cohere.ClientV2, api_key="k", base_url=url),
        "AsyncClientV2": partial(cohere.AsyncClientV2, api_key="k", base_url=url),
    },
    Colour('ClientV2(httpx_client=cached_client(library="httpx"))', "ClientV2()", _COHERE),
    Colour('AsyncClientV2(httpx_client=cached_async_client(library="httpx"))', "AsyncClientV2()", _COHERE),
    lambda answer: answer.message.content[0].text,
    raw_parsed=lambda raw: raw.data,
    model=strictly,
)

_ON_TOGETHER = chat_calls(embed=embed, transcribe=transcribe)
TOGETHER = Row(
    "together",
    "together",
    "httpx",
    lambda url: {
        "Together": partial(together.Together, api_key="k", base_url=url),
        "AsyncTogether": partial(together.AsyncTogether, api_key="k", base_url=url),
    },
    Colour('Together(http_client=cached_client(library="httpx"))', "Together()", _ON_TOGETHER),
    Colour('AsyncTogether(http_client=cached_async_client(library="httpx"))', "AsyncTogether()", _ON_TOGETHER),
    chat_text,
    model=strictly,
)
CEREBRAS = Row(
    "cerebras",
    "cerebras-cloud-sdk",
    "httpx",
    lambda url: {
        "Cerebras": partial(Cerebras, api_key="k", base_url=url, warm_tcp_connection=False),
        "AsyncCerebras": partial(AsyncCerebras, api_key="k", base_url=url, warm_tcp_connection=False),
    },
    Colour('Cerebras(http_client=cached_client(library="httpx"), warm_tcp_connection=False)', "Cerebras()", chat_calls()),
    Colour('AsyncCerebras(http_client=cached_async_client(library="httpx"), warm_tcp_connection=False)', "AsyncCerebras()", chat_calls()),
    chat_text,
    model=strictly,
)


def _ollama_turn(client: Any, answer: Any) -> Any:
    messages: list[Any] = messages_of("How warm is it in Oslo?")
    if answer is not None:
        messages += [answer.message, {"role": "tool", "tool_name": "degrees", "content": "4"}]
    return client.chat(model="m", messages=messages, tools=[TOOL])


_OLLAMA = Calls(
    ask=lambda client, prompt: client.chat(**chat(prompt)),
    stream=lambda client: client.chat(**chat("hello"), stream=True),
    embed=lambda client: reading(client.embed(model="m", input="hi"), lambda answer: list(answer.embeddings[0])),
    tools=_ollama_turn,
)
OLLAMA = Row(
    "ollama",
    "ollama",
    "httpx",
    lambda url: {"Client": partial(ollama.Client, host=url), "AsyncClient": partial(ollama.AsyncClient, host=url)},
    Colour("Client(transport=CacheTransport(cache))", "Client()", _OLLAMA),
    Colour("AsyncClient(transport=AsyncCacheTransport(cache))", "AsyncClient()", _OLLAMA),
    lambda answer: answer.message.content,
    model=strictly,
)


# -- Hugging Face -----------------------------------------------------------------------------------------------------


def _hugging_face_turn(client: Any, answer: Any) -> Any:
    return client.chat_completion(after(answer, dict), model="m", tools=[TOOL])


def _hugging_face_reset() -> None:
    huggingface_hub.set_client_factory(_http.default_client_factory)
    huggingface_hub.set_async_client_factory(_http.default_async_client_factory)


_HUGGING_FACE = Calls(
    ask=lambda client, prompt: client.chat_completion(messages_of(prompt), model="m"),
    stream=lambda client: client.chat_completion(messages_of("hello"), model="m", stream=True),
    tools=_hugging_face_turn,
)
HUGGING_FACE = Row(
    "huggingface_hub",
    "huggingface-hub",
    "httpx2",
    lambda url: {
        "set_client_factory": huggingface_hub.set_client_factory,
        "set_async_client_factory": huggingface_hub.set_async_client_factory,
        "InferenceClient": partial(huggingface_hub.InferenceClient, base_url=url, api_key="k"),
        "AsyncInferenceClient": partial(huggingface_hub.AsyncInferenceClient, base_url=url, api_key="k"),
    },
    Colour("set_client_factory(cached_client); InferenceClient()", "InferenceClient()", _HUGGING_FACE),
    Colour("set_async_client_factory(cached_async_client); AsyncInferenceClient()", "AsyncInferenceClient()", _HUGGING_FACE),
    chat_text,
    reset=_hugging_face_reset,
)

ROWS = [COHERE, TOGETHER, CEREBRAS, OLLAMA, HUGGING_FACE]
