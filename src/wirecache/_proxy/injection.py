"""Injection of the proxy's own key, for callers that send the dummy key, and only to the upstream that the key is for."""

from __future__ import annotations

from collections.abc import Mapping

from wirecache._core.headers import fields_of
from wirecache._proxy.incoming import Incoming
from wirecache._proxy.upstreams import Route

__all__ = ["DUMMY", "with_injected_key"]

DUMMY = b"wirecache"  # what a caller sends as its key to get the proxy's
_KEY_FIELDS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"})


def with_injected_key(incoming: Incoming, route: Route, injected: Mapping[str, str]) -> tuple[Incoming, bytes]:
    """Return the request and its target, with the dummy replaced by the upstream's key."""
    key = injected.get(route.upstream.name)
    if key is None:
        return incoming, route.target
    headers = [(name, _replaced(name, value, key.encode())) for name, value in incoming.headers]
    path, question, query = route.target.partition(b"?")
    pairs = [b"key=" + key.encode() if pair == b"key=" + DUMMY else pair for pair in query.split(b"&")]
    return incoming._replace(headers=headers, fields=fields_of(headers)), path + question + b"&".join(pairs)


def _replaced(name: bytes, value: bytes, key: bytes) -> bytes:
    if name.lower() not in _KEY_FIELDS:
        return value
    scheme, space, credential = value.partition(b" ")
    if value == DUMMY:
        return key
    return scheme + space + key if scheme.lower() == b"bearer" and credential.strip() == DUMMY else value
