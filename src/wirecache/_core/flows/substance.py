"""Does the body that an inference endpoint sent with a status of success contain an answer?

Servers and gateways report failures in a hundred forms (``{"detail": ...}``, ``{"object": "error"}``, ``{"code": 1004, "msg": ...}``).
What they have in common is that they contain no answer: only members that label an answer and members that errors consist of. A member
on neither list that is not null is an answer, even an empty list. A body that reports no failure is accepted, unless it has null in place
of the answer (OpenRouter, LiteLLM) or is Google's, whose JSON omits candidates or predictions when there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wirecache._core.short_cache import cached_if_short

__all__ = ["ANY_FORM", "has_answer", "has_choices"]

# Endpoints whose format is unknown: what a user's rule admits, a model's task, whatever runs behind SageMaker.
ANY_FORM = frozenset({"", "rule", "http", "task", "invocations"})

# Google's generating endpoints: Gemini, and Imagen, which answers ``{}`` if every image was filtered.
_NEVER_EMPTY = frozenset({"generate-content", "predict"})

# Members that label an answer, whether or not there is one; in lower case, without ``-`` and ``_``.
_LABELS = frozenset(
    {
        "created", "createdat", "date", "id", "meta", "metadata", "model", "modelversion", "object", "provider", "requestid", "responseid",
        "servicetier", "systemfingerprint", "time", "timestamp", "took", "traceid", "usage", "usagemetadata", "userid", "version", "xgroq",
    }
)  # fmt: skip
_ANSWERS = ("choices", "content", "output", "candidates", "data")  # most answers are in these: tried first
# Members of errors: OpenAI, vLLM, FastAPI, RFC 9457, Spring, Amazon, Google, Cloudflare, Baidu, MiniMax, DashScope, Zhipu, llama.cpp.
_REPORTS = frozenset(
    {
        "baseresp", "code", "detail", "details", "error", "errorcode", "errormessage", "errormsg", "errors", "errortype", "exception",
        "fault", "faultstring", "message", "messages", "msg", "ok", "reason", "status", "statuscode", "success", "traceback",
    }
)  # fmt: skip
_BESIDE_REPORTS = frozenset(
    {"documentationurl", "estimatedtime", "help", "instance", "param", "path", "retryafter", "title", "trace", "type"}
)  # fmt: skip
_ALL_IS_WELL: tuple[Any, ...] = (None, [], {}, True, 0, 200, "", "0", "200", "ok", "success", "completed", "succeeded")


@cached_if_short(1024)  # answers have the same few member names
def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def has_answer(answer: Mapping[str, Any], endpoint: str) -> bool:
    """Return whether the JSON object may contain an answer, and not just labels and a failure, or null."""
    if endpoint in ANY_FORM:
        return True
    for name in _ANSWERS:
        if answer.get(name):
            return True
    has_failed = False
    for name, value in answer.items():
        plain = _plain(name[:64])
        if plain in _LABELS or plain in _BESIDE_REPORTS:
            continue
        if plain not in _REPORTS or (plain == "message" and isinstance(value, dict)):  # Ollama's and Cohere's message is an object
            if value is not None:
                return True
        elif value is False or value not in _ALL_IS_WELL:
            has_failed = True
    return not (has_failed or endpoint in _NEVER_EMPTY or any(name in answer for name in _ANSWERS))


def has_choices(choices: Sequence[Any]) -> bool:
    """Return whether there are choices and each contains a generation: none is null or has only a null message."""
    for choice in choices:
        if choice is None or (isinstance(choice, dict) and choice.get("message", choice) is None and not choice.get("text")):
            return False
    return bool(choices)
