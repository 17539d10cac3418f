"""May this answer be stored, and if not, why not? Only complete and good answers are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

import jiter

from wirecache._core.flows.substance import ANY_FORM, has_answer, has_choices
from wirecache._core.headers import content_media_type
from wirecache._core.messages import Head

__all__ = [
    "MALFORMED", "MAY_SAY_END", "OPAQUE", "answer_refusal_reason", "bad_end_reason", "finish_reasons", "head_refusal_reason",
    "parse_answer", "parse_json", "status_reason",
]  # fmt: skip

# The statuses, in lower case, of a response (OpenAI), an interaction (Google), a prediction (Replicate) or a task (DashScope, Perplexity)
# that is not complete, or never will be.
_UNFINISHED = frozenset(
    {
        "queued", "in_progress", "failed", "cancelled", "budget_exceeded", "requires_continuation", "starting", "processing", "pending",
        "running", "canceled", "aborted", "suspended",
    }
)  # fmt: skip

# The finish reasons of generations that a filter cut off, that failed, or that ended in a malformed tool call, and wirecache's names for
# them. "length" and its like are absent on purpose: the request set that limit.
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
    "abort": "error",  # vLLM, SGLang: the engine gave up, this and the following
    "aborted": "error",
    "cancel": "error",
    "canceled": "error",
    "cancelled": "error",  # TensorRT-LLM
    "insufficient_system_resource": "error",  # DeepSeek
    "network_error": "error",  # Zhipu, this and the following
    "sensitive": "content-filter",
    "load": "no-answer",  # Ollama loaded or unloaded the model, and generated nothing
    "unload": "no-answer",
}

# The members that say why a generation ended, and the lists that hold generations.
FINISH_NAMES = ("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason", "completionReason")
_FINISH_NAMES = frozenset(FINISH_NAMES)
GENERATIONS = ("choices", "candidates", "generations", "results")

# The endpoints whose JSON may be a list: Hugging Face's tasks, SageMaker's containers, TEI's rerank (only a task that finds nothing answers
# with an empty one), Gemini's stream as an array, and what a user's rule admits. Transcriptions may be a JSON string (FastAPI servers).
LISTS = frozenset({"rerank", "generate-content"})
TEXTS = frozenset({"transcriptions", "translations"})
# The endpoints that may answer with bytes or text of any kind. Elsewhere, what begins like JSON is JSON, whatever type a gateway declares.
_ANY_BYTES = ANY_FORM | TEXTS | {"speech", "images"}

MALFORMED = object()
OPAQUE = object()  # not JSON: audio, text
PAGE = object()  # HTML, whatever type is declared


class _Flaw(NamedTuple):
    """A sign of a bad answer: if ``holds`` is true of the member's value, the answer is refused for ``reason``."""

    reason: str
    holds: Callable[[Any], bool]


def _is_there(value: Any) -> bool:
    return value is not None


def _has_error(items: Any) -> bool:
    """Return whether an object in the list has an error that is not null."""
    return any(item.get("error") is not None for item in _objects(items))


# Flaws that an answer, an item of a list of answers, or an event may have.
FLAWS: dict[str, _Flaw] = {
    # Errors with a status of success (from gateways that had sent the head already). Null is not an error.
    "error": _Flaw("error", _is_there),
    # OpenRouter reports what failed upstream in the choice, with a finish reason of null or "error" (its API reference, "Errors").
    "choices": _Flaw("error", _has_error),
    # One of several images could not be generated (Volcengine's Ark, "Image generation API").
    "data": _Flaw("error", _has_error),
    # Gemini blocked the prompt: there are no candidates.
    "promptFeedback": _Flaw("content-filter", lambda feedback: bool(_object(feedback).get("blockReason"))),
    # A filter of OpenAI's Responses cut the answer.
    "incomplete_details": _Flaw("content-filter", lambda details: _object(details).get("reason") == "content_filter"),
    # MiniMax reports an error beside where the answer would be; 0 is success (platform.minimax.io, "Error Code").
    "base_resp": _Flaw("error", lambda response: _object(response).get("status_code", 0) != 0),
    # Bedrock's guardrail of InvokeModel ("Use guardrails with your inference operation").
    "amazon-bedrock-guardrailAction": _Flaw("content-filter", lambda action: action == "INTERVENED"),
    # Stability's models on Bedrock: null for each image, else why it is missing ("Filter reason: prompt").
    "finish_reasons": _Flaw("content-filter", lambda reasons: isinstance(reasons, list) and any(reasons)),
    # Imagen on Vertex: the image was filtered (generative-ai/docs/model-reference/imagen-api).
    "predictions": _Flaw("content-filter", lambda items: any(item.get("raiFilteredReason") for item in _objects(items))),
}
# What an event's text must contain to have one of these flaws, or a finish reason other than null.
MAY_SAY_END = re.compile(rb"eason[^:]{0,9}:\s*+(?!null\b)|error|base_resp|guardrailAction|INTERVENED")
# Flaws that only a whole answer may have.
ANSWER_FLAWS: dict[str, _Flaw] = {
    # Cloudflare's envelope, and others like it: {"success": false, "errors": [...], "result": null}.
    "success": _Flaw("error", lambda success: success in (False, "false")),
    # Errors as Anthropic, and many gateways that imitate it, send them.
    "type": _Flaw("error", lambda kind: kind == "error"),
    # Nothing was generated, or (Ollama) not everything.
    "choices": _Flaw("no-answer", lambda choices: isinstance(choices, list) and not has_choices(choices)),
    "candidates": _Flaw("no-answer", lambda candidates: candidates == []),
    "done": _Flaw("no-answer", lambda done: done is False),
}


def head_refusal_reason(head: Head) -> str | None:
    """Return why an answer with this status and these headers is not stored, or None."""
    if not 200 <= head.status < 300 or head.status in (202, 206):  # 202: accepted, but not done yet (RFC 9110 section 15.3.3)
        return f"status-{head.status}"
    if content_media_type(head.fields) in _PAGES:
        return "html"  # the page of a gateway, not an answer
    return None


_PAGES = frozenset({b"text/html", b"application/xhtml+xml"})
_JSON_START = re.compile(rb"\s*[{\[]")
_PAGE_START = re.compile(rb"\s*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)


def parse_answer(head: Head, body: bytes) -> Any:
    """Return the JSON of an answer, whatever type is declared; ``OPAQUE`` or ``PAGE`` if it is something else.

    ``MALFORMED`` if it is declared as JSON, or has no type and begins like JSON, but is not JSON.
    """
    kind = content_media_type(head.fields)
    declared = kind == b"application/json" or kind.endswith(b"+json")
    if not declared and not _JSON_START.match(body):
        return PAGE if _PAGE_START.match(body[:256]) else OPAQUE
    answer = parse_json(body)
    return OPAQUE if answer is MALFORMED and kind and not declared else answer


def parse_json(body: bytes) -> Any:
    """Return the JSON value, or ``MALFORMED``.

    A value that only Python's lenient parser accepts is valid: a token limit may cut an emoji in two, which leaves a lone surrogate.
    """
    try:
        return jiter.from_json(body, cache_mode="keys")
    except ValueError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return MALFORMED


def answer_refusal_reason(answer: Any, body: bytes, endpoint: str = "rule") -> str | None:
    """Return why a whole answer is not stored, or None. ``answer``: as ``parse_answer`` returns it."""
    if not body:
        return "empty"
    if answer is MALFORMED:
        return "malformed"
    if answer is PAGE:
        return "html"
    if answer is OPAQUE:
        return "malformed" if endpoint not in _ANY_BYTES and _JSON_START.match(body) else None
    if isinstance(answer, list):
        return _list_refusal_reason(answer, endpoint)
    if not isinstance(answer, dict):
        may_be = endpoint in ANY_FORM or (endpoint in TEXTS and isinstance(answer, str))
        return None if may_be else "no-answer"
    if answer.get("error") is None and (
        reason := status_reason(answer) or ("output" in answer and status_reason(_object(answer["output"])))
    ):
        return reason
    ends = _ends(answer)
    if reason := _flaw(FLAWS, answer) or _bad_end(ends) or _flaw(ANSWER_FLAWS, answer):
        return reason
    if _is_unfinished(answer, ends):
        return "unfinished"
    return None if has_answer(answer, endpoint) else "no-answer"


def status_reason(part: dict[str, Any]) -> str | None:
    """Return why an answer with this status is not stored (it is not complete, or never will be), or None."""
    status = part.get("status", part.get("task_status"))
    return f"status-{status.lower()}" if isinstance(status, str) and status.lower() in _UNFINISHED else None


def _list_refusal_reason(answers: list[Any], endpoint: str) -> str | None:
    """Return why a list of answers, or of the events of one, is not stored, or None."""
    if endpoint not in ANY_FORM and not (endpoint in LISTS and answers):
        return "no-answer"
    if reason := next((reason for part in _objects(answers) if (reason := bad_end_reason(part))), None):
        return reason
    candidates = [candidate for part in _objects(answers) for candidate in _objects(part.get("candidates"))]
    finished = {candidate.get("index", 0) for candidate in candidates if not _has_no_end(candidate)}
    return None if all(candidate.get("index", 0) in finished for candidate in candidates) else "unfinished"


def bad_end_reason(part: dict[str, Any]) -> str | None:
    """Return why an answer, or a part of a streamed one, says itself that it is bad; None if it does not."""
    return _flaw(FLAWS, part) or _bad_end(_ends(part))


def _bad_end(ends: list[list[Any]]) -> str | None:
    for end in chain.from_iterable(ends):
        if isinstance(end, str) and (reason := BAD_ENDS.get(_kind_of_end(end))):
            return reason
    return None


def _kind_of_end(reason: str) -> str:
    """Return the finish reason without its explanation (Gemini's OpenAI API: ``content_filter: SAFETY``)."""
    return reason.partition(":")[0].strip().lower()


def finish_reasons(generation: dict[str, Any]) -> list[Any]:
    """Return the finish reasons of a generation: texts, or null while it is in progress. Empty if it does not mention any.

    DashScope writes null as the text "null".
    """
    names = generation.keys() & _FINISH_NAMES
    in_order = names if len(names) < 2 else [name for name in FINISH_NAMES if name in names]
    return [None if generation[name] in ("null", "") else generation[name] for name in in_order]


def _flaw(flaws: dict[str, _Flaw], part: dict[str, Any]) -> str | None:
    members = flaws.keys() & part.keys()
    for member in members if len(members) < 2 else [member for member in flaws if member in members]:
        if flaws[member].holds(part[member]):
            return flaws[member].reason
    return None


def _ends(part: dict[str, Any]) -> list[list[Any]]:
    """Return the finish reasons of the answer itself and of each generation in it."""
    ends = [finish_reasons(part)]
    for name in GENERATIONS:
        if name in part:
            ends += map(finish_reasons, _objects(part[name]))
    return ends


def _is_unfinished(answer: dict[str, Any], ends: list[list[Any]]) -> bool:
    """Return whether a generation is still in progress.

    If so, its finish reason is null ("null if it has not finished", OpenAI; vLLM has a null ``stop_reason`` beside one that is not null),
    or absent from a candidate of Gemini.
    """
    if any([reasons.count(None) == len(reasons) > 0 for reasons in ends]):
        return True
    return "candidates" in answer and any(_has_no_end(candidate) for candidate in _objects(answer["candidates"]))


def _has_no_end(candidate: dict[str, Any]) -> bool:
    """Return whether a candidate of Gemini has no finish reason, so that the model has not stopped (google.genai, ``Candidate``)."""
    return not any(finish_reasons(candidate))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(values: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; empty if it is not a list."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
