"""``warm``: puts many calls into the cache ahead of time, sending them as any client does, some concurrently.

What is in the cache already is a hit, so an interrupted run continues where it stopped; there is no state but the store.
"""

from __future__ import annotations

import importlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

from wirecache._caches.cache import Cache
from wirecache._caches.explain import bypass_reason
from wirecache._clients.rate_limit import limit_rate, parse_rate
from wirecache._clients.retries import retrying
from wirecache._clients.select import cached_async_client
from wirecache._core.flows.spending import EXCEEDED
from wirecache._core.keys.keys import request_from
from wirecache._core.llm.batches import BatchRequest, custom_id_of, json_body, live_url, parse_request
from wirecache._core.privacy.patterns import redacted_text
from wirecache._core.status import CacheStatus
from wirecache.errors import ConfigError

__all__ = ["WarmError", "WarmReport", "WarmRun", "awarm", "warm"]

DEFAULT_BASE_URL = "https://api.openai.com/v1"
TIMEOUT = 600.0  # seconds for a response, as in the SDKs
MAX_ERROR_LENGTH = 300  # characters of the provider's error message
_KEY_HEADERS = frozenset({"authorization", "api-key", "x-api-key"})

Line: TypeAlias = Mapping[str, Any] | str | bytes  # a call: {"custom_id", "method", "url", "body"}, also as JSON


@dataclass(frozen=True, slots=True)
class WarmError:
    """A call that has no answer in the cache, and why. ``id``: its custom_id, or its position in the list."""

    id: str
    reason: str


@dataclass(slots=True)
class WarmReport:
    """The outcome of the calls.

    ``hits``: calls that were in the cache already, or are in the list twice. ``stored``: sent and stored. ``not_stored``: sent but not
    stored, by reason; ``unstored`` lists them. ``seconds``: how long it took. ``stopped``: the run ended before all calls were done.
    ``over_budget``: it ended because a budget was spent.
    """

    hits: int = 0
    stored: int = 0
    not_stored: Counter[str] = field(default_factory=Counter[str])
    errors: list[WarmError] = field(default_factory=list[WarmError])
    seconds: float = 0.0
    stopped: bool = False
    unstored: list[WarmError] = field(default_factory=list[WarmError])
    over_budget: bool = False

    @property
    def total(self) -> int:
        """The number of calls that are done."""
        return self.hits + self.stored + self.not_stored.total() + len(self.errors)


def warm(requests: Iterable[Line], cache: Cache | None = None, **options: Any) -> WarmReport:
    """Send calls through the cache, so that they are hits later: ``awarm`` for code without an event loop.

    ``requests``, ``cache``, ``options``: as for ``awarm``.
    """
    import anyio

    return anyio.run(partial(awarm, requests, cache, **options))


async def awarm(
    requests: Iterable[Line],
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
    """Send calls through the cache, so that they are hits later. Return the outcome.

    ``requests``: as in OpenAI's batch files, ``{"custom_id", "method", "url", "body"}``, as dicts or as lines of JSON. ``base_url``:
    default ``OPENAI_BASE_URL``, else OpenAI's. ``headers``: added to each call; without an API key among them, ``OPENAI_API_KEY`` is
    sent to the base URL. ``concurrency``: calls in flight at once. ``rate``: the maximum of calls sent, per second or as ``"500/m"``; hits
    do not count. ``attempts``: how often to try a call that fails temporarily, with growing pauses. ``on_done``: called after each call.
    ``cache``: None for ``Cache()``. ``library``: of the client that sends, as for ``cached_client``.
    """
    run = WarmRun(cache or Cache(), base_url, headers or {}, attempts, on_done)
    await run.run(requests, concurrency, parse_rate(rate), library)
    return run.report


class WarmRun:
    """One run over a list of calls; options as in ``awarm``."""

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
        self._base_url = (base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL).rstrip("/")
        self._headers = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
        self._attempts = attempts
        self.on_done = on_done
        self._stopped = False

    def stop(self) -> None:
        """Begin no further calls; those in flight are finished and stored. Safe in a signal handler."""
        self._stopped = True

    async def run(
        self,
        lines: Iterable[Line],
        concurrency: int,
        rate: float | None,
        library: Literal["httpx", "httpx2"] | None = None,
    ) -> None:
        """Send the calls, ``concurrency`` at a time and ``rate`` per second; None for no limit."""
        import anyio

        if concurrency < 1:
            raise ConfigError(f"concurrency must be 1 or more, got {concurrency!r}")
        started = time.monotonic()
        pending = ((number, line) for number, line in enumerate(lines, 1) if not isinstance(line, (str, bytes)) or line.strip())
        client: Any = cached_async_client(self._cache, library=library, timeout=TIMEOUT)
        if rate is not None:
            limit_rate(client, rate)
        async with client, anyio.create_task_group() as group:
            for _ in range(concurrency):
                group.start_soon(self._work, client, pending)
        await self._cache.aflush()
        self.report.stopped = self._stopped and next(pending, None) is not None
        self.report.seconds = time.monotonic() - started

    async def _work(self, client: Any, pending: Iterator[tuple[int, Line]]) -> None:
        while not self._stopped and (numbered := next(pending, None)) is not None:
            number, line = numbered
            call_id = custom_id_of(line) or str(number)
            try:
                call = parse_request(line)
                self._count(call_id, await self._send(client, call))
            except ValueError as error:
                self.report.errors.append(WarmError(call_id, str(error)))
            if self.on_done is not None:
                self.on_done(self.report)

    async def _send(self, client: Any, call: BatchRequest) -> CacheStatus:
        """Return what the cache did with the call. Raises ``ValueError`` with the reason why there is no answer."""
        url, content = live_url(self._base_url, call.url), json_body(call.body)
        headers = {**self._headers, **self._authorization(url)}
        if reason := self._bypass_reason(call.method, url, headers, content):
            raise ValueError(f"not sent: the cache does not store such calls ({reason})")
        library = importlib.import_module(type(client).__module__.partition(".")[0])
        send = retrying(library.TransportError, self._attempts, lambda: self._stopped)
        try:
            response = await send(client.request, call.method, url, headers=headers, content=content)
        except (library.RequestError, library.InvalidURL) as error:
            raise ValueError(redacted_text(f"{type(error).__name__}: {error}")) from error
        await self._cache.aflush()  # store what was paid for before the next call begins
        status: CacheStatus = response.extensions["wirecache"]
        if status.detail == EXCEEDED:
            self.report.over_budget = True
            self.stop()
        if response.status_code >= 400:
            raise ValueError(redacted_text(f"status {response.status_code}: {' '.join(response.text.split())[:MAX_ERROR_LENGTH]}"))
        return status

    def _authorization(self, url: str) -> dict[str, str]:
        """Return the header with the environment's API key: for the base URL only, and if no other key was given."""
        key = os.environ.get("OPENAI_API_KEY")
        has_key = any(name.lower() in _KEY_HEADERS for name in self._headers)
        return {"authorization": f"Bearer {key}"} if key and not has_key and url.startswith(f"{self._base_url}/") else {}

    def _bypass_reason(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> str | None:
        """Return why the cache would not look up this call at all, or None if it would."""
        if method in ("GET", "HEAD"):
            return method
        return bypass_reason(self._cache.plan, request_from(method, url, headers), content)

    def _count(self, call_id: str, status: CacheStatus) -> None:
        if status.hit or status.collapsed:
            self.report.hits += 1
        elif status.stored:
            self.report.stored += 1
        else:
            reason = status.detail or "unknown"
            self.report.not_stored[reason] += 1
            self.report.unstored.append(WarmError(call_id, f"answered, but not stored: {reason}"))
