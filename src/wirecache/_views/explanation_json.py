"""JSON for ``explain``: the check of the request, and the explanation."""

from __future__ import annotations

from typing import Any

from wirecache._caches.explain import Explanation, request_of

__all__ = ["check_request", "explanation_json"]

MEMBERS = frozenset({"method", "url", "headers", "body"})


def check_request(request: Any) -> None:
    """Raise ``ValueError`` unless it is a request that ``Cache.explain`` takes."""
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        raise ValueError("the request must be a JSON object with url, and optionally method, headers and body")
    if unknown := request.keys() - MEMBERS:
        raise ValueError(f"a request has only the members {', '.join(sorted(MEMBERS))}, got {', '.join(sorted(unknown))}")
    try:
        request_of(request)
    except (AttributeError, TypeError) as error:
        raise ValueError(str(error)) from None


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as JSON."""
    nearest = explanation.nearest
    return {
        "hit": explanation.reason is None,
        "reason": explanation.reason,
        "rule": explanation.rule,
        "key": explanation.key,
        "found": explanation.found,
        "age": explanation.age,
        "canonical": explanation.canonical,
        "uncounted": list(explanation.uncounted),
        "nearest": nearest and {"key": nearest.entry.key, "differences": [difference._asdict() for difference in nearest.differences]},
    }
