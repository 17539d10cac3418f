"""What is said to a caller whose request may not leave? What was asked, and what to do.

The answer is 424 (Failed Dependency) with a JSON error: the one signal that every SDK passes on at once,
with its message, after one call (504 is retried for seconds, an exception becomes "Connection error.").
"""

from __future__ import annotations

import json

from wirecache._core.messages import HeaderPairs, Request
from wirecache._core.secrets import redacted_url

__all__ = ["REFUSED", "explain_bypass", "explain_miss", "refusal"]

REFUSED = 424  # RFC 4918 section 11.4

_LIVE = {
    "stream": "it asks for a stream, and streams are not stored",
    "background": 'it asks for a background job ("background": true), whose answer must be polled live',
    "body-size": "its body is larger than the cache holds in memory",
    "upgrade": "it asks for a websocket",
    "no-body": "it has no body",
}


def explain_miss(request: Request, endpoint: str, model: str | None) -> str:
    """What is missing, and how does it get into the store?"""
    asked = f" of model {model!r}" if model else ""
    return (
        f"wirecache is offline and has no stored answer for {request.method} {redacted_url(request)} ({endpoint}{asked}). "
        'Nothing was sent. To store it, make this call once with mode="auto" (or WIRECACHE_MODE=auto). '
        "If you did, the request differs from the stored one (another model, prompt or parameter), "
        "or it lies in another store or namespace."
    )


def explain_bypass(request: Request, reason: str) -> str:
    """Why is there no stored answer for such a request, whatever was called before?"""
    why = _LIVE.get(reason, "only inference requests are stored, and this path is not one that wirecache knows")
    return (
        f"wirecache is offline and cannot answer {request.method} {redacted_url(request)}: {why}. "
        'Nothing was sent. Use mode="auto" (or WIRECACHE_MODE=auto) to let it through.'
    )


def refusal(message: str) -> tuple[HeaderPairs, bytes]:
    """The headers and the body of the answer."""
    error = {"message": message, "type": "not_recorded", "code": "not_recorded"}
    return ((b"content-type", b"application/json"), (b"x-should-retry", b"false")), json.dumps({"error": error}).encode()
