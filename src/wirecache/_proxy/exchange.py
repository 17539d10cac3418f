"""The exchange of a request that has an upstream: it goes through the cache, and the answer is passed back unchanged."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import anyio
from starlette.types import Receive, Scope, Send

from wirecache._core.headers import HeaderPairs
from wirecache._core.privacy.patterns import redacted_text
from wirecache._engine.engine import CacheLike
from wirecache._proxy.addresses import PrivateAddressError, is_address, is_private, public_only
from wirecache._proxy.clients import Clients
from wirecache._proxy.headers import is_chunked, request_headers
from wirecache._proxy.incoming import Incoming
from wirecache._proxy.injection import with_injected_key
from wirecache._proxy.metrics import OpenCall
from wirecache._proxy.refusals import Refused
from wirecache._proxy.relay import Relay
from wirecache._proxy.request_body import ClientDisconnected, RequestBody, limited_request
from wirecache._proxy.upstreams import Route, Upstream
from wirecache.errors import NotRecorded

__all__ = ["AnswerCut", "Exchanges"]

logger = logging.getLogger("wirecache.serve")

CONNECT_TIMEOUT = 15.0  # seconds
CLOSE_TIMEOUT = 5.0  # seconds for the closing of a connection to upstream


class AnswerCut(Exception):
    """Upstream's answer was cut off: the client must not mistake what it has for all of it."""


class _NoStatusError(Exception):
    """Upstream answered with a status that no server can pass on (RFC 9110 section 15: they are of three digits, from 100 to 599)."""


class Exchanges:
    """Forwards requests through a cache. ``injected``: the keys, by upstream, to insert for callers that send the dummy key."""

    def __init__(self, ping_seconds: float, injected: Mapping[str, str]) -> None:
        self.clients = Clients()
        self._ping_seconds = ping_seconds
        self._injected = injected
        self._request_types: dict[int, type[Any]] = {}

    async def forward(
        self,
        incoming: Incoming,
        route: Route,
        *,
        cache: CacheLike,
        extra: HeaderPairs,
        call: OpenCall,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer the request. If the client disconnects, the upstream request is cancelled. ``extra``: further headers of the answer."""
        body, relay = RequestBody(receive), Relay(send, extra, self._ping_seconds)
        call.relay, call.body = relay, body
        refused: Refused | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(_end_on_disconnect, body, group.cancel_scope, call, relay)
            refused = await self._exchange(incoming, route, cache, body=body, relay=relay, call=call)
            group.cancel_scope.cancel()
        if refused is not None and not relay.has_begun:
            call.status = refused.status
            await refused.response()(scope, receive, send)
        elif refused is not None:
            raise AnswerCut(str(refused))

    async def _exchange(
        self, incoming: Incoming, route: Route, cache: CacheLike, *, body: RequestBody, relay: Relay, call: OpenCall
    ) -> Refused | None:
        """Forward the request and relay the answer. Return the error for the client if there was no complete answer, else None."""
        response = None
        try:
            request = self._request(incoming, route, cache, body)
            response = await self.clients.of(cache)._transport_for_url(request.url).handle_async_request(request)
            call.status, call.cache_status = response.status_code, response.extensions.get("wirecache")
            if not 200 <= call.status < 600:
                raise _NoStatusError(f"its status is {call.status}, which HTTP does not have")
            await relay.send(response, self.clients.library)
            call.cache_status = response.extensions.get("wirecache")
        except ClientDisconnected:
            call.has_left = True
        except NotRecorded as error:
            return Refused(424, "not_recorded", str(error))
        except Exception as error:
            return self._refusal(error, route.upstream)
        finally:
            if response is not None:
                with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
                    await response.aclose()
        return None

    def _request(self, incoming: Incoming, route: Route, cache: CacheLike, body: RequestBody) -> Any:
        incoming, target = with_injected_key(incoming, route, self._injected)
        upstream, http = route.upstream, self.clients.http
        headers = request_headers(incoming, upstream, self.clients.codings(cache))
        has_body = is_chunked(incoming.fields) or incoming.fields.get(b"content-length", b"0").strip(b"0 ") != b""
        timeout = {"connect": CONNECT_TIMEOUT, "read": upstream.timeout, "write": upstream.timeout, "pool": None}
        extensions: dict[str, Any] = {"target": target, "timeout": timeout}
        if not upstream.is_trusted:
            if is_address(upstream.host) and is_private(upstream.host):
                raise PrivateAddressError(upstream.host)
            extensions["trace"] = public_only(upstream.host)
        limit = cache.engine.plan.max_body
        if (request_type := self._request_types.get(limit)) is None:
            request_type = self._request_types[limit] = limited_request(http, limit)
        url = http.URL(scheme=upstream.scheme, host=upstream.host, port=upstream.port, path="/")
        return request_type(incoming.method, url, headers=headers, content=body if has_body else None, extensions=extensions)

    def _refusal(self, error: Exception, upstream: Upstream) -> Refused:
        """Return the error for the client if upstream gave no answer."""
        if isinstance(error, PrivateAddressError):
            message = (
                f"the host {upstream.host} has a private address; start with --allow-host {upstream.authority} (no wildcard) to allow it"
            )
            return Refused(403, "private_address", message)
        reason = redacted_text(f"{type(error).__name__}: {error}".rstrip(": "))
        logger.warning("%s: %s", upstream.url, reason)
        if isinstance(error, self.clients.http.TimeoutException):
            return Refused(504, "upstream_timeout", f"{upstream.url} did not answer in time ({reason})")
        return Refused(502, "upstream_error", f"{upstream.url} gave no answer ({reason})")


async def _end_on_disconnect(body: RequestBody, scope: anyio.CancelScope, call: OpenCall, relay: Relay) -> None:
    """Cancel the exchange if the client disconnects before the end of its answer."""
    await body.wait_for_disconnect()
    if not relay.is_over:
        call.has_left = True
        scope.cancel()
