"""The answer to a request that may not be sent: it says what was requested, why nothing was sent, and what to do.

The answer is 424 (Failed Dependency) with a JSON error: the one signal that every SDK raises at once with its message, after a single
attempt (a 504 is retried for seconds; an exception becomes "Connection error.").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from wirecache._core.flows.spending import EXCEEDED, UNPRICED, UNREADABLE
from wirecache._core.headers import HeaderPairs
from wirecache._core.messages import Entry, Request
from wirecache._core.privacy.names import redacted_url
from wirecache._core.quantity import quantity
from wirecache._core.rules.record_modes import CassettePlan
from wirecache._core.status import CacheStatus

__all__ = [
    "LISTENING", "REFUSED", "SESSION_END", "WRONG", "Refusal", "explain_bypass", "explain_end", "explain_miss", "explain_missing_items",
    "explain_unrecordable", "explain_unrecorded", "refusal",
]  # fmt: skip

REFUSED = 424  # RFC 4918 section 11.4
WRONG = 400  # an invalid option of the call: answered in the same way, since an exception would not reach the caller

# What an MCP server that sends no messages of its own, or ends sessions itself, answers; its client then carries on.
NOT_OFFERED = 405
LISTENING = "listening"
SESSION_END = "session-end"

_LIVE = {
    "stream": 'it asks for a stream, and streams are only stored with streams="record" (or WIRECACHE_STREAMS=record)',
    "background": 'it asks for a background job ("background": true), whose answer must be polled live',
    "json-rpc": "it is a message of JSON-RPC (to an MCP server, for instance), which may do something each time",
    "body-size": "its body is larger than the cache holds in memory",
    "upgrade": "it asks for a websocket",
    LISTENING: "it listens for messages of an MCP server until the session is over",
    "no-body": "it has no body",
    "stateful": "the server would keep it, and go on from it",
    "conditional": "it validates an answer that the caller holds, or asks for a part",
    "no-store": "it says so itself (Cache-Control: no-store)",
    "normalize-error": "KeyOptions(normalize=...) raised an error",
    "rule": "a rule of yours closes this path",
}


def explain_miss(request: Request, endpoint: str, model: str | None, *, stream: bool = False) -> str:
    """Return the message for a miss offline: what is missing, and how to store it."""
    of_model = f" of model {_without_secrets(model)!r}" if model else ""
    how = ' and streams="record" (or WIRECACHE_STREAMS=record), and read the stream to its end' if stream else ""
    return (
        f"wirecache is offline and has no stored answer for {request.method} {redacted_url(request)} ({endpoint}{of_model}). "
        'Nothing was sent. To store it, make this call once with mode="auto" (or WIRECACHE_MODE=auto)'
        f"{how}. If you did, the request differs from the stored one (another model, prompt or parameter), "
        "or it lies in another store or namespace."
    )


def explain_missing_items(request: Request, model: str | None, missing: int, items: int) -> str:
    """Return the message for a miss offline when a request is looked up item by item."""
    are = "is" if missing == 1 else "are"
    return f"{missing:,} of {quantity(items, 'item')} {are} not stored: {explain_miss(request, 'embeddings', model)}"


def explain_bypass(request: Request, reason: str) -> str:
    """Return the message for a request that is never cached: why, and how to let it through."""
    why = _LIVE.get(reason, "only inference requests are stored, and this path is not one that wirecache knows")
    return (
        f"wirecache is offline and cannot answer {request.method} {redacted_url(request)}: {why}. "
        'Nothing was sent. Use mode="auto" (or WIRECACHE_MODE=auto) to let it through.'
    )


def explain_unrecorded(request: Request, model: str | None, cassette: CassettePlan) -> str:
    """Return the message for a miss on a cassette: what is missing, and how to record it."""
    of_model = f" of model {model!r}" if model else ""
    return (
        f"The cassette {cassette.name} has no recording of {request.method} {redacted_url(request)}{of_model} "
        f"(record mode {cassette.record_mode}). "
        f"Nothing was sent.\nTo record it: {cassette.how_to_record}"
    )


def explain_unrecordable(request: Request, reason: str, cassette: CassettePlan) -> str:
    """Return the message for a request that a cassette cannot hold."""
    return (
        f"The cassette {cassette.name} cannot hold {request.method} {redacted_url(request)}: {_LIVE[reason]}. "
        f"Nothing was sent (record mode {cassette.record_mode})."
    )


def explain_end(request: Request, entry: Entry, file: str, cassette: CassettePlan) -> str:
    """Return the message for a reader that wants more than the recorded one read. ``file``: the name of the recording."""
    return (
        f"The cassette {cassette.name} holds {request.method} {redacted_url(request)} only as far as its reader read it: when {file} was "
        f"recorded, that reader stopped after {quantity(len(entry.body), 'byte')}, and now more is wanted. "
        f"Nothing was sent.\nTo record all of it: delete {file}, and {cassette.how_to_record}"
    )


class Refusal(NamedTuple):
    """The answer to a request that may not be sent: HTTP status, headers and body."""

    code: int
    headers: HeaderPairs
    body: bytes


_KINDS: Mapping[str, tuple[int, str]] = {
    "config-error": (WRONG, "config_error"),
    **dict.fromkeys((LISTENING, SESSION_END), (NOT_OFFERED, "not_recorded")),
    **dict.fromkeys((EXCEEDED, UNPRICED, UNREADABLE), (REFUSED, "budget_exceeded")),
}


def refusal(message: str, status: CacheStatus) -> Refusal:
    """Return the answer with this message."""
    code, kind = _KINDS.get(status.detail or "", (REFUSED, "not_recorded"))
    error = {"message": _plain(_without_secrets(message)), "type": kind, "code": kind}
    headers = ((b"content-type", b"application/json"), (b"x-should-retry", b"false"))
    return Refusal(code, headers, json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "replace"))


def _without_secrets(text: str) -> str:
    from wirecache._core.privacy.redaction import DEFAULT  # imported late: hits and other misses do not need it

    return DEFAULT.text(text)


def _plain(message: str) -> str:
    """Return the message on one line, without double quotes: SDKs show the ``repr`` of the error, or its JSON, which would escape them."""
    return " ".join(message.replace('"', "'").split())
