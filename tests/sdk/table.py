"""The SDKs under test, a row each: how each one is given the cached client, and how its main call is made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anthropic
import groq
import mistralai.client
import mistralai.client.errors
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai.types import HttpOptions

from tests.sdk.wire import CHAT_STREAM, GEMINI_STREAM, MESSAGE_STREAM, chat, gemini, message
from wirecache import Cache, cached_async_client, cached_client

Make = Callable[..., Any]  # (sync HTTP client, async HTTP client, url of the provider, **options of the SDK) -> the SDK's client


@dataclass(frozen=True)
class Sdk:
    """One SDK on one HTTP library."""

    name: str
    library: Literal["httpx", "httpx2"]
    make: Make
    make_async: Make
    ask: Callable[[Any, str], Any]  # the main call, with a prompt
    ask_async: Callable[[Any, str], Awaitable[Any]]
    text: Callable[[Any], str]  # what the model said
    stream: Callable[[Any, str], Iterator[str]]
    stream_async: Callable[[Any, str], AsyncIterator[str]]
    models: Callable[[Any], Any]  # a GET
    error: type[Exception]  # what an error status raises
    answer: Callable[[str], Any]  # the provider's answer with that text
    filtered: Any  # the provider's answer when a filter cut it
    events: Sequence[bytes]  # the provider's stream of "one two three"
    parsed: Callable[[Any], Any] = lambda answer: answer  # what of an answer must not depend on how it came
    no_retries: Mapping[str, Any] = field(default_factory=dict)  # the options that switch the SDK's own retries off
    two_sided: bool = False  # one client of the SDK has a sync and an async side, and wants both HTTP clients
    resource: Callable[[Any], Any] | None = None  # where with_raw_response and with_streaming_response are
    arguments: Callable[[str], dict[str, Any]] | None = None
    embed: Callable[[Any, str], Any] | None = None
    vector: Callable[[Any], list[float]] | None = None

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def client(self, cache: Cache, url: str, **options: Any) -> Iterator[Any]:
        """The SDK's sync client with the cache under it."""
        with cached_client(cache, library=self.library) as http:
            other = cached_async_client(cache, library=self.library) if self.two_sided else None
            yield self.make(http, other, url, **options)

    @asynccontextmanager
    async def async_client(self, cache: Cache, url: str, **options: Any) -> AsyncIterator[Any]:
        """The SDK's async client with the cache under it."""
        async with cached_async_client(cache, library=self.library) as http:
            other = cached_client(cache, library=self.library) if self.two_sided else None
            yield self.make_async(other, http, url, **options)


def messages_of(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


# -- OpenAI, and Groq, whose SDK has the same shape -----------------------------------------------------------------


def chat_arguments(prompt: str) -> dict[str, Any]:
    return {"model": "m", "messages": messages_of(prompt)}


def _chat(client: Any) -> Any:
    return client.chat.completions


def _ask_chat(client: Any, prompt: str) -> Any:
    return client.chat.completions.create(**chat_arguments(prompt))


def _chat_text(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def _stream_chat(client: Any, prompt: str) -> Iterator[str]:
    for chunk in client.chat.completions.create(**chat_arguments(prompt), stream=True):
        yield chunk.choices[0].delta.content


async def _stream_chat_async(client: Any, prompt: str) -> AsyncIterator[str]:
    async for chunk in await client.chat.completions.create(**chat_arguments(prompt), stream=True):
        yield chunk.choices[0].delta.content


def _openai(name: str, library: Literal["httpx", "httpx2"]) -> Sdk:
    return Sdk(
        name=name,
        library=library,
        make=lambda http, _, url, **more: openai.OpenAI(api_key="k", base_url=f"{url}/v1", http_client=http, **more),
        make_async=lambda _, http, url, **more: openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", http_client=http, **more),
        ask=_ask_chat,
        ask_async=_ask_chat,
        text=_chat_text,
        stream=_stream_chat,
        stream_async=_stream_chat_async,
        models=lambda client: client.models.list(),
        error=openai.APIStatusError,
        answer=chat,
        filtered=chat("", "content_filter"),
        events=CHAT_STREAM,
        no_retries={"max_retries": 0},
        resource=_chat,
        arguments=chat_arguments,
        embed=lambda client, text: client.embeddings.create(model="m", input=text),
        vector=lambda answer: answer.data[0].embedding,
    )


OPENAI = _openai("openai", "httpx2")

GROQ = Sdk(
    name="groq",
    library="httpx",
    make=lambda http, _, url, **more: groq.Groq(api_key="k", base_url=url, http_client=http, **more),
    make_async=lambda _, http, url, **more: groq.AsyncGroq(api_key="k", base_url=url, http_client=http, **more),
    ask=_ask_chat,
    ask_async=_ask_chat,
    text=_chat_text,
    stream=_stream_chat,
    stream_async=_stream_chat_async,
    models=lambda client: client.models.list(),
    error=groq.APIStatusError,
    answer=chat,
    filtered=chat("", "content_filter"),
    events=CHAT_STREAM,
    no_retries={"max_retries": 0},
    resource=_chat,
    arguments=chat_arguments,
)


# -- Anthropic ------------------------------------------------------------------------------------------------------


def _message_arguments(prompt: str) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": messages_of(prompt)}


def _ask_message(client: Any, prompt: str) -> Any:
    return client.messages.create(**_message_arguments(prompt))


def _stream_message(client: Any, prompt: str) -> Iterator[str]:
    with client.messages.stream(**_message_arguments(prompt)) as stream:
        yield from stream.text_stream


async def _stream_message_async(client: Any, prompt: str) -> AsyncIterator[str]:
    async with client.messages.stream(**_message_arguments(prompt)) as stream:
        async for text in stream.text_stream:
            yield text


ANTHROPIC = Sdk(
    name="anthropic",
    library="httpx2",
    make=lambda http, _, url, **more: anthropic.Anthropic(api_key="k", base_url=url, http_client=http, **more),
    make_async=lambda _, http, url, **more: anthropic.AsyncAnthropic(api_key="k", base_url=url, http_client=http, **more),
    ask=_ask_message,
    ask_async=_ask_message,
    text=lambda answer: answer.content[0].text,
    stream=_stream_message,
    stream_async=_stream_message_async,
    models=lambda client: client.models.list(),
    error=anthropic.APIStatusError,
    answer=message,
    filtered=message("", "refusal"),
    events=MESSAGE_STREAM,
    no_retries={"max_retries": 0},
    resource=lambda client: client.messages,
    arguments=_message_arguments,
)


# -- Gemini ---------------------------------------------------------------------------------------------------------


def _genai(http: Any, async_http: Any, url: str) -> genai.Client:
    options = HttpOptions(httpx_client=http, httpx_async_client=async_http, base_url=url)
    return genai.Client(api_key="k", http_options=options)


def _stream_genai(client: Any, prompt: str) -> Iterator[str]:
    for chunk in client.models.generate_content_stream(model="m", contents=prompt):
        yield chunk.text


async def _stream_genai_async(client: Any, prompt: str) -> AsyncIterator[str]:
    async for chunk in await client.aio.models.generate_content_stream(model="m", contents=prompt):
        yield chunk.text


GENAI = Sdk(
    name="google-genai",
    library="httpx2",
    make=_genai,
    make_async=_genai,
    ask=lambda client, prompt: client.models.generate_content(model="m", contents=prompt),
    ask_async=lambda client, prompt: client.aio.models.generate_content(model="m", contents=prompt),
    text=lambda answer: answer.text,
    stream=_stream_genai,
    stream_async=_stream_genai_async,
    models=lambda client: list(client.models.list(config={"query_base": True})),
    error=genai_errors.APIError,
    answer=gemini,
    filtered=gemini("", "SAFETY"),
    events=GEMINI_STREAM,
    two_sided=True,
    parsed=lambda answer: answer.model_dump(exclude={"sdk_http_response"}),  # its headers tell of the hit
    embed=lambda client, text: client.models.embed_content(model="m", contents=text),
    vector=lambda answer: answer.embeddings[0].values,
)


# -- Mistral --------------------------------------------------------------------------------------------------------


def _mistral(http: Any, async_http: Any, url: str) -> mistralai.client.Mistral:
    return mistralai.client.Mistral(api_key="k", client=http, async_client=async_http, server_url=url)


def _stream_mistral(client: Any, prompt: str) -> Iterator[str]:
    with client.chat.stream(**chat_arguments(prompt)) as stream:
        for event in stream:
            yield event.data.choices[0].delta.content


async def _stream_mistral_async(client: Any, prompt: str) -> AsyncIterator[str]:
    async with await client.chat.stream_async(**chat_arguments(prompt)) as stream:
        async for event in stream:
            yield event.data.choices[0].delta.content


MISTRAL = Sdk(
    name="mistral",
    library="httpx2",
    make=_mistral,
    make_async=_mistral,
    ask=lambda client, prompt: client.chat.complete(**chat_arguments(prompt)),
    ask_async=lambda client, prompt: client.chat.complete_async(**chat_arguments(prompt)),
    text=_chat_text,
    stream=_stream_mistral,
    stream_async=_stream_mistral_async,
    models=lambda client: client.models.list(),
    error=mistralai.client.errors.MistralError,
    answer=chat,
    filtered=chat("", "error"),
    events=CHAT_STREAM,
    two_sided=True,
    embed=lambda client, text: client.embeddings.create(model="m", inputs=[text]),
    vector=lambda answer: answer.data[0].embedding,
)

SDKS = [OPENAI, _openai("openai-on-httpx", "httpx"), ANTHROPIC, GROQ, GENAI, MISTRAL]
WITH_RAW_RESPONSE = [sdk for sdk in SDKS if sdk.resource]
WITH_EMBEDDINGS = [sdk for sdk in SDKS if sdk.embed]
