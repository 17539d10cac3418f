"""The state that all pages share: the sources, their index, the prices, the templates, and the undo history."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from wirecache._core.messages import Entry
from wirecache._core.version import __version__
from wirecache._inspector.indexer import Indexer
from wirecache._inspector.key_trial import Trials
from wirecache._inspector.recent_misses import RecentMisses
from wirecache._inspector.search_index import SearchIndex
from wirecache._inspector.source import Source
from wirecache._inspector.templating import environment
from wirecache._views.stats_json import installed_prices
from wirecache.prices import Prices

__all__ = ["Inspector", "Page", "form_of", "json_response"]

MAX_FORM = 64_000_000  # bytes

NAVIGATION = (
    ("exchanges", "/", "Exchanges"),
    ("sessions", "/sessions", "Sessions"),
    ("savings", "/savings", "Savings"),
    ("cassettes", "/cassettes", "Cassettes"),
    ("explain", "/explain", "Why a miss?"),
)


class Inspector:
    """The state of one application. ``read_only``: nothing can be changed by its pages. ``git``: a range of commits to look at.

    ``proxies``: URLs of running proxies, whose misses are shown.
    """

    def __init__(self, sources: Sequence[Source], *, read_only: bool = False, git: str = "", proxies: Sequence[str] = ()) -> None:
        self.sources = list(sources)
        self.read_only = read_only
        self.git = git
        self.done: list[Any] = []  # actions that can be undone, the latest last
        self.index = SearchIndex()
        self.indexer = Indexer(self.sources, self.index, self.prices)
        self.misses = RecentMisses(self.sources, proxies)
        self.trials = Trials()
        self.kept: dict[str, Any] = {}  # values cached by pages, by name
        self._templates = environment()

    @cached_property
    def prices(self) -> Prices | None:
        """The prices, or None if they are not installed."""
        return installed_prices()

    def source(self, id: str) -> Source:
        """Return the source with this id, or end the request with 404."""
        for source in self.sources:
            if source.id == id:
                return source
        raise HTTPException(404, "There is no such store or cassette here.")

    def entry_of(self, request: Request) -> tuple[Source, str, Entry]:
        """Return the exchange that the address names, or end the request with 404."""
        return self.entry(request.path_params["source"], request.path_params["ref"])

    def entry(self, source_id: str, ref: str) -> tuple[Source, str, Entry]:
        """Return the exchange, or end the request with 404."""
        source = self.source(source_id)
        entry = source.read(ref)
        if entry is None:
            raise HTTPException(404, "This exchange is no longer there: it was dropped or replaced meanwhile, or its file cannot be read.")
        return source, ref, entry

    def page(self, request: Request, template: str, section: str = "", status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page. ``section``: the entry of the navigation that it belongs to."""
        self.indexer.touch()
        html = self._templates.get_template(template).render(
            {
                "version": __version__,
                "navigation": NAVIGATION,
                "section": section,
                "sources": self.sources,
                "progress": self.indexer.progress,
                "read_only": self.read_only,
                "done": self.done[-1] if self.done else None,
                "now": time.time(),
                "query": request.query_params.get("q", ""),
                **values,
            }
        )
        return HTMLResponse(html.encode("utf-8", "replace"), status_code=status)

    def error_page(self, request: Request, title: str, detail: str, status: int) -> HTMLResponse:
        """Return a page that says what happened."""
        return self.page(request, "error.html", status=status, title=title, detail=detail)


class Page(NamedTuple):
    """An address and its handler."""

    path: str
    handler: Callable[[Inspector, Request], Response | Awaitable[Response]]
    methods: tuple[str, ...] = ("GET",)


async def form_of(request: Request) -> list[tuple[str, str]]:
    """Return the fields of the submitted form, in order; empty for a request without a body."""
    if request.method != "POST":
        return []
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise HTTPException(413, f"The form is larger than {MAX_FORM:,} bytes.")
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def json_response(value: Any, status: int = 200) -> Response:
    """Return the value as JSON, in ASCII, since lone surrogates cannot be encoded otherwise."""
    return Response(json.dumps(value), status_code=status, media_type="application/json")
