from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.play import entry
from wirecache._core.llm.conversation import ToolCall, Turn, prompt_of, prompt_turns


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
