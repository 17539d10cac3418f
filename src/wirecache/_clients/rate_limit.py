"""A limit on the rate of calls that are sent."""

from __future__ import annotations

import time
from typing import Any, Self

from wirecache._clients.httpx_internals import HttpClient
from wirecache._core.rules.freshness import parse_ttl
from wirecache.errors import ConfigError

__all__ = ["limit_rate", "parse_rate"]


def parse_rate(rate: float | str | None) -> float | None:
    """Return the calls per second, from a number or a text such as ``"5/s"`` or ``"500/m"``; None for no limit."""
    if rate is None:
        return None
    try:
        number, _, unit = str(rate).partition("/")
        per_second = float(number) / (parse_ttl(f"1{unit.strip()}") or 1.0)
        if 0 < per_second < float("inf"):
            return per_second
    except ValueError:
        pass
    raise ConfigError(f'rate must be a number of calls per second, or a text such as "5/s", "500/m" or "10000/h", got {rate!r}')


def limit_rate(client: HttpClient, rate: float) -> None:
    """Limit the calls that an async client sends to ``rate`` per second: below its cache, since hits are not sent."""
    schedule = _Schedule(rate)
    for transport in (client._transport, *client._mounts.values()):
        if transport is not None:
            transport.next_transport = _RateLimitedTransport(transport.next_transport, schedule)


class _Schedule:
    """The schedule of calls: evenly spaced, shared by all transports of a client."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate  # seconds
        self._next = 0.0  # by the monotonic clock

    async def wait(self) -> None:
        """Sleep until the next call may be sent."""
        import anyio

        now = time.monotonic()
        start = max(now, self._next)
        self._next = start + self._interval
        await anyio.sleep(start - now)


class _RateLimitedTransport:
    """An async transport that waits for its turn before each request."""

    def __init__(self, next_transport: Any, schedule: _Schedule) -> None:
        self._next_transport = next_transport
        self._schedule = schedule

    async def handle_async_request(self, request: Any) -> Any:
        await self._schedule.wait()
        return await self._next_transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._next_transport.aclose()

    async def __aenter__(self) -> Self:
        await self._next_transport.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._next_transport.__aexit__(*error)
