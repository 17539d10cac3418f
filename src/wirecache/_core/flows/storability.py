"""May this answer be stored? If not: why not. Only what is whole and good is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jiter

from wirecache._core.headers import media_type
from wirecache._core.messages import Head

__all__ = ["MALFORMED", "UNFINISHED", "answer_refusal_reason", "bad_end", "head_refusal_reason", "parse_answer", "parse_json"]

# The status of a Responses answer (OpenAI) or an interaction (Google) that is none yet, or never will be.
UNFINISHED = frozenset({"queued", "in_progress", "failed", "cancelled", "budget_exceeded", "requires_continuation"})

# How providers say that a generation was cut by a filter, failed, or made a call that nobody can parse.
# "length" and its like are absent on purpose: a limit is what was asked for.
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
    """Which part of status and headers forbids storing?"""
    if not 200 <= head.status < 300 or head.status == 206:
        return f"status-{head.status}"
    if head.fields.get(b"content-type", b"").lower().startswith(b"text/html"):
        return "html"  # a gateway's page, not an answer
    return None


def parse_answer(head: Head, body: bytes) -> Any:
    """The JSON of an answer; ``MALFORMED`` if it says it is JSON and is none; None if it is something else (audio, text)."""
    kind = media_type(head.fields.get(b"content-type", b""))
    declared = kind == b"application/json" or kind.endswith(b"+json")
    if not declared and (kind or body[:1] not in (b"{", b"[")):
        return None
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """A JSON value, or ``MALFORMED``. What the strict parser refuses and Python's takes is one: a limit may cut an emoji in two."""
    try:
        return jiter.from_json(body, cache_mode="keys")
    except ValueError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return MALFORMED


def answer_refusal_reason(answer: Any, body: bytes) -> str | None:
    """Which part of a whole answer says that it is not good?"""
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
    if reason := bad_end(answer):
        return reason
    if answer.get("choices") == [] or answer.get("candidates") == [] or answer.get("done") is False:  # done: Ollama
        return "no-answer"
    return None


def bad_end(answer: dict[str, Any]) -> str | None:
    """Does an answer, or a part of a streamed one, say that it failed, or how it ended badly?"""
    if answer.get("error") is not None:
        return "error"
    if _blocked(answer):
        return "content-filter"
    return next((BAD_ENDS[end] for end in _ends(answer) if end in BAD_ENDS), None)


def _blocked(answer: dict[str, Any]) -> bool:
    """Did Gemini refuse the prompt, or Responses cut the answer by a filter?"""
    feedback, incomplete = answer.get("promptFeedback"), answer.get("incomplete_details")
    return bool(
        (isinstance(feedback, dict) and feedback.get("blockReason"))
        or (isinstance(incomplete, dict) and incomplete.get("reason") == "content_filter")
    )


def _ends(answer: dict[str, Any]) -> Iterator[str]:
    """How did each generation of the answer end? In lower case."""
    listed = [answer.get(name) for name in ("choices", "candidates", "generations")]
    for item in (answer, *(item for items in listed if isinstance(items, list) for item in items)):
        if isinstance(item, dict):
            for name in ("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason"):
                if isinstance(end := item.get(name), str):
                    yield end.lower()
