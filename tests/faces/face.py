"""One test body, six runs: httpx and httpx2, sync, under asyncio and under trio.

Test bodies are coroutines. A sync face offers the same awaitable methods, which never wait for a loop: it is run to its end by one
``send``. So a body says what users of every face do, and the four faces cannot drift apart.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import anyio

from wirecache import Cache, CacheStatus

TLS = ssl.create_default_context()  # made once: each client would read the certificates anew (20 ms)


@dataclass(frozen=True)
class Face:
    """A library (``httpx``, ``httpx2``) and a colour (``sync``, ``asyncio``, ``trio``)."""

    library: str
    colour: str

    def __str__(self) -> str:
        return f"{self.library}-{self.colour}"

    @property
    def is_async(self) -> bool:
        return self.colour != "sync"

    @property
    def http(self) -> Any:
        """The HTTP library."""
        return importlib.import_module(self.library)

    @property
    def wirecache(self) -> Any:
        """wirecache's module for it."""
        return importlib.import_module(f"wirecache.{self.library}")

    def run(self, body: Callable[[], Awaitable[Any]]) -> Any:
        """Run a test body in this colour."""
        return anyio.run(body, backend=self.colour) if self.is_async else run_to_end(body())

    async def together(self, *bodies: Callable[[], Awaitable[Any]]) -> None:
        """Run bodies at the same time: as tasks, or in threads."""
        if self.is_async:
            async with anyio.create_task_group() as group:
                for body in bodies:
                    group.start_soon(body)
        else:
            with ThreadPoolExecutor(len(bodies)) as pool:
                for done in [pool.submit(lambda body=body: run_to_end(body())) for body in bodies]:
                    done.result()

    def client(self, cache: Cache | None = None, **options: Any) -> Client:
        """``cached_client`` or ``cached_async_client``."""
        make = self.wirecache.cached_async_client if self.is_async else self.wirecache.cached_client
        return Client(make(cache, **{"verify": TLS, **options}), self.is_async)

    def plain_client(self, **options: Any) -> Client:
        """The library's own client."""
        make = self.http.AsyncClient if self.is_async else self.http.Client
        return Client(make(**{"verify": TLS, **options}), self.is_async)

    def cache_transport(self, *arguments: Any) -> Any:
        """``CacheTransport`` or its twin."""
        return (self.wirecache.AsyncCacheTransport if self.is_async else self.wirecache.CacheTransport)(*arguments)

    def network(self, **options: Any) -> Any:
        """The library's own transport."""
        return (self.http.AsyncHTTPTransport if self.is_async else self.http.HTTPTransport)(**{"verify": TLS, **options})

    def transport(self, answer: Callable[[Any], Any]) -> Any:
        """A transport that somebody wrote: ``answer`` is a coroutine function from request to response."""
        if self.is_async:

            class AsyncCustom(self.http.AsyncBaseTransport):  # type: ignore[name-defined,misc]
                async def handle_async_request(self, request: Any) -> Any:
                    return await answer(request)

            return AsyncCustom()

        class Custom(self.http.BaseTransport):  # type: ignore[name-defined,misc]
            def handle_request(self, request: Any) -> Any:
                return run_to_end(answer(request))

        return Custom()

    def hook(self, action: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Any]:
        """An event hook of the client's colour; it is given a ``Reply`` or a request."""

        def acted(event: Any) -> Awaitable[None]:
            return action(Reply(event, self.is_async) if isinstance(event, self.http.Response) else event)

        async def async_hook(event: Any) -> None:
            await acted(event)

        return async_hook if self.is_async else lambda event: run_to_end(acted(event))


FACES = [Face(library, colour) for library in ("httpx", "httpx2") for colour in ("sync", "asyncio", "trio")]


def run_to_end(coroutine: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a sync face waited for an event loop")


class Client:
    """A client of either colour, with awaitable methods."""

    def __init__(self, native: Any, is_async: bool) -> None:
        self.native = native
        self._is_async = is_async

    async def request(self, method: str, url: str, **options: Any) -> Reply:
        """Send, and read the whole answer."""
        return Reply(await awaited(self.native.request(method, url, **options)), self._is_async)

    async def get(self, url: str, **options: Any) -> Reply:
        return await self.request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> Reply:
        return await self.request("POST", url, **options)

    async def send(self, request: Any, **options: Any) -> Reply:
        return Reply(await awaited(self.native.send(request, **options)), self._is_async)

    @asynccontextmanager
    async def stream(self, method: str, url: str, **options: Any) -> AsyncIterator[Reply]:
        """``client.stream(...)``."""
        context = self.native.stream(method, url, **options)
        if self._is_async:
            async with context as response:
                yield Reply(response, self._is_async)
        else:
            with context as response:
                yield Reply(response, self._is_async)

    async def close(self) -> None:
        await awaited(self.native.aclose() if self._is_async else self.native.close())

    async def __aenter__(self) -> Self:
        await awaited(self.native.__aenter__() if self._is_async else self.native.__enter__())
        return self

    async def __aexit__(self, *error: Any) -> None:
        await awaited(self.native.__aexit__(*error) if self._is_async else self.native.__exit__(*error))


class Reply:
    """A response of either colour; what needs no waiting is the response's own."""

    def __init__(self, native: Any, is_async: bool) -> None:
        self.native = native
        self._is_async = is_async

    def __getattr__(self, name: str) -> Any:
        return getattr(self.native, name)

    @property
    def cache_status(self) -> CacheStatus:
        """What the cache did, once it is checked that header and extension agree."""
        status: CacheStatus = self.native.extensions["wirecache"]
        ours = status.header(self.native.status_code)
        assert self.native.headers["cache-status"].endswith(ours)
        return status

    async def read(self) -> bytes:
        content: bytes = await awaited(self.native.aread() if self._is_async else self.native.read())
        return content

    async def close(self) -> None:
        await awaited(self.native.aclose() if self._is_async else self.native.close())

    def over(self, way: str, *arguments: Any) -> Any:
        """``iter_bytes`` and its like, as an async iterator to be closed: ``async with reply.over("iter_raw") as chunks``."""
        native = self.native
        iterator = getattr(native, "a" + way)(*arguments) if self._is_async else _as_async(getattr(native, way)(*arguments))
        return aclosing(iterator)

    async def all(self, way: str, *arguments: Any) -> list[Any]:
        """What that iterator gives."""
        async with self.over(way, *arguments) as chunks:
            return [chunk async for chunk in chunks]


async def _as_async(iterator: Any) -> AsyncIterator[Any]:
    try:
        for item in iterator:
            yield item
    finally:
        iterator.close()


async def awaited(value: Any) -> Any:
    """Return the value, or the result of the coroutine that it is."""
    return await value if isinstance(value, Coroutine) else value
