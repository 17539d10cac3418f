"""vcrpy, matching the body too, from a cassette with one recording and from one with a hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
from vcr.cassette import Cassette
from vcr.matchers import body, method, uri
from vcr.record_mode import RecordMode
from vcr.stubs.httpx_stubs import vcr_handle_async_request, vcr_handle_request

from tests.benchmarks.peers.contestant import Contestant, Place, through_openai
from tests.benchmarks.peers.upstream import canned


class Recorded(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport with the functions that vcrpy puts in the place of httpx's own, for this one transport alone."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._upstream = canned(httpx)
        self.begin()

    def begin(self) -> None:
        """Begin a new cassette."""
        how = {"match_on": (method, uri, body), "allow_playback_repeats": True}
        cassette = Cassette(self._path, record_mode=RecordMode.NEW_EPISODES, **how)
        self._handle = vcr_handle_request(cassette, type(self._upstream).handle_request, httpx)
        self._handle_async = vcr_handle_async_request(cassette, type(self._upstream).handle_async_request, httpx)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._handle(self._upstream, request)  # type: ignore[no-any-return]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._handle_async(self._upstream, request)  # type: ignore[no-any-return]


def contestants(place: Place) -> Iterator[Contestant]:
    for count in (1, 100):
        yield _contestant(Recorded(str(place.folder / f"vcr-{count}.yaml")), count)


def _contestant(transport: Recorded, count: int) -> Contestant:
    http, async_http = httpx.Client(transport=transport), httpx.AsyncClient(transport=transport)

    def rehearse(action: Callable[[str], Any], prompt: str, times: int) -> None:
        transport.begin()
        for number in range(count - 1):
            assert made.ask is not None
            made.ask(f"another question {number}")
        action(prompt)

    name = "vcrpy, 1 recording" if count == 1 else f"vcrpy, {count} recordings"
    made = through_openai(name, "transport", http, async_http, misses=False, rehearse=rehearse)
    return made
