"""requests-cache under plain requests: no LLM SDK of today speaks through requests."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

from tests.benchmarks.peers.contestant import URL, Contestant, Place, messages
from tests.benchmarks.peers.upstream import ANSWER, Sent
from tests.benchmarks.transport import HEADERS


class CannedAdapter(BaseAdapter):
    """What stands for the network."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        Sent.count += 1
        raw = HTTPResponse(BytesIO(ANSWER), headers=dict(HEADERS), status=200, preload_content=False, request_method="POST")
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing to close."""


def contestants(place: Place) -> Iterator[Contestant]:
    yield _contestant("requests, no cache", requests.Session(), is_cache=False)
    cached = CachedSession(str(place.folder / "requests.sqlite"), backend="sqlite", allowable_methods=("POST",))
    yield _contestant("requests-cache, SQLite", cached)


def _contestant(name: str, session: requests.Session, **more: Any) -> Contestant:
    session.mount("http://", CannedAdapter())

    def ask(prompt: str) -> Any:
        return session.post(f"{URL}/chat/completions", json={"model": "m", "messages": messages(prompt), "temperature": 0.5}).json()

    return Contestant(name, "HTTP, no SDK", ask=ask, plain="requests, no cache", **more)
