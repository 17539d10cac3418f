"""How are many calls put into the cache ahead of time? Through the real HTTP path, a few at a time; what is there already is a hit.

So a run that was cut short goes on where it was: there is nothing to remember but the store.
"""

from __future__ import annotations

import importlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from wirecache._caches.cache import Cache
from wirecache._caches.explain import explain
from wirecache._clients.select import cached_async_client
from wirecache._core.keys.keys import request_from
from wirecache._core.llm.batches import Asked, asked_in, json_body, live_url
from wirecache._core.privacy.patterns import redacted_text
from wirecache._core.rules.freshness import parse_ttl
from wirecache._core.status import CacheStatus
from wirecache.errors import ConfigError

__all__ = ["DEFAULT_BASE", "WarmError", "WarmReport", "Warming", "awarm", "parse_rate", "warm"]

DEFAULT_BASE = "https://api.openai.com/v1"
AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})  # statuses after which the same call may go well
LONGEST_WAIT = 60.0  # seconds before a call is tried again
TIMEOUT = 600.0  # seconds for an answer, as the SDKs wait
SHOWN = 300  # characters of what a provider says of an error
_KEY_HEADERS = frozenset({"authorization", "api-key", "x-api-key"})


@dataclass(frozen=True, slots=True)
class WarmError:
    """A call that has no answer in the cache now, and why. ``id``: its custom_id, or its place in the list."""

    id: str
    reason: str


@dataclass(slots=True)
class WarmReport:
    """What came of it: ``hits`` were there already (or asked twice), ``stored`` were bought.

    ``not_stored`` were answered, but not with what a cache keeps, by the reason why. ``stopped``: it ended before all were done.
    """

    hits: int = 0
    stored: int = 0
    not_stored: Counter[str] = field(default_factory=Counter[str])
    errors: list[WarmError] = field(default_factory=list[WarmError])
    seconds: float = 0.0
    stopped: bool = False

    @property
    def total(self) -> int:
        """How many calls were looked at."""
        return self.hits + self.stored + self.not_stored.total() + len(self.errors)


def warm(requests: Iterable[Mapping[str, Any] | str | bytes], cache: Cache | None = None, **options: Any) -> WarmReport:
    """``awarm`` for code that has no event loop."""
    import anyio

    return anyio.run(partial(awarm, requests, cache, **options))


async def awarm(
    requests: Iterable[Mapping[str, Any] | str | bytes],
    cache: Cache | None = None,
    *,
    base_url: str | None = None,
    headers: Mapping[str, str] | None = None,
    concurrency: int = 8,
    rate: float | str | None = None,
    attempts: int = 6,
    library: Literal["httpx", "httpx2"] | None = None,
    on_done: Callable[[WarmReport], None] | None = None,
) -> WarmReport:
    """Send calls through the cache, so that they are hits later.

    ``requests``: as in OpenAI's batch files, ``{"custom_id", "method", "url", "body"}``, as dicts or as lines of JSON. ``base_url``: else
    ``OPENAI_BASE_URL``, else OpenAI's. ``headers``: go with each call; without a key among them, ``OPENAI_API_KEY`` goes to the base URL.
    ``rate``: calls a second, or ``"500/m"``; hits are none. ``attempts``: how often a call is sent that fails for now, with growing
    pauses. ``on_done``: called after each call.
    """
    warming = Warming(cache or Cache(), base_url, headers or {}, attempts, on_done)
    await warming.run(requests, concurrency, parse_rate(rate), library)
    return warming.report


def parse_rate(rate: float | str | None) -> float | None:
    """Calls a second, from a number or a text such as ``"5/s"`` or ``"500/m"``; None: as fast as it goes."""
    if rate is None:
        return None
    try:
        number, _, unit = str(rate).partition("/")
        a_second = float(number) / (parse_ttl(f"1{unit.strip()}") or 1.0)
        if 0 < a_second < float("inf"):
            return a_second
    except ValueError:
        pass
    raise ConfigError(f'rate= is {rate!r}; allowed: calls a second, or a text such as "5/s", "500/m", "10000/h"')


class Warming:
    """One run over a list of calls."""

    def __init__(
        self,
        cache: Cache,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        attempts: int = 6,
        on_done: Callable[[WarmReport], None] | None = None,
    ) -> None:
        self.report = WarmReport()
        self._cache = cache
        self._base = (base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE).rstrip("/")
        self._headers = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
        self._attempts = attempts
        self.on_done = on_done
        self._stopped = False

    def stop(self) -> None:
        """Begin no further call; those under way are finished and stored."""
        self._stopped = True

    async def run(
        self,
        requests: Iterable[Mapping[str, Any] | str | bytes],
        concurrency: int,
        rate: float | None,
        library: Literal["httpx", "httpx2"] | None = None,
    ) -> None:
        """Send them, so many at a time."""
        import anyio

        if concurrency < 1:
            raise ConfigError(f"concurrency= is {concurrency!r}; allowed: 1, 2, ...")
        started = time.monotonic()
        waiting = ((at, line) for at, line in enumerate(requests, 1) if not isinstance(line, (str, bytes)) or line.strip())
        client: Any = cached_async_client(self._cache, library=library, timeout=TIMEOUT)
        _paced(client, rate)
        async with client, anyio.create_task_group() as group:
            for _ in range(concurrency):
                group.start_soon(self._work, client, waiting)
        await self._cache.aflush()
        self.report.stopped = self._stopped and next(waiting, None) is not None
        self.report.seconds = time.monotonic() - started

    async def _work(self, client: Any, waiting: Iterator[tuple[int, Any]]) -> None:
        while not self._stopped and (following := next(waiting, None)) is not None:
            number, line = following
            name = str(number)
            try:
                asked = asked_in(line)
                name = asked.id or name
                self._count(name, *await self._send(client, asked))
            except ValueError as error:
                self.report.errors.append(WarmError(name, str(error)))
            if self.on_done is not None:
                self.on_done(self.report)

    async def _send(self, client: Any, asked: Asked) -> tuple[CacheStatus | None, str]:
        """What the cache made of the answer, or why there is none."""
        url, content = live_url(self._base, asked.url), json_body(asked.body)
        headers = {**self._headers, **self._credential(url)}
        if reason := self._would_pass_by(asked.method, url, headers, content):
            raise ValueError(f"not sent: a cache stores no such call ({reason})")
        library = importlib.import_module(type(client).__module__.partition(".")[0])
        try:
            answer = await self._retrying(library.TransportError)(client.request, asked.method, url, headers=headers, content=content)
        except (library.TransportError, library.InvalidURL) as error:
            return None, f"{type(error).__name__}: {error}"
        await self._cache.aflush()  # what is paid for is on disk before the next call begins
        status: CacheStatus = answer.extensions["wirecache"]
        if answer.status_code >= 400:
            return None, f"status {answer.status_code}: {' '.join(answer.text.split())[:SHOWN]}"
        return status, ""

    def _credential(self, url: str) -> dict[str, str]:
        """The key of the environment, for the base URL only."""
        key = os.environ.get("OPENAI_API_KEY")
        known = any(name.lower() in _KEY_HEADERS for name in self._headers)
        return {"authorization": f"Bearer {key}"} if key and not known and url.startswith(f"{self._base}/") else {}

    def _would_pass_by(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> str | None:
        """Why would the cache not even look at it?"""
        asked = request_from(method, url, headers)
        if method in ("GET", "HEAD"):
            return method
        told = explain(asked, content, self._cache.plan, time.time(), lambda key: None, lambda *_: None)
        return told.reason.removeprefix("bypassed: ") if told.reason and told.reason.startswith("bypassed: ") else None

    def _count(self, name: str, status: CacheStatus | None, error: str) -> None:
        if status is None:
            self.report.errors.append(WarmError(name, redacted_text(error)))
        elif status.hit or status.collapsed:
            self.report.hits += 1
        elif status.stored:
            self.report.stored += 1
        else:
            self.report.not_stored[status.detail or "unknown"] += 1

    # -- trying again -------------------------------------------------------------------------------------------------

    def _retrying(self, passing: type[Exception]) -> Any:
        try:
            import tenacity
        except ImportError as error:
            raise ImportError("warm needs tenacity: pip install 'wirecache[cli]'") from error
        backoff = tenacity.wait_exponential_jitter(initial=0.5, max=LONGEST_WAIT, jitter=0.5)
        return tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(passing) | tenacity.retry_if_result(lambda answer: answer.status_code in AGAIN),
            stop=lambda state: self._stopped or state.attempt_number >= self._attempts,
            wait=lambda state: _asked_for(state) or backoff(state),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        """Pause, but not for long once it is to stop."""
        import anyio

        until = time.monotonic() + seconds
        while not self._stopped and (left := until - time.monotonic()) > 0:  # noqa: ASYNC110  # a signal handler may set no event
            await anyio.sleep(min(left, 0.25))


def _asked_for(state: Any) -> float | None:
    """How long the provider asks to wait, in seconds."""
    if state.outcome is None or state.outcome.failed:
        return None
    headers = state.outcome.result().headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return min(max(float(headers[name]) / unit, 0.001), LONGEST_WAIT)
        except (KeyError, ValueError):  # it may be a date
            continue
    return None


def _paced(client: Any, rate: float | None) -> None:
    """Let no more calls than that go out: below the cache, since a hit goes nowhere."""
    if rate is not None:
        pace = _Pace(rate)
        for transport in (client._transport, *client._mounts.values()):
            if transport is not None:
                transport.next_transport = _Paced(transport.next_transport, pace)


class _Pace:
    """When may the next call go out?"""

    def __init__(self, rate: float) -> None:
        self._between = 1 / rate
        self._next = 0.0

    async def wait(self) -> None:
        import anyio

        now = time.monotonic()
        at, self._next = max(now, self._next), max(now, self._next) + self._between
        await anyio.sleep(at - now)


class _Paced:
    """A transport that waits for its turn."""

    def __init__(self, below: Any, pace: _Pace) -> None:
        self._below = below
        self._pace = pace

    async def handle_async_request(self, request: Any) -> Any:
        await self._pace.wait()
        return await self._below.handle_async_request(request)

    async def aclose(self) -> None:
        await self._below.aclose()

    async def __aenter__(self) -> _Paced:
        await self._below.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._below.__aexit__(*error)
