"""The application, which handles a client's request from the access checks to the log line."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from wirecache._core.privacy.patterns import redacted_text
from wirecache._core.terminal_text import one_line
from wirecache._engine.engine import CacheLike
from wirecache._proxy.access import Access
from wirecache._proxy.cassettes import Cassettes
from wirecache._proxy.control import HEALTH, Control
from wirecache._proxy.cors import cors_headers, is_preflight, preflight_response
from wirecache._proxy.exchange import Exchanges
from wirecache._proxy.incoming import Incoming, incoming_of
from wirecache._proxy.metrics import Metrics, OpenCall
from wirecache._proxy.refusals import Refused
from wirecache._proxy.upstreams import Route, Upstream, Upstreams

__all__ = ["App"]

logger = logging.getLogger("wirecache.serve")

PING_SECONDS = 15.0  # the shortest known watchdog is Claude Code's, 20 s
_NO_WEBSOCKET = "this proxy speaks no websockets; use HTTP"


class App:
    """An ASGI application that passes requests to their upstreams through a cache.

    ``cache``: a ``Cache`` or ``Cassette``, which is not closed when the application ends. ``upstreams``: URLs by name, beside the built-in
    ones (``PROVIDERS``). ``allow_hosts``: hosts that ``/to/HOST/...`` leads to. ``token``: what callers must send, or None.
    ``server_names``: further names of this server, beside localhost and addresses. ``cors_origins``: pages that may use it.
    ``inject_keys``: keys by upstream, inserted for callers that send ``wirecache`` as their key. ``ping_seconds``: how long an event stream
    may be silent before a comment is sent; 0 sends none.
    """

    def __init__(
        self,
        cache: CacheLike,
        upstreams: Mapping[str, str | Upstream] | None = None,
        *,
        allow_hosts: Iterable[str] = (),
        token: str | None = None,
        server_names: Iterable[str] = (),
        cors_origins: Iterable[str] = (),
        inject_keys: Mapping[str, str] | None = None,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self.cache = cache
        self.upstreams = Upstreams(upstreams, allow_hosts)
        self._access = Access(token, frozenset(name.lower() for name in server_names), frozenset(cors_origins))
        self._metrics = Metrics()
        self._cassettes = Cassettes(cache)
        self._exchanges = Exchanges(ping_seconds, dict(inject_keys or {}))
        self.control = Control(self._cassettes, self._metrics, self._exchanges.clients)
        self._router = Router(self.control.routes(), redirect_slashes=False, default=self._forward, lifespan=self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the application."""
        if scope["type"] == "websocket":
            await _deny_websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._router(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            incoming = incoming_of(scope)
            self._access.check(incoming, needs_token=incoming.path.decode("latin-1") not in HEALTH and not is_preflight(incoming))
            origin = self._access.allowed_origin(incoming)
            scope["wirecache"] = (incoming, origin)
            if is_preflight(incoming) and origin is not None:
                await preflight_response(incoming, origin)(scope, receive, send)
            elif incoming.fields.get(b"upgrade", b"").lower() == b"websocket":
                raise Refused(426, "no_websockets", _NO_WEBSOCKET, {"upgrade": "HTTP/1.1", "connection": "upgrade"})
            elif incoming.path == b"/":
                await self._front_page()(scope, receive, send)
            else:
                await self._router({**scope, "path": incoming.path.decode("latin-1"), "root_path": ""}, receive, send)
        except Refused as refused:
            logger.info("%s refused: %s", scope["method"], one_line(str(refused)))
            await refused.response()(scope, receive, send)
        except HTTPException as error:  # from the router: a wrong method
            await Response(status_code=error.status_code, headers=error.headers)(scope, receive, send)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming, origin = scope["wirecache"]
        if incoming.path.startswith(b"/-/"):
            raise Refused(404, "unknown_endpoint", "there is no such endpoint of the proxy")
        route = self.upstreams.route(incoming.path, incoming.query)
        cache = await self._cassettes.cache_for(incoming.cassette)
        with self._metrics.call(incoming.method, route.upstream.name) as call:
            try:
                extra = cors_headers(origin)
                await self._exchanges.forward(incoming, route, cache=cache, extra=extra, call=call, scope=scope, receive=receive, send=send)
            finally:
                logger.info("%s", _line(incoming, route, call))

    def _front_page(self) -> Response:
        names = "\n".join(f"/{name}/...  {self.upstreams[name].url}" for name in self.upstreams.names())
        return PlainTextResponse(f"wirecache serve\n\n{names}\n")

    @asynccontextmanager
    async def _lifespan(self, app: Any) -> AsyncIterator[None]:
        yield
        self.control.is_stopping = True
        await self._exchanges.clients.aclose()
        await self._cassettes.aclose()


def _line(incoming: Incoming, route: Route, call: OpenCall) -> str:
    """Return the log line of a call, without the query or anything that looks like a secret."""
    upstream = route.upstream.host if route.upstream.name == "to" else route.upstream.name
    path = redacted_text(route.target.partition(b"?")[0].decode("latin-1"))
    end = " client left" if call.has_left else ""
    detail = f" ({call.cache_status.detail})" if call.cache_status is not None and call.cache_status.detail else ""
    parts = f"{incoming.method} {upstream} {path} {call.status} {call.outcome}{detail} {call.seconds * 1000:.1f} ms {call.sent} B{end}"
    return one_line(parts)


async def _deny_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 426 if the server lets an application answer; else refuse the connection."""
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        head = {"type": "websocket.http.response.start", "status": 426, "headers": [(b"upgrade", b"HTTP/1.1"), (b"connection", b"upgrade")]}
        await send(head)
        await send({"type": "websocket.http.response.body", "body": _NO_WEBSOCKET.encode()})
    else:
        await send({"type": "websocket.close", "code": 1003})
