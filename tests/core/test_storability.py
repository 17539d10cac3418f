from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import values
from tests.core.play import ANSWER, head, quick
from tests.provider import CHAT, EMBEDDINGS, GEMINI, MESSAGE, RESPONSE
from wirecache._core.messages import Usage
from wirecache._core.storability import parse_answer, usage_of, why_not_this_answer, why_not_this_head


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, None),
        (201, None),
        (204, None),
        (299, None),
        *((code, f"status-{code}") for code in (206, 300, 304, 400, 401, 404, 424, 429, 500, 503, 529)),
    ],
)
def test_status(status: int, reason: str | None) -> None:
    assert why_not_this_head(head(status)) == reason


def test_a_page_is_no_answer() -> None:
    assert why_not_this_head(head(headers={"content-type": "Text/HTML; charset=utf-8"})) == "html"


def chat(end: str | None) -> dict[str, Any]:
    return {"choices": [{"finish_reason": "stop"}, {"finish_reason": end}]}


def gemini(end: str) -> dict[str, Any]:
    return {"candidates": [{"finishReason": end}]}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(CHAT, None, id="chat"),
        pytest.param(MESSAGE, None, id="message"),
        pytest.param(RESPONSE, None, id="response"),
        pytest.param(EMBEDDINGS, None, id="embeddings"),
        pytest.param(GEMINI, None, id="Gemini"),
        pytest.param([1, 2], None, id="a list"),
        pytest.param("text", None, id="a text"),
        pytest.param({}, None, id="an empty object"),
        # errors that come with a status of success
        pytest.param({"error": None}, None, id="error null"),
        pytest.param({"error": {"message": "overloaded"}}, "error", id="error"),
        pytest.param({"error": "overloaded"}, "error", id="error as text"),
        pytest.param({"error": ""}, "error", id="error, empty"),
        pytest.param([{"error": {"code": 429}}], "error", id="error in a list"),
        # the Responses API
        *(pytest.param({"status": s}, f"status-{s}", id=f"response {s}") for s in ("queued", "in_progress", "failed", "cancelled")),
        pytest.param({"status": "completed"}, None, id="response completed"),
        pytest.param({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, None, id="response cut by its limit"),
        pytest.param(
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content-filter", id="response filtered"
        ),
        pytest.param({"status": 200}, None, id="a status that is a number"),
        # how a generation ended
        *(pytest.param(chat(end), None, id=f"chat {end}") for end in ("stop", "length", "tool_calls", "function_call", None)),
        pytest.param(chat("content_filter"), "content-filter", id="chat content_filter"),
        pytest.param(chat("error"), "error", id="chat error"),
        *(
            pytest.param({"stop_reason": end}, None, id=f"message {end}")
            for end in ("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn")
        ),
        pytest.param({"stop_reason": "refusal"}, "content-filter", id="message refusal"),
        *(pytest.param(gemini(end), None, id=f"Gemini {end}") for end in ("STOP", "MAX_TOKENS")),
        *(
            pytest.param(gemini(end), "content-filter", id=f"Gemini {end}")
            for end in (
                *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "MODEL_ARMOR"),
                *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
            )
        ),
        *(
            pytest.param(gemini(end), "malformed-call", id=f"Gemini {end}")
            for end in ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE")
        ),
        *(
            pytest.param(gemini(end), "error", id=f"Gemini {end}")
            for end in ("OTHER", "IMAGE_OTHER", "NO_IMAGE", "FINISH_REASON_UNSPECIFIED")
        ),
        pytest.param({"promptFeedback": {"blockReason": "SAFETY"}}, "content-filter", id="Gemini refuses the prompt"),
        pytest.param({"promptFeedback": {}, **gemini("STOP")}, None, id="Gemini has nothing against the prompt"),
        pytest.param({"candidates": []}, "no-answer", id="Gemini without a candidate"),
        pytest.param({"finish_reason": "COMPLETE"}, None, id="Cohere complete"),
        pytest.param({"finish_reason": "ERROR"}, "error", id="Cohere error"),
        pytest.param({"generations": [{"finish_reason": "ERROR_TOXIC"}]}, "content-filter", id="Cohere toxic"),
        pytest.param({"stopReason": "end_turn"}, None, id="Bedrock end_turn"),
        *(pytest.param({"stopReason": end}, "content-filter", id=f"Bedrock {end}") for end in ("content_filtered", "guardrail_intervened")),
        *(
            pytest.param({"stopReason": end}, "malformed-call", id=f"Bedrock {end}")
            for end in ("malformed_model_output", "malformed_tool_use")
        ),
        pytest.param({"done": True, "done_reason": "stop"}, None, id="Ollama done"),
        pytest.param({"done": False}, "no-answer", id="Ollama has not done"),
        pytest.param({"choices": []}, "no-answer", id="no choice"),
        # members that only look like it
        pytest.param({"choices": [{"message": {"content": "content_filter", "error": 1}}]}, None, id="said by the model"),
        pytest.param({"choices": "x", "candidates": {"a": 1}, "finish_reason": ["error"]}, None, id="of other types"),
    ],
)
def test_answer(answer: Any, reason: str | None) -> None:
    body = json.dumps(answer).encode()
    assert why_not_this_answer(parse_answer(head(), body), body) == reason


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        pytest.param("application/json", b"", "empty", id="nothing"),
        pytest.param("application/json", b'{"choices": [{"finish', "malformed", id="cut off"),
        pytest.param("application/json; charset=utf-8", b"<html>", "malformed", id="no JSON"),
        pytest.param("application/problem+json", b"<html>", "malformed", id="no JSON, another JSON type"),
        pytest.param(None, b'{"error": 1}', "error", id="JSON without a type"),
        pytest.param(None, b"{", "malformed", id="broken JSON without a type"),
        pytest.param(None, b"RIFF", None, id="bytes without a type"),
        pytest.param("audio/mpeg", b"{", None, id="audio"),
        pytest.param("text/plain", b"hello", None, id="text"),
        pytest.param("application/json", b'{"text": "\\ud83d"}', None, id="half of an emoji, cut by the limit"),
    ],
)
def test_answer_by_its_bytes(content_type: str | None, body: bytes, reason: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert why_not_this_answer(parse_answer(head(headers=headers), body), body) == reason


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        pytest.param(ANSWER, Usage(5, 7), id="chat"),
        pytest.param(MESSAGE, Usage(5, 7), id="message"),
        pytest.param(RESPONSE, Usage(5, 7), id="response"),
        pytest.param(EMBEDDINGS, Usage(1, 0), id="embeddings"),
        pytest.param(GEMINI, Usage(5, 7), id="Gemini"),
        pytest.param({"usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}}, Usage(3, 4), id="Bedrock"),
        pytest.param({"usage": {"total_input_tokens": 3, "total_output_tokens": 4}}, Usage(3, 4), id="interaction"),
        pytest.param({"usage": {"billed_units": {}, "tokens": {"input_tokens": 3, "output_tokens": 4.0}}}, Usage(3, 4), id="Cohere"),
        pytest.param({"meta": {"tokens": {"input_tokens": 3.0, "output_tokens": 4.0}}}, Usage(3, 4), id="Cohere, first version"),
        pytest.param({"prompt_eval_count": 3, "eval_count": 4}, Usage(3, 4), id="Ollama"),
        pytest.param({"usage": {"prompt_tokens": None, "completion_tokens": "4"}}, Usage(0, 0), id="no numbers"),
        pytest.param({"usage": None}, None, id="null"),
        pytest.param({"usage": {"seconds": 3}}, None, id="something else"),
        pytest.param([ANSWER], None, id="a list"),
        pytest.param(None, None, id="no JSON"),
    ],
)
def test_usage(answer: Any, usage: Usage | None) -> None:
    assert usage_of(answer) == usage


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400", "-1", str(2**70)])
def test_usage_that_is_no_count_is_none(text: str) -> None:
    usage = usage_of(parse_answer(head(), b'{"usage": {"prompt_tokens": %b}}' % text.encode()))
    assert usage is None or 0 <= usage.input < 2**63


NAMES = [
    "error",
    "status",
    "choices",
    "candidates",
    "generations",
    "finish_reason",
    "promptFeedback",
    "incomplete_details",
    "usage",
    "meta",
    "tokens",
]


@quick
@given(st.dictionaries(st.sampled_from(NAMES), values | st.dictionaries(st.sampled_from(NAMES), values), max_size=5))
def test_no_answer_of_any_shape_breaks_the_judgement(answer: dict[str, Any]) -> None:
    assert isinstance(why_not_this_answer(answer, b"x"), str | None)
    assert isinstance(usage_of(answer), Usage | None)
