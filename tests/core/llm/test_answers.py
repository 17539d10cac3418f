from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import entry
from wirecache._core.llm.answers import answer_text, json_values
from wirecache._core.messages import Entry


def answered(body: bytes | dict[str, Any] | list[Any], content_type: str = "application/json") -> Entry:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return entry(body=raw, headers=((b"content-type", content_type.encode()),))


def streamed(*events: dict[str, Any] | str, kind: str = "text/event-stream") -> Entry:
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return answered(b"".join(f"data: {text}\n\n".encode() for text in texts), kind)


def lines(*values: dict[str, Any]) -> Entry:
    return answered(b"".join(json.dumps(value).encode() + b"\n" for value in values), "application/x-ndjson")


def typed(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": kind, **members}


RESPONSES = {
    "object": "response",
    "status": "completed",
    "instructions": "be brief",
    "text": {"format": {"type": "text"}},
    "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "one two", "annotations": []}]},
    ],
}
# An answer of each provider that says "one two", by the shapes of its SDK's types.
ANSWERS_WITH_TEXT = {
    "OpenAI chat": answered({"choices": [{"index": 0, "message": {"role": "assistant", "content": "one two"}}]}),
    "OpenAI chat, in parts": answered({"choices": [{"message": {"content": [{"type": "text", "text": "one "}, {"text": "two"}]}}]}),
    "OpenAI completions": answered({"choices": [{"text": "one two"}]}),
    "OpenAI responses": answered(RESPONSES),
    "OpenAI transcription": answered({"text": "one two"}),
    "Anthropic": answered({"type": "message", "content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]}),
    "Gemini": answered({"candidates": [{"content": {"role": "model", "parts": [{"text": "one "}, {"text": "two"}]}}]}),
    "Cohere": answered({"message": {"role": "assistant", "content": [{"type": "text", "text": "one two"}]}, "finish_reason": "COMPLETE"}),
    "Ollama chat": answered({"model": "m", "message": {"role": "assistant", "content": "one two"}, "done": True}),
    "Ollama generate": answered({"model": "m", "response": "one two", "done": True}),
    "text": answered(b"one two", "text/plain"),
    "OpenAI chat, streamed": streamed(
        {"choices": [{"delta": {"role": "assistant", "content": None}}]},
        {"choices": [{"delta": {"content": "one "}}]},
        {"choices": [{"delta": {"content": "two"}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 1}},
        "[DONE]",
    ),
    "OpenAI responses, streamed": streamed(
        typed("response.created", response={**RESPONSES, "output": []}),
        typed("response.output_item.added", item={"type": "message", "content": []}),
        typed("response.output_text.delta", delta="one "),
        typed("response.output_text.delta", delta="two"),
        typed("response.output_text.done", text="one two"),
        typed("response.content_part.done", part={"type": "output_text", "text": "one two"}),
        typed("response.completed", response=RESPONSES),
    ),
    "OpenAI transcription, streamed": streamed(
        typed("transcript.text.delta", delta="one "),
        typed("transcript.text.delta", delta="two"),
        typed("transcript.text.done", text="one two"),
    ),
    "Anthropic, streamed": streamed(
        typed("message_start", message={"content": [], "role": "assistant"}),
        typed("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        typed("content_block_delta", index=0, delta={"type": "text_delta", "text": "one "}),
        typed("content_block_delta", index=0, delta={"type": "text_delta", "text": "two"}),
        typed("message_delta", delta={"stop_reason": "end_turn"}),
        typed("message_stop"),
    ),
    "Gemini, streamed": streamed(*({"candidates": [{"content": {"parts": [{"text": word}]}}]} for word in ("one ", "two"))),
    "Cohere, streamed": streamed(
        typed("message-start", delta={"message": {"role": "assistant", "content": []}}),
        typed("content-start", index=0, delta={"message": {"content": {"type": "text", "text": ""}}}),
        typed("content-delta", index=0, delta={"message": {"content": {"text": "one "}}}),
        typed("content-delta", index=0, delta={"message": {"content": {"text": "two"}}}),
        typed("message-end", delta={"finish_reason": "COMPLETE"}),
    ),
    "Ollama, streamed": lines(
        {"message": {"content": "one "}, "done": False},
        {"message": {"content": "two"}, "done": False},
        {"message": {"content": ""}, "done": True},
    ),
}


@pytest.mark.parametrize("name", ANSWERS_WITH_TEXT)
def test_the_text_of_an_answer(name: str) -> None:
    assert answer_text(ANSWERS_WITH_TEXT[name]) == "one two"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": [{"embedding": [0.5]}]}, id="embeddings"),
        pytest.param({"input_tokens": 5}, id="a count"),
        pytest.param({"choices": [{"message": {"content": None, "tool_calls": [{"function": {"arguments": "{}"}}]}}]}, id="a tool call"),
        pytest.param({"choices": "none", "content": 5, "text": None}, id="other types"),
        pytest.param([], id="an empty list"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_an_answer_without_text(body: Any) -> None:
    assert answer_text(answered(body)) == ""


def test_a_body_that_is_not_the_json_it_claims_to_be_is_read_as_text() -> None:
    assert answer_text(answered(b'{"cut": ')) == '{"cut": '


def test_the_values_of_an_answer() -> None:
    assert json_values(answered({"a": 1})) == [{"a": 1}]
    assert json_values(streamed({"a": 1}, "[DONE]", {"b": 2})) == [{"a": 1}, {"b": 2}]
    assert json_values(lines({"a": 1}, {"b": 2})) == [{"a": 1}, {"b": 2}]
    assert json_values(answered(b"no JSON", "text/plain")) == []
    assert json_values(answered(b"[" * 100_000)) == []
