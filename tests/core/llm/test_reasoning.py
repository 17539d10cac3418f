from __future__ import annotations

from typing import Any

import pytest

from wirecache._core.llm.reasoning import reasoning_of


@pytest.mark.parametrize(
    ("values", "reasoning"),
    [
        pytest.param([{"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]}], "hm", id="Anthropic"),
        pytest.param(
            [{"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": part}} for part in ("h", "m")],
            "hm",
            id="its stream",
        ),
        pytest.param([{"choices": [{"message": {"reasoning_content": "hm", "content": "a"}}]}], "hm", id="chat"),
        pytest.param([{"choices": [{"delta": {"reasoning": part}}]} for part in ("h", "m")], "hm", id="a chat's stream"),
        pytest.param([{"output": [{"type": "reasoning", "summary": [{"text": "hm"}]}]}], "hm", id="Responses"),
        pytest.param(
            [
                {"type": "response.reasoning_summary_text.delta", "delta": "hm"},
                {"type": "response.reasoning_summary_text.done", "text": "hm"},
                {"type": "response.completed", "response": {"output": [{"type": "reasoning", "summary": [{"text": "hm"}]}]}},
            ],
            "hm",
            id="its stream, once",
        ),
        pytest.param([{"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}, {"text": "a"}]}}]}], "hm", id="Gemini"),
        pytest.param([{"message": {"role": "assistant", "content": "a"}}, {}, {"choices": None, "delta": 3}], "", id="none"),
    ],
)
def test_the_reasoning_of_an_answer(values: list[Any], reasoning: str) -> None:
    assert reasoning_of(values) == reasoning
