"""The headers to pass upstream and back: all but those of a connection (RFC 9110 section 7.6.1) and those of the proxy itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set

from wirecache._core.headers import HeaderPairs, content_media_type
from wirecache._proxy.incoming import OWN_FIELDS, Incoming
from wirecache._proxy.upstreams import Upstream

__all__ = ["is_chunked", "request_headers", "response_headers"]

HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
# Headers for the proxy itself: its address, the connection, and its own headers.
_OF_REQUEST = HOP_BY_HOP | OWN_FIELDS | {b"host", b"expect", b"http2-settings", b"accept-encoding", b"content-length"}
# Alt-Svc names another server of upstream's origin, which is not the one that the client speaks to.
_OF_RESPONSE = HOP_BY_HOP | {b"alt-svc"}
_CORS = b"access-control-"


def is_chunked(fields: Mapping[bytes, bytes]) -> bool:
    """Return whether the request has a body of unknown length."""
    return b"transfer-encoding" in fields


def request_headers(incoming: Incoming, upstream: Upstream, codings: Set[str]) -> HeaderPairs:
    """Return the headers for upstream. ``codings``: those that the cache can decode, so that it can store the answer."""
    dropped = _OF_REQUEST | _named_by_connection(incoming.fields)
    pairs = [(b"host", upstream.authority.encode()), *(pair for pair in incoming.headers if pair[0].lower() not in dropped)]
    if (accepted := incoming.fields.get(b"accept-encoding")) is not None:
        pairs.append((b"accept-encoding", _codings_for_both(accepted.decode("latin-1"), codings).encode("latin-1")))
    if is_chunked(incoming.fields):
        pairs.append((b"transfer-encoding", b"chunked"))
    elif b"content-length" in incoming.fields:
        pairs.append((b"content-length", incoming.fields[b"content-length"]))
    return pairs


def response_headers(pairs: HeaderPairs, fields: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Return upstream's headers for the client; event streams are marked so that no intermediate server buffers them."""
    dropped = _OF_RESPONSE | _named_by_connection(fields)
    kept = [pair for pair in pairs if (name := pair[0].lower()) not in dropped and not name.startswith(_CORS)]
    if content_media_type(fields) == b"text/event-stream" and b"x-accel-buffering" not in fields:
        kept.append((b"X-Accel-Buffering", b"no"))
    return kept


def _named_by_connection(fields: Mapping[bytes, bytes]) -> set[bytes]:
    named = {name.strip().lower() for name in fields.get(b"connection", b"").split(b",")}
    return named - {b"content-length", b"content-type", b"host", b"authorization"}  # these belong to the message, not to the connection


def _codings_for_both(accepted: str, codings: Set[str]) -> str:
    """Return the codings that the client accepts and the cache can decode; ``identity`` if there are none."""
    kept = []
    for item in accepted.split(","):
        name = re.split(r"[;\s]", item.strip(), maxsplit=1)[0].lower()
        if name in codings or name == "identity":
            kept.append(item.strip())
        elif name == "*" and "q=0" not in item.replace(" ", "").replace("q=0.", ""):
            kept += sorted(codings)
    return ", ".join(dict.fromkeys(kept)) or "identity"
