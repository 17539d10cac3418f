"""The rows of the main environment."""

from __future__ import annotations

from functools import partial
from typing import Any

import anthropic
import groq
import openai
from google import genai
from google.genai.types import Content, FunctionDeclaration, GenerateContentConfig, HttpOptions, Part, Tool
from mistralai.client import Mistral
from pydantic import BaseModel

from tests.sdk.matrix.calls import SCHEMA, TOOL, after, anthropic_calls, chat, chat_calls, chat_text, embed, reading, strictly, transcribe
from tests.sdk.matrix.row import Calls, Colour, Row, plain

__all__ = ["ROWS"]

_ON_OPENAI = chat_calls(embed=embed, transcribe=transcribe)

OPENAI = Row(
    "openai 3",
    "openai",
    "httpx2",
    lambda url: {
        "OpenAI": partial(openai.OpenAI, api_key="k", base_url=f"{url}/v1"),
        "AsyncOpenAI": partial(openai.AsyncOpenAI, api_key="k", base_url=f"{url}/v1"),
    },
    Colour("OpenAI(http_client=cached_client())", "OpenAI()", _ON_OPENAI),
    Colour("AsyncOpenAI(http_client=cached_async_client())", "AsyncOpenAI()", _ON_OPENAI),
    chat_text,
    model=strictly,
)

ANTHROPIC = Row(
    "anthropic",
    "anthropic",
    "httpx2",
    lambda url: {
        "Anthropic": partial(anthropic.Anthropic, api_key="k", base_url=url),
        "AsyncAnthropic": partial(anthropic.AsyncAnthropic, api_key="k", base_url=url),
    },
    Colour("Anthropic(http_client=cached_client())", "Anthropic()", anthropic_calls()),
    Colour("AsyncAnthropic(http_client=cached_async_client())", "AsyncAnthropic()", anthropic_calls()),
    lambda answer: answer.content[0].text,
    model=strictly,
)

GROQ = Row(
    "groq",
    "groq",
    "httpx",
    lambda url: {"Groq": partial(groq.Groq, api_key="k", base_url=url), "AsyncGroq": partial(groq.AsyncGroq, api_key="k", base_url=url)},
    Colour('Groq(http_client=cached_client(library="httpx"))', "Groq()", chat_calls(embed=embed, transcribe=transcribe)),
    Colour('AsyncGroq(http_client=cached_async_client(library="httpx"))', "AsyncGroq()", chat_calls(embed=embed, transcribe=transcribe)),
    chat_text,
    model=strictly,
)


# -- Gemini -----------------------------------------------------------------------------------------------------------

_DEGREES = Tool(function_declarations=[FunctionDeclaration(name="degrees", description="How warm?", parameters_json_schema=SCHEMA)])


def _gemini_turn(models: Any, answer: Any) -> Any:
    contents = [Content(role="user", parts=[Part(text="How warm is it in Oslo?")])]
    if answer is not None:
        result = Content(role="user", parts=[Part.from_function_response(name="degrees", response={"result": 4})])
        contents += [answer.candidates[0].content, result]
    return models.generate_content(model="m", contents=contents, config=GenerateContentConfig(tools=[_DEGREES]))


def _gemini_calls(models: Any) -> Calls:
    return Calls(
        ask=lambda client, prompt: models(client).generate_content(model="m", contents=prompt),
        stream=lambda client: models(client).generate_content_stream(model="m", contents="hello"),
        raw=lambda client: models(client).generate_content(model="m", contents="hello"),
        embed=lambda client: reading(models(client).embed_content(model="m", contents="hi"), lambda answer: answer.embeddings[0].values),
        tools=lambda client, answer: _gemini_turn(models(client), answer),
    )


_GENAI = "genai.Client(http_options=HttpOptions(httpx_client=cached_client(), httpx_async_client=cached_async_client()))"


class _Genai:
    """The module, as the line names it."""

    Client = partial(genai.Client, api_key="k")


GENAI = Row(
    "google-genai",
    "google-genai",
    "httpx2",
    lambda url: {
        "genai": _Genai,
        "HttpOptions": partial(HttpOptions, base_url=url),
        "Client": lambda: genai.Client(api_key="k", http_options=HttpOptions(base_url=url)),
    },
    Colour(_GENAI, "Client()", _gemini_calls(lambda client: client.models)),
    Colour(_GENAI, "Client()", _gemini_calls(lambda client: client.aio.models)),
    lambda answer: answer.text,
    plain=lambda answer: answer.model_dump(exclude={"sdk_http_response"}),  # its headers tell of the hit
    raw_headers=lambda answer: answer.sdk_http_response.headers,
    raw_parsed=lambda answer: answer,
)


# -- Mistral ----------------------------------------------------------------------------------------------------------


def _mistral_turn(complete: Any, answer: Any) -> Any:
    return complete(model="m", messages=after(answer, lambda message: message), tools=[TOOL])


def _mistral_calls(suffix: str) -> Calls:
    sound = {"file_name": "a.wav", "content": b"RIFF"}

    def method(holder: Any, name: str) -> Any:
        return getattr(holder, name + suffix)

    return Calls(
        ask=lambda client, prompt: method(client.chat, "complete")(**chat(prompt)),
        stream=lambda client: method(client.chat, "stream")(**chat("hello")),
        embed=lambda client: reading(
            method(client.embeddings, "create")(model="m", inputs=["hi"]), lambda answer: answer.data[0].embedding
        ),
        transcribe=lambda client: reading(
            method(client.audio.transcriptions, "complete")(model="m", file=sound), lambda answer: answer.text
        ),
        tools=lambda client, answer: _mistral_turn(method(client.chat, "complete"), answer),
    )


_MISTRAL = "Mistral(client=cached_client(), async_client=cached_async_client())"
MISTRAL = Row(
    "mistralai",
    "mistralai",
    "httpx2",
    lambda url: {"Mistral": partial(Mistral, api_key="k", server_url=url)},
    Colour(_MISTRAL, "Mistral()", _mistral_calls("")),
    Colour(_MISTRAL, "Mistral()", _mistral_calls("_async")),
    chat_text,
    plain=lambda answer: plain(answer) if isinstance(answer, BaseModel) else answer,
)

ROWS = [OPENAI, ANTHROPIC, GENAI, MISTRAL, GROQ]
