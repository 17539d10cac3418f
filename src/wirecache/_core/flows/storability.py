"""May this answer be stored, and if not, why not? Only what is whole and good is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jiter

from wirecache._core.headers import content_media_type
from wirecache._core.messages import Head

__all__ = ["MALFORMED", "UNFINISHED", "answer_refusal_reason", "bad_end_reason", "head_refusal_reason", "parse_answer", "parse_json"]

# The statuses of a Responses answer (OpenAI) or an interaction (Google) that is not complete, or never will be.
UNFINISHED = frozenset({"queued", "in_progress", "failed", "cancelled", "budget_exceeded", "requires_continuation"})

# The finish reasons of generations that were cut by a filter, failed, or ended in a malformed tool call, and our own names for them.
# "length" and its like are absent on purpose: the request set that limit.
BAD_ENDS: dict[str, str] = {
    "content_filter": "content-filter",  # OpenAI, Azure, Groq, Together
    "refusal": "content-filter",  # Anthropic
    "safety": "content-filter",  # Gemini, this and the following
    "recitation": "content-filter",
    "blocklist": "content-filter",
    "prohibited_content": "content-filter",
    "spii": "content-filter",
    "image_safety": "content-filter",
    "image_prohibited_content": "content-filter",
    "image_recitation": "content-filter",
    "language": "content-filter",
    "model_armor": "content-filter",
    "escalation": "content-filter",
    "pup_limited_disabled": "content-filter",
    "other": "error",
    "image_other": "error",
    "no_image": "error",
    "finish_reason_unspecified": "error",
    "error": "error",  # Mistral, Cohere, Together
    "error_toxic": "content-filter",  # Cohere v1
    "error_limit": "error",
    "timeout": "error",
    "user_cancel": "error",
    "malformed_function_call": "malformed-call",  # Gemini
    "unexpected_tool_call": "malformed-call",
    "too_many_tool_calls": "malformed-call",
    "malformed_response": "malformed-call",
    "missing_thought_signature": "malformed-call",
    "content_filtered": "content-filter",  # Bedrock, this and the following
    "guardrail_intervened": "content-filter",
    "malformed_model_output": "malformed-call",
    "malformed_tool_use": "malformed-call",
}

MALFORMED = object()


def head_refusal_reason(head: Head) -> str | None:
    """Return why an answer with this status and these headers is not stored, or None."""
    if not 200 <= head.status < 300 or head.status == 206:
        return f"status-{head.status}"
    if head.fields.get(b"content-type", b"").lower().startswith(b"text/html"):
        return "html"  # the page of a gateway, not an answer
    return None


def parse_answer(head: Head, body: bytes) -> Any:
    """Return the JSON of an answer; ``MALFORMED`` if it is declared as JSON but is not; None if it is something else (audio, text)."""
    kind = content_media_type(head.fields)
    declared = kind == b"application/json" or kind.endswith(b"+json")
    if not declared and (kind or body[:1] not in (b"{", b"[")):
        return None
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Return the JSON value, or ``MALFORMED``.

    What the strict parser refuses but Python's accepts is a value: a token limit may cut an emoji in two, which leaves a lone surrogate.
    """
    try:
        return jiter.from_json(body, cache_mode="keys")
    except ValueError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return MALFORMED


def answer_refusal_reason(answer: Any, body: bytes) -> str | None:
    """Return why a whole answer is not stored, or None."""
    if not body:
        return "empty"
    if answer is MALFORMED:
        return "malformed"
    if isinstance(answer, list) and any(isinstance(item, dict) and item.get("error") is not None for item in answer):
        return "error"
    if not isinstance(answer, dict):
        return None
    if answer.get("error") is None and isinstance(status := answer.get("status"), str) and status in UNFINISHED:
        return f"status-{status}"
    if reason := bad_end_reason(answer):
        return reason
    if answer.get("choices") == [] or answer.get("candidates") == [] or answer.get("done") is False:  # done: Ollama
        return "no-answer"
    return None


def bad_end_reason(answer: dict[str, Any]) -> str | None:
    """Return why an answer, or a part of a streamed one, is not good by its own account; None if it is."""
    if answer.get("error") is not None:
        return "error"
    if _is_filtered(answer):
        return "content-filter"
    return next((BAD_ENDS[reason] for reason in _finish_reasons(answer) if reason in BAD_ENDS), None)


def _is_filtered(answer: dict[str, Any]) -> bool:
    """Return whether Gemini blocked the prompt, or a filter of OpenAI's Responses cut the answer."""
    feedback, incomplete = answer.get("promptFeedback"), answer.get("incomplete_details")
    return bool(
        (isinstance(feedback, dict) and feedback.get("blockReason"))
        or (isinstance(incomplete, dict) and incomplete.get("reason") == "content_filter")
    )


def _finish_reasons(answer: dict[str, Any]) -> Iterator[str]:
    """Yield the finish reason of each generation of the answer, in lower case."""
    generations = [answer.get(name) for name in ("choices", "candidates", "generations")]
    for item in (answer, *(item for items in generations if isinstance(items, list) for item in items)):
        if isinstance(item, dict):
            for name in ("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason"):
                if isinstance(reason := item.get(name), str):
                    yield reason.lower()
