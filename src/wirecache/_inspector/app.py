"""The application: its routes, its static files, and its error pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from wirecache._core.privacy.patterns import redacted_text
from wirecache._inspector import actions, again, api, cassettes_page, compare, exchange, listing, misses, savings, sessions
from wirecache._inspector.inspector import Inspector, json_response
from wirecache.errors import StoreError

__all__ = ["application"]

MODULES = (
    listing,
    exchange,
    sessions,
    savings,
    cassettes_page,
    misses,
    compare,
    actions,
    again,
    api,
)  # api last, since it answers everything else under /api/
TITLES = {404: "Not found", 405: "Not possible here", 403: "Refused", 400: "That cannot be read", 503: "The store cannot be used now"}


def application(inspector: Inspector) -> Starlette:
    """Return the application, without access control."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        inspector.trials.close()
        inspector.indexer.close()

    def answer(request: Request, status: int, detail: str) -> Response:
        if request.url.path.startswith("/api/"):
            return json_response({"error": detail}, status)
        return inspector.error_page(request, TITLES.get(status, "That did not work"), detail, status)

    def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(request, error.status_code, error.detail)

    def on_store_error(request: Request, error: Exception) -> Response:
        return answer(request, 503, redacted_text(str(error)))

    static = Mount("/static", StaticFiles(directory=Path(__file__).with_name("static")))
    pages = [page for module in MODULES for page in module.ROUTES]
    return Starlette(
        routes=[static, *(Route(page.path, partial(page.handler, inspector), methods=page.methods) for page in pages)],
        exception_handlers={HTTPException: on_http_error, StoreError: on_store_error},
        lifespan=lifespan,
    )
