"""Is there an answer in what an inference endpoint sent with a status of success?

Servers and gateways report failures in a hundred forms (``{"detail": ...}``, ``{"object": "error"}``, ``{"code": 1004, "msg": ...}``).
What they have in common is that no answer is in them: nothing is left beside what labels an answer and what errors consist of. A member
that is on neither list and not null is an answer, be it an empty list; and what reports no failure is let pass, unless it has null in the
place of the answer (OpenRouter, LiteLLM), or is Google's, whose JSON leaves out candidates or predictions of which there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wirecache._core.short_cache import cached_if_short

__all__ = ["ANY_FORM", "has_answer", "has_choices"]

# Endpoints of which nothing is known: what a rule of the user opened, a model's task, whatever runs behind SageMaker.
ANY_FORM = frozenset({"", "rule", "http", "task", "invocations"})

# Google's that generate: Gemini, and Imagen, which says ``{}`` where each picture was filtered.
_NEVER_EMPTY = frozenset({"generate-content", "predict"})

# What labels an answer, whether there is one or not: without ``-`` and ``_``, in lower case.
_LABELS = frozenset(
    {
        "created", "createdat", "date", "id", "meta", "metadata", "model", "modelversion", "object", "provider", "requestid", "responseid",
        "servicetier", "systemfingerprint", "time", "timestamp", "took", "traceid", "usage", "usagemetadata", "userid", "version", "xgroq",
    }
)  # fmt: skip
_ANSWERS = ("choices", "content", "output", "candidates", "data")  # what most answers are in, to be looked for first
# What errors consist of: OpenAI, vLLM, FastAPI, RFC 9457, Spring, Amazon, Google, Cloudflare, Baidu, MiniMax, DashScope, Zhipu, llama.cpp.
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


@cached_if_short(1024)  # the names of an answer's members are always the same few
def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def has_answer(answer: Mapping[str, Any], endpoint: str) -> bool:
    """Return whether the JSON object may hold an answer: not where nothing is in it but labels and a failure, or null."""
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
    """Return whether a generation is in each of the choices, and there are any: none is null, or has a message of null alone."""
    for choice in choices:
        if choice is None or (isinstance(choice, dict) and choice.get("message", choice) is None and not choice.get("text")):
            return False
    return bool(choices)
