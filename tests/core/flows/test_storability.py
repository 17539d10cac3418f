from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import values
from tests.core.play import head, quick
from tests.provider import CHAT, EMBEDDINGS, GEMINI, MESSAGE, RESPONSE
from wirecache._core.flows.storability import FINISH_NAMES, answer_refusal_reason, finish_reasons, head_refusal_reason, parse_answer


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, None),
        (201, None),
        (204, None),
        (299, None),
        *((code, f"status-{code}") for code in (202, 206, 300, 304, 400, 401, 404, 424, 429, 500, 503, 529)),
    ],
)
def test_status(status: int, reason: str | None) -> None:
    assert head_refusal_reason(head(status)) == reason


def test_a_page_is_no_answer() -> None:
    assert head_refusal_reason(head(headers={"content-type": "Text/HTML; charset=utf-8"})) == "html"


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
        *(pytest.param(chat(end), None, id=f"chat {end}") for end in ("stop", "length", "tool_calls", "function_call")),
        pytest.param(chat(None), "unfinished", id="chat, one choice goes on"),
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
        pytest.param({"choices": [None]}, "no-answer", id="a choice of null"),
        pytest.param({"choices": [{"message": None, "finish_reason": "stop"}]}, "no-answer", id="a message of null"),
        pytest.param({"choices": [{"message": {"content": "a"}}, {"message": None}]}, "no-answer", id="a second message of null"),
        pytest.param({"choices": [{"message": None, "text": "a", "finish_reason": "stop"}]}, None, id="a text beside a message of null"),
        pytest.param({"choices": [{"text": "", "finish_reason": "stop"}]}, None, id="an empty text"),
        # errors and ends in other places
        pytest.param({"choices": [{"error": {"code": 502}, "finish_reason": None}]}, "error", id="error in a choice"),
        pytest.param({"choices": [{"error": {"code": 502}, "finish_reason": "stop"}]}, "error", id="error in a choice that stopped"),
        pytest.param({"choices": [{"error": None, "finish_reason": "stop"}]}, None, id="error null in a choice"),
        pytest.param({"success": False, "errors": [{"code": 7009}], "result": None}, "error", id="success false"),
        pytest.param({"success": True, "errors": [], "result": {"response": "hi"}}, None, id="success true"),
        pytest.param({"success": None}, None, id="success null"),
        pytest.param({"type": "error", "message": "overloaded"}, "error", id="type error"),
        pytest.param({"type": "message"}, None, id="type message"),
        pytest.param({"choices": [{"finish_reason": None}]}, "unfinished", id="finish_reason null throughout"),
        pytest.param({"choices": [{"finish_reason": "stop", "stop_reason": None}]}, None, id="vLLM's stop_reason null"),
        pytest.param({"choices": [{"message": {"content": "hi"}}]}, None, id="no finish_reason at all"),
        pytest.param({"type": "message", "stop_reason": None}, "unfinished", id="message, stop_reason null"),
        pytest.param({"finish_reason": None}, "unfinished", id="Cohere, finish_reason null"),
        pytest.param({"candidates": [{"content": {}}]}, "unfinished", id="Gemini has not stopped"),
        # Gemini's stream as an array
        pytest.param([{"candidates": [{"content": {}}]}, gemini("STOP")], None, id="array, STOP"),
        pytest.param([{"candidates": [{"content": {}}]}, gemini("SAFETY")], "content-filter", id="array, SAFETY"),
        pytest.param(
            [{"candidates": [{"content": {}}]}, {"promptFeedback": {"blockReason": "OTHER"}}], "content-filter", id="array, blocked"
        ),
        pytest.param([{"candidates": [{"content": {}}]}, {"error": {"code": 503}}], "error", id="array, error"),
        pytest.param([{"candidates": [{"content": {}}]}, {"usageMetadata": {}}], "unfinished", id="array without an end"),
        pytest.param(
            [{"candidates": [{"index": 0, "finishReason": "STOP"}, {"index": 1}]}], "unfinished", id="array, one of two without an end"
        ),
        pytest.param(
            [{"candidates": [{"index": 1}]}, {"candidates": [{"index": 1, "finishReason": "STOP"}]}],
            None,
            id="array, only the second has an end",
        ),
        pytest.param({"error": {"code": 1}, "status": "failed"}, "error", id="error and status"),
        pytest.param([gemini("STOP"), {"usageMetadata": {}}], None, id="array, usage after the end"),
        # members that only look like it
        pytest.param({"choices": [{"message": {"content": "content_filter", "error": 1}}]}, None, id="said by the model"),
        pytest.param({"choices": "x", "candidates": {"a": 1}, "finish_reason": ["error"]}, None, id="of other types"),
    ],
)
def test_answer(answer: Any, reason: str | None) -> None:
    body = json.dumps(answer).encode()
    assert answer_refusal_reason(parse_answer(head(), body), body) == reason


@pytest.mark.parametrize(
    ("endpoint", "body", "reason"),
    [
        *((endpoint, body, "no-answer") for endpoint in ("chat", "messages", "embeddings", "ollama-chat") for body in (
            b"[]", b"5", b'"x"', b"true", b"null", b"[[0.1]]", b" 5 ")),
        ("chat", b'{"detail": "Internal error"}', "no-answer"),
        ("embeddings", b'{"object": "list", "data": []}', None),
        ("rule", b'{"detail": "x"}', None),
        ("chat", b'{"choices": null}', "no-answer"),
        ("predict", b"{}", "no-answer"),
        ("generate-content", b'{"usageMetadata": {"promptTokenCount": 5}, "modelVersion": "m"}', "no-answer"),
        ("count-tokens", b"{}", None),
        ("rule", b"{}", None),
        ("generate-content", b"[]", "no-answer"),
        ("generate-content", b'[{"candidates": [{"finishReason": "STOP"}]}]', None),
        ("rerank", b'[{"index": 0, "score": 0.5}]', None),
        ("rerank", b"[]", "no-answer"),
        ("task", b"[]", None),  # no entity was found
        ("task", b"[[0.5, 0.1]]", None),
        ("task", b'[{"error": "loading"}]', "error"),
        ("invocations", b'[{"generated_text": "hi"}]', None),
        ("rule", b"5", None),
        ("transcriptions", b'"hello"', None),
        ("transcriptions", b"5", "no-answer"),
    ],
)  # fmt: skip
def test_where_an_object_is_expected(endpoint: str, body: bytes, reason: str | None) -> None:
    assert answer_refusal_reason(parse_answer(head(), body), body, endpoint) == reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        *((chat(end), "error") for end in ("abort", "cancelled", "insufficient_system_resource", "network_error")),
        *((chat(end), "content-filter") for end in ("sensitive", "content_filter: SAFETY")),
        *((chat(end), "unfinished") for end in ("", "null")),
        *(({"message": {}, "done": True, "done_reason": end}, "no-answer") for end in ("load", "unload")),
        ({"results": [{"outputText": "", "completionReason": "CONTENT_FILTERED"}]}, "content-filter"),
        ({"results": [{"outputText": "hi", "completionReason": "FINISH"}]}, None),
        ({"amazon-bedrock-guardrailAction": "INTERVENED", "outputs": []}, "content-filter"),
        ({"images": ["x"], "finish_reasons": ["Filter reason: prompt"]}, "content-filter"),
        ({"images": ["x"], "finish_reasons": [None]}, None),
        ({"predictions": [{"raiFilteredReason": "blocked"}]}, "content-filter"),
        ({"data": [{"url": "x"}, {"error": {"code": "x"}}]}, "error"),
        ({"base_resp": {"status_code": 1004}, "choices": [{}]}, "error"),
        ({"base_resp": {"status_code": 0}, "choices": [{}]}, None),
        ({"success": "false", "output": "x"}, "error"),
        *(({"status": status, "output": None}, f"status-{status.lower()}") for status in ("starting", "processing", "canceled", "QUEUED")),
        ({"output": {"task_status": "PENDING"}}, "status-pending"),
        ({"output": {"task_status": "SUCCEEDED", "results": []}}, None),
    ],
)
def test_failures_and_ends_of_other_providers(answer: dict[str, Any], reason: str | None) -> None:
    assert answer_refusal_reason(answer, b"x") == reason


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><p>502", b"\n<html><body>", b"<HTML>"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", None])
def test_a_page_is_none_whatever_its_type(content_type: str | None, body: bytes) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert answer_refusal_reason(parse_answer(head(headers=headers), body), body) == "html"


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
        pytest.param("text/plain", b'{"error": {"message": "overloaded"}}', "error", id="JSON as text"),
        pytest.param("application/octet-stream", b'{"error": "x"}', "error", id="JSON as bytes"),
        pytest.param("text/plain", b'[{"error": "x"}]', "error", id="a list as text"),
        pytest.param("text/plain", b"[Music]", None, id="text that begins like JSON"),
        pytest.param("application/json", b'{"text": "\\ud83d"}', None, id="half of an emoji, cut by the limit"),
    ],
)
def test_answer_by_its_bytes(content_type: str | None, body: bytes, reason: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert answer_refusal_reason(parse_answer(head(headers=headers), body), body) == reason


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
@pytest.mark.parametrize("body", [b'{"choices": [{"mess', b'\n\n {"a": 1', b'[{"candidates": ['])
@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [("chat", "malformed"), ("embeddings", "malformed"), ("speech", None), ("images", None), ("transcriptions", None), ("rule", None)],
)
def test_what_begins_like_json_is_cut_json_whatever_its_type_where_nothing_else_is_answered(
    endpoint: str, reason: str | None, body: bytes, content_type: str
) -> None:
    assert answer_refusal_reason(parse_answer(head(headers={"content-type": content_type}), body), body, endpoint) == reason


def test_white_space_before_json_makes_it_no_text() -> None:
    body = b'\r\n\n {"error": "x"}'
    assert answer_refusal_reason(parse_answer(head(headers={"content-type": "text/plain"}), body), body) == "error"


NAMES = [
    "error",
    "status",
    "choices",
    "candidates",
    "generations",
    "finish_reason",
    "promptFeedback",
    "incomplete_details",
]


@quick
@given(st.dictionaries(st.sampled_from(NAMES), values | st.dictionaries(st.sampled_from(NAMES), values), max_size=5))
def test_no_answer_of_any_shape_breaks_the_judgement(answer: dict[str, Any]) -> None:
    assert isinstance(answer_refusal_reason(answer, b"x"), str | None)


@pytest.mark.parametrize(
    "other", ["promptFeedback", "incomplete_details", "finish_reasons", "predictions", "amazon-bedrock-guardrailAction"]
)
def test_of_several_flaws_the_error_is_the_reason(other: str) -> None:
    filtered = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "incomplete_details": {"reason": "content_filter"},
        "finish_reasons": ["Filter reason: prompt"],
        "predictions": [{"raiFilteredReason": "blocked"}],
        "amazon-bedrock-guardrailAction": "INTERVENED",
    }
    assert answer_refusal_reason({other: filtered[other]}, b"x") == "content-filter"
    assert answer_refusal_reason({other: filtered[other], "error": {"message": "overloaded"}}, b"x") == "error"


def test_what_a_generation_says_of_its_end() -> None:
    assert finish_reasons({"content": "hi"}) == []
    assert [finish_reasons({"stop_reason": end}) for end in ("stop", "null", "", None)] == [["stop"], [None], [None], [None]]
    for first, second in combinations(FINISH_NAMES, 2):  # in the order of the table, whatever that of the answer
        assert finish_reasons({second: "b", first: "a", "content": "hi"}) == ["a", "b"]
        assert finish_reasons({first: "null", second: ""}) == [None, None]
