"""The calls of each SDK that stream, a row each: what the provider sends, and how all the events that the SDK makes of it are read."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import openai
from pydantic import BaseModel

from tests import provider_events
from tests.provider import Answer
from tests.sdk.table import ANTHROPIC, GENAI, GROQ, MISTRAL, OPENAI, SDKS, Sdk, chat_arguments, messages_of


class City(BaseModel):
    """What a structured answer is read into."""

    name: str


class Degrees(BaseModel):
    """How warm is it in a city?"""

    city: str


@dataclass(frozen=True)
class Call:
    """One streaming call of an SDK. ``open`` begins it: an iterable, a coroutine for one, or a context manager, as the SDK has it."""

    name: str
    sdk: Sdk
    sent: Sequence[bytes]
    open: Callable[[Any], Any]
    open_async: Callable[[Any], Any]
    failed: Sequence[bytes] | None = None  # the stream with an error event in it
    end: Callable[[Any], Any] | None = None  # what a helper has put together when its stream is over

    def __str__(self) -> str:
        return self.name

    def answer(self, events: Sequence[bytes] | None = None, **how: Any) -> Answer:
        """What the provider sends: the whole stream, or these events."""
        return Answer(200, {"content-type": provider_events.SSE}, self.sent if events is None else events, **how)

    def read(self, client: Any, most: int | None = None) -> list[Any]:
        """Return all events, or the first ones; then close the stream as a program would."""
        events = []
        with _opened(self.open(client)) as stream:
            for event in stream:
                events.append(_plain(event))
                if len(events) == most:
                    break
            else:
                if self.end is not None:
                    events.append(_plain(self.end(stream)))
        return events

    async def read_async(self, client: Any, most: int | None = None) -> list[Any]:
        """Return the events of the async client, as ``read`` does."""
        events = []
        async with _opened_async(self.open_async(client)) as stream:
            async for event in stream:
                events.append(_plain(event))
                if len(events) == most:
                    break
            else:
                if self.end is not None:
                    events.append(_plain(await self.end(stream)))
        return events

    @contextmanager
    def uncached(self, url: str) -> Iterator[Any]:
        """The SDK on a client of the library's own."""
        library = importlib.import_module(self.sdk.library)
        with library.Client() as http:
            yield self.sdk.make(http, library.AsyncClient() if self.sdk.two_sided else None, url)

    @asynccontextmanager
    async def uncached_async(self, url: str) -> AsyncIterator[Any]:
        library = importlib.import_module(self.sdk.library)
        async with library.AsyncClient() as http:
            yield self.sdk.make_async(library.Client() if self.sdk.two_sided else None, http, url)


@contextmanager
def _opened(opened: Any) -> Iterator[Any]:
    if isinstance(opened, AbstractContextManager):
        with opened as stream:
            yield stream
    else:
        try:
            yield opened
        finally:
            opened.close()


@asynccontextmanager
async def _opened_async(opened: Any) -> AsyncIterator[Any]:
    if isinstance(opened, Awaitable):
        opened = await opened
    if isinstance(opened, AbstractAsyncContextManager):
        async with opened as stream:
            yield stream
    else:
        try:
            yield opened
        finally:
            await (opened.aclose() if hasattr(opened, "aclose") else opened.close())


def _plain(event: Any) -> Any:
    """An event as plain values, with its type; without the headers, which tell of the hit."""
    if isinstance(event, BaseModel):
        return type(event).__name__, event.model_dump(exclude={"sdk_http_response"}, warnings=False)
    return event


def _both(begin: Callable[[Any], Any]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """An SDK whose async client has the same methods."""
    return begin, begin


def _create_chat(client: Any) -> Any:
    return client.chat.completions.create(**chat_arguments("hello"), stream=True, stream_options={"include_usage": True})


def _chat_calls(sdk: Sdk) -> Iterator[Call]:
    def helper(**more: Any) -> Any:
        return _both(lambda client: client.chat.completions.stream(**chat_arguments("hello"), **more))

    final: Callable[[Any], Any] = lambda stream: stream.get_final_completion()  # noqa: E731
    tools = {"tools": [openai.pydantic_function_tool(Degrees, name="degrees")]}
    yield Call(f"{sdk}-chat", sdk, provider_events.CHAT, *_both(_create_chat), failed=provider_events.CHAT_ERROR)
    yield Call(f"{sdk}-chat-tool", sdk, provider_events.CHAT_TOOL, *_both(_create_chat), failed=provider_events.CHAT_ERROR)
    yield Call(f"{sdk}-chat-helper", sdk, provider_events.CHAT, *helper(), failed=provider_events.CHAT_ERROR, end=final)
    yield Call(f"{sdk}-chat-helper-structured", sdk, provider_events.CHAT_JSON, *helper(response_format=City), end=final)
    yield Call(f"{sdk}-chat-helper-tool", sdk, provider_events.CHAT_TOOL, *helper(**tools), end=final)


def _openai_calls(sdk: Sdk) -> Iterator[Call]:
    def responses(**more: Any) -> Any:
        return _both(lambda client: client.responses.stream(model="m", input="hello", **more))

    final: Callable[[Any], Any] = lambda stream: stream.get_final_response()  # noqa: E731
    yield from _chat_calls(sdk)
    yield Call(
        f"{sdk}-completions",
        sdk,
        provider_events.COMPLETIONS,
        *_both(lambda client: client.completions.create(model="m", prompt="hello", stream=True)),
    )
    yield Call(
        f"{sdk}-responses",
        sdk,
        provider_events.RESPONSES,
        *_both(lambda client: client.responses.create(model="m", input="hello", stream=True)),
    )
    yield Call(f"{sdk}-responses-helper", sdk, provider_events.RESPONSES, *responses(), end=final)
    yield Call(f"{sdk}-responses-helper-structured", sdk, provider_events.RESPONSES_JSON, *responses(text_format=City), end=final)
    yield Call(
        f"{sdk}-transcript",
        sdk,
        provider_events.TRANSCRIPT,
        *_both(lambda client: client.audio.transcriptions.create(model="m", file=("a.wav", b"RIFF"), stream=True)),
    )
    yield Call(
        f"{sdk}-image", sdk, provider_events.IMAGE, *_both(lambda client: client.images.generate(model="m", prompt="a cat", stream=True))
    )


def _anthropic_calls() -> Iterator[Call]:
    arguments: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": messages_of("hello")}
    create = _both(lambda client: client.messages.create(**arguments, stream=True))
    helper = _both(lambda client: client.messages.stream(**arguments))
    final: Callable[[Any], Any] = lambda stream: stream.get_final_message()  # noqa: E731
    yield Call("anthropic", ANTHROPIC, provider_events.MESSAGES, *create, failed=provider_events.MESSAGES_ERROR)
    yield Call("anthropic-tool", ANTHROPIC, provider_events.MESSAGES_TOOL, *create)
    yield Call("anthropic-helper", ANTHROPIC, provider_events.MESSAGES, *helper, failed=provider_events.MESSAGES_ERROR, end=final)
    yield Call("anthropic-helper-tool", ANTHROPIC, provider_events.MESSAGES_TOOL, *helper, end=final)


CALLS = [
    *_openai_calls(OPENAI),
    next(_chat_calls(next(sdk for sdk in SDKS if sdk.name == "openai-on-httpx"))),
    *_anthropic_calls(),
    Call("groq", GROQ, provider_events.GROQ, *_both(lambda client: client.chat.completions.create(**chat_arguments("hello"), stream=True))),
    Call(
        "gemini",
        GENAI,
        provider_events.GEMINI,
        lambda client: client.models.generate_content_stream(model="m", contents="hello"),
        lambda client: client.aio.models.generate_content_stream(model="m", contents="hello"),
        failed=provider_events.GEMINI_ERROR,
    ),
    Call(
        "interactions",
        GENAI,
        provider_events.INTERACTIONS,
        lambda client: client.interactions.create(model="m", input="hello", stream=True, store=False),
        lambda client: client.aio.interactions.create(model="m", input="hello", stream=True, store=False),
    ),
    Call(
        "mistral",
        MISTRAL,
        provider_events.MISTRAL,
        lambda client: client.chat.stream(**chat_arguments("hello")),
        lambda client: client.chat.stream_async(**chat_arguments("hello")),
    ),
]
# One of each dialect.
_ONE_OF_EACH = ("openai-chat", "openai-responses", "anthropic", "groq", "gemini", "interactions", "mistral")
SOME = [call for call in CALLS if call.name in _ONE_OF_EACH]
FAILING = [call for call in CALLS if call.failed is not None]
