"""cassetter, matching the body too. A recording is replayed once, so each question is recorded as often as it will be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from cassetter import Cassette, MatchConfig, RecordMode
from cassetter._state import current_cassette
from cassetter.intercept._httpx_impl import async_intercept, sync_intercept

from tests.benchmarks.peers.contestant import Contestant, Place, through_openai
from tests.benchmarks.peers.upstream import canned


class Recorded(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport with the functions that cassetter puts around those of a client, for this one client alone."""

    def __init__(self) -> None:
        self._upstream = canned(httpx)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return sync_intercept(httpx, request, self._upstream.handle_request)  # type: ignore[no-any-return]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await async_intercept(httpx, request, self._upstream.handle_async_request)  # type: ignore[no-any-return]


def contestants(place: Place) -> Iterator[Contestant]:
    transport = Recorded()

    def rehearse(action: Callable[[str], Any], prompt: str, times: int) -> None:
        path = place.folder / "cassetter.yaml"
        path.unlink(missing_ok=True)
        with_mode(path, RecordMode.ALL)
        for _ in range(times):
            action(prompt)
        recorded = current_cassette.get()
        assert recorded is not None
        recorded.save()
        with_mode(path, RecordMode.NONE)

    http, async_http = httpx.Client(transport=transport), httpx.AsyncClient(transport=transport)
    yield through_openai("cassetter", "transport", http, async_http, misses=False, rehearse=rehearse)


def with_mode(path: Path, mode: RecordMode) -> None:
    """Open the cassette in this mode for the calls that follow."""
    cassette = Cassette(str(path), record_mode=mode, match_config=MatchConfig(match_on=["method", "uri", "body"]))
    if path.exists():
        cassette.load()
    current_cassette.set(cassette)
