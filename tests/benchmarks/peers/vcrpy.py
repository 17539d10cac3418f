"""vcrpy, matching the body too, from a cassette with one recording and from one with a hundred."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from vcr.cassette import Cassette
from vcr.matchers import body, method, uri
from vcr.record_mode import RecordMode
from vcr.stubs.httpx_stubs import vcr_handle_async_request, vcr_handle_request

from tests.benchmarks.peers.contestant import Contestant, Place, through_openai
from tests.benchmarks.peers.upstream import canned


class Recorded(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport with the functions that vcrpy puts in the place of httpx's own, for this one transport alone."""

    def __init__(self, cassette: Cassette) -> None:
        upstream = canned(httpx)
        self._handle = vcr_handle_request(cassette, type(upstream).handle_request, httpx)
        self._handle_async = vcr_handle_async_request(cassette, type(upstream).handle_async_request, httpx)
        self._upstream = upstream

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._handle(self._upstream, request)  # type: ignore[no-any-return]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._handle_async(self._upstream, request)  # type: ignore[no-any-return]


def contestants(place: Place) -> Iterator[Contestant]:
    for count in (1, 100):
        cassette = Cassette(
            str(place.folder / f"vcr-{count}.yaml"),
            record_mode=RecordMode.NEW_EPISODES, match_on=(method, uri, body), allow_playback_repeats=True,
        )  # fmt: skip
        transport = Recorded(cassette)
        http, async_http = httpx.Client(transport=transport), httpx.AsyncClient(transport=transport)
        name = "vcrpy, 1 recording" if count == 1 else f"vcrpy, {count} recordings"
        made = through_openai(name, "transport", http, async_http, misses=False)
        assert made.ask is not None
        for number in range(count - 1):
            made.ask(f"another question {number}")
        yield made
