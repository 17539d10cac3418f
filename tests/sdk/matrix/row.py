"""A row of the matrix: how an SDK is given the cache, as the README writes it, and how it is called."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from wirecache import Cache, attach, cached_async_client, cached_client, detach

__all__ = ["Calls", "Colour", "Hands", "Row", "collect", "plain", "settle"]


@dataclass(frozen=True)
class Calls:
    """What a client is asked. Each is given the client; under async it returns what is awaited or iterated."""

    ask: Callable[[Any, str], Any]
    stream: Callable[[Any], Any] | None = None
    raw: Callable[[Any], Any] | None = None  # the raw response
    embed: Callable[[Any], Any] | None = None
    transcribe: Callable[[Any], Any] | None = None
    tools: Callable[[Any, Any], Any] | None = None  # the turn after that answer; the first one after None


@dataclass(frozen=True)
class Colour:
    """The sync or the async client of an SDK."""

    line: str | None  # how it is given the cache; None: by attach() or install() only
    own: str  # how it is made without
    calls: Calls
    embedder: str | None = None  # the line for another object, if that is what embeds
    without: Mapping[str, str] = field(
        default_factory=dict
    )  # cells that this side has not, and what in the SDK is why; that is checked too


@dataclass(frozen=True)
class Row:
    """One SDK."""

    name: str
    package: str  # as pip knows it
    library: str
    names: Callable[[str], Mapping[str, Any]]  # what the lines name, set up for a provider's URL
    sync: Colour | None
    asynchronous: Colour | None
    text: Callable[[Any], Any]  # what the model said
    turns: int = 2  # calls for a loop with a tool; 1: the framework makes both
    plain: Callable[[Any], Any] = lambda answer: plain(answer)
    model: Callable[[Any], Any] | None = None  # reads an answer's own values strictly; raises if the shape is not the provider's
    raw_headers: Callable[[Any], Any] = lambda raw: raw.headers
    raw_parsed: Callable[[Any], Any] = lambda raw: raw.parse()
    attach_to: str | None = None  # what is attached to, if not the client
    reset: Callable[[], None] = lambda: None  # what lines leave in the SDK's modules

    def __str__(self) -> str:
        return self.name

    @property
    def colours(self) -> list[Colour]:
        """Those that there are."""
        return [colour for colour in (self.sync, self.asynchronous) if colour is not None]


class Hands:
    """Makes clients from the README's lines, on one cache and one event loop, and closes all of them in the end."""

    def __init__(self, row: Row, cache: Cache, url: str) -> None:
        self._row, self.cache, self._url = row, cache, url
        self._made: list[Any] = []
        self._attached: list[Any] = []
        self._alive: list[Any] = []  # a client of google-genai closes itself when nobody holds it, though its stream is being read
        self.loop = asyncio.Runner()

    def make(self, line: str) -> Any:
        """Run the line, as it stands in the README; its last statement is the client."""
        import wirecache.httpx as on_httpx

        *before, last = line.split("; ")
        names = {
            "cache": self.cache,
            "cached_client": self._kept(cached_client),
            "cached_async_client": self._kept(cached_async_client),
            "CacheTransport": on_httpx.CacheTransport,
            "AsyncCacheTransport": on_httpx.AsyncCacheTransport,
            **self._row.names(self._url),
        }
        exec("\n".join(before), names)  # noqa: S102 - it is ours
        self._alive.append(eval(last, names))
        return self._alive[-1]

    def attached(self, line: str) -> Any:
        """Make a client, and attach the cache to it until the end."""
        client = self.make(line)
        self._attached.append(client if self._row.attach_to is None else self.make(self._row.attach_to))
        attach(self._attached[-1], self.cache)
        return client

    def _kept(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def made(**options: Any) -> Any:
            self._made.append(make(self.cache, **options))
            return self._made[-1]

        return made

    def settle(self, value: Any) -> Any:
        return settle(self.loop, value)

    def close(self) -> None:
        for client in self._attached:
            detach(client)  # LangChain's models share HTTP clients
        for client in self._made:
            self.settle(client.aclose()) if hasattr(client, "aclose") else client.close()
        self._row.reset()
        for transport in list(getattr(self.loop.get_loop(), "_transports", {}).values()):  # of clients that cannot be closed
            transport.abort()
        self.settle(asyncio.sleep(0))
        self.loop.close()

    @staticmethod
    @contextmanager
    def on(row: Row, cache: Cache, url: str) -> Iterator[Hands]:
        row.reset()
        hands = Hands(row, cache, url)
        try:
            yield hands
        finally:
            hands.close()


def settle(loop: asyncio.Runner, value: Any) -> Any:
    """What a call returned, awaited if it has to be."""

    async def awaited() -> Any:
        return await value

    return loop.run(awaited()) if inspect.isawaitable(value) else value


def collect(loop: asyncio.Runner, opened: Any, asynchronous: bool, first: Callable[[], None] = lambda: None) -> list[Any]:
    """All events of a stream, however the SDK gives it; ``first`` is called after the first one."""

    async def gathered() -> list[Any]:
        begun = opened if hasattr(opened, "__aiter__") or not inspect.isawaitable(opened) else await opened
        if hasattr(begun, "__aenter__") and not hasattr(begun, "__anext__"):
            async with begun as stream:
                return await awaited(stream)
        return await awaited(begun)

    async def awaited(stream: Any) -> list[Any]:
        events = [await anext(aiter(stream))]
        first()
        return [*events, *[event async for event in stream]]

    def read(stream: Any) -> list[Any]:
        stream = iter(stream)
        events = [next(stream)]
        first()
        return [*events, *stream]

    if asynchronous:
        return loop.run(gathered())
    if hasattr(opened, "__iter__"):
        return read(opened)
    with opened as stream:
        return read(stream)


def plain(value: Any) -> Any:
    """An object of an SDK as plain values, with its type."""
    if isinstance(value, BaseModel):
        return type(value).__name__, value.model_dump(warnings=False)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
