"""CORS: which pages may read the answers. The proxy decides this itself; upstream's ``Access-Control-*`` headers are never passed on."""

from __future__ import annotations

from starlette.responses import Response

from wirecache._core.headers import HeaderPairs
from wirecache._proxy.incoming import Incoming

__all__ = ["cors_headers", "is_preflight", "preflight_response"]

MAX_AGE = 600  # seconds for which a browser may keep the answer to a preflight


def is_preflight(incoming: Incoming) -> bool:
    """Return whether this is a browser's preflight for a request from another origin."""
    return incoming.method == "OPTIONS" and b"origin" in incoming.fields and b"access-control-request-method" in incoming.fields


def cors_headers(origin: bytes | None) -> HeaderPairs:
    """Return the headers that let a page of this origin read an answer; none without an origin."""
    if origin is None:
        return []
    return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", b"*"), (b"vary", b"Origin")]


def preflight_response(incoming: Incoming, origin: bytes) -> Response:
    """Return the answer that lets a page of this origin send its request."""
    response = Response(status_code=204)
    response.headers["access-control-allow-origin"] = origin.decode("latin-1")
    response.headers["access-control-allow-methods"] = "GET, HEAD, POST, PUT, PATCH, DELETE"
    requested = incoming.fields.get(b"access-control-request-headers", b"*").decode("latin-1")
    response.headers["access-control-allow-headers"] = requested
    response.headers["access-control-max-age"] = str(MAX_AGE)
    response.headers["vary"] = "Origin"
    if b"access-control-request-private-network" in incoming.fields:
        response.headers["access-control-allow-private-network"] = "true"
    return response
