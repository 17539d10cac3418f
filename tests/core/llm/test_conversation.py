from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import entry
from wirecache._core.llm.blocks import Block, Kind
from wirecache._core.llm.conversation import Message, ToolCall, Turn, answer_message, answer_turn, parameters_of, prompt_of, prompt_turns


@pytest.mark.parametrize(
    ("body", "turns"),
    [
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {}}]}]},
            [Turn("user", "What is it?\n[image_url]")],
            id="chat, with an image",
        ),
        pytest.param(
            {
                "messages": [
                    {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
                    {"role": "tool", "content": "4"},
                ]
            },
            [Turn("assistant", "", (ToolCall("f", "{}"),)), Turn("tool", "4")],
            id="chat, with a tool",
        ),
        pytest.param(
            {
                "system": [{"type": "text", "text": "Be brief."}],
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {"a": 1}}]},
                    {"role": "user", "content": [{"type": "tool_result", "content": "4"}]},
                ],
            },
            [Turn("system", "Be brief."), Turn("assistant", "", (ToolCall("f", '{"a": 1}'),)), Turn("user", "4")],
            id="Anthropic",
        ),
        pytest.param(
            {
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}, {"parts": [{"text": "hi"}]}],
            },
            [Turn("system", "Be brief."), Turn("model", "", (ToolCall("f", "{}"),)), Turn("user", "hi")],
            id="Gemini",
        ),
        pytest.param(
            {
                "instructions": "Be brief.",
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
                    {"type": "function_call", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "output": "4"},
                ],
            },
            [Turn("system", "Be brief."), Turn("user", "hi"), Turn("assistant", "", (ToolCall("f", "{}"),)), Turn("tool", "4")],
            id="Responses",
        ),
        pytest.param({"input": ["a", "b"]}, [Turn("user", "a\nb")], id="embeddings"),
        pytest.param({"prompt": "Once"}, [Turn("user", "Once")], id="completions"),
        pytest.param({"other": 1}, [Turn("request", '{"other": 1}')], id="unknown"),
        pytest.param({"messages": [None, 3, [[]], {"role": 1, "content": {"x": 1}}]}, None, id="nonsense"),
    ],
)
def test_the_turns_of_a_prompt(body: Any, turns: list[Turn] | None) -> None:
    found = prompt_turns(entry(request_body=json.dumps(body).encode()))
    assert turns is None or found == turns


def test_the_prompt_is_the_last_message() -> None:
    body = {"system": "Be brief.", "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]}
    assert prompt_of(entry(request_body=json.dumps(body).encode())) == "two"
    assert prompt_of(entry(request_body=b"")) == ""
    assert prompt_turns(entry(request_body=b"\xff\x00")) == [Turn("request", "\ufffd\x00")]


# -- the answer -------------------------------------------------------------------------------------------------------


def answered(value: Any) -> Message:
    return answer_message(entry(body=json.dumps(value).encode()))


CALL = Block(Kind.CALL, "{}", name="f", id="c")


@pytest.mark.parametrize(
    ("value", "blocks"),
    [
        pytest.param({"choices": [{"message": {"content": "hi"}}]}, [Block(Kind.TEXT, "hi")], id="chat"),
        pytest.param(
            {"choices": [{"message": {"content": None, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}}]},
            [CALL],
            id="chat, a call",
        ),
        pytest.param(
            {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "hi"}]},
            [Block(Kind.REASONING, "Hm."), Block(Kind.TEXT, "hi")],
            id="Anthropic, with reasoning",
        ),
        pytest.param(
            {"data": [{"b64_json": "QUJD"}], "output_format": "webp"},
            [Block(Kind.MEDIA, name="image", media_type="image/webp", data="QUJD")],
            id="an image",
        ),
        pytest.param(
            {"data": [{"b64_json": "QUJD"}, {"url": "https://h"}]},
            [Block(Kind.MEDIA, name="image", media_type="image/png", data="QUJD")],
            id="an image, and one by its URL",
        ),
    ],
)
def test_the_blocks_of_an_answer(value: Any, blocks: list[Block]) -> None:
    assert answered(value) == Message("assistant", tuple(blocks))


def streamed(*events: Any) -> Turn:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return answer_turn(entry(headers=((b"content-type", b"text/event-stream"),), body=body))


def call_delta(**call: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}}]}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(
            [
                call_delta(id="c", function={"name": "f", "arguments": '{"a"'}),
                call_delta(function={"arguments": ": 1}"}),
                call_delta(),
                {"choices": [{"index": 0, "delta": None}, {"index": 1}]},
            ],
            id="chat",
        ),
        pytest.param(
            [
                {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "c", "name": "f", "input": {}}},
                {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a"'}},
                {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ": 1}"}},
                {"type": "content_block_delta", "index": 2, "delta": {"type": "other"}},
            ],
            id="Anthropic",
        ),
        pytest.param(
            [
                {"type": "response.output_item.done", "item": {"type": "function_call", "name": "f", "arguments": '{"a": 1}'}},
                {"type": "response.completed"},
            ],
            id="Responses",
        ),
        pytest.param(
            [{"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}}]}, {"candidates": []}],
            id="Gemini",
        ),
    ],
)
def test_the_calls_of_a_stream(events: list[Any]) -> None:
    assert streamed(*events) == Turn("assistant", "", (ToolCall("f", '{"a": 1}'),))


@pytest.mark.parametrize(
    ("body", "parameters"),
    [
        (b'{"model": "m", "messages": [], "temperature": 0.5, "tools": []}', {"temperature": 0.5, "tools": []}),
        (b'{"contents": [], "generationConfig": {"topK": 3}, "systemInstruction": {}}', {"generationConfig": {"topK": 3}}),
        (b"[1]", {}),
        (b"--boundary", {}),
        (b"", {}),
    ],
)
def test_parameters_are_what_is_neither_conversation_nor_model(body: bytes, parameters: dict[str, Any]) -> None:
    assert parameters_of(entry()._replace(request_body=body)) == parameters
