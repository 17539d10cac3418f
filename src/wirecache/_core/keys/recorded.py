"""The key of a request on a cassette: a cache's key, but without ids that only link the messages of a session."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from wirecache._core.json_rpc import is_json_rpc, without_ids
from wirecache._core.keys.canonical import Body
from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions, key_of
from wirecache._core.messages import Request

__all__ = ["counted_options", "recorded_key"]

LAST_EVENT = "last-event-id"


def recorded_key(request: Request, body: Body, options: KeyOptions = DEFAULT_KEY, namespace: str = "", sample: int = 0) -> str:
    """Return the key of a request on a cassette. Raises only what ``options.normalize`` raises.

    The ids of JSON-RPC messages do not count. The event after which a stream is resumed does: without it, all such requests would be equal.
    """
    if body.kind == "json" and is_json_rpc(body.value):
        body = body._replace(value=without_ids(body.value))
    return key_of(request, body, counted_options(request, options), namespace, sample)


def counted_options(request: Request, options: KeyOptions) -> KeyOptions:
    """Return the options for recording this request: with the header that resumes a stream, if the request has it."""
    return _with_last_event(options) if LAST_EVENT.encode() in request.fields else options


@lru_cache(maxsize=64)
def _with_last_event(options: KeyOptions) -> KeyOptions:
    return replace(options, headers=(*options.headers, LAST_EVENT))
