from __future__ import annotations

from typing import Any

import pytest

from wirecache._core.llm.answers import written_in
from wirecache._core.llm.reasoning import reasoning_of

A = {"text": "a"}
THOUGHT = {"type": "text", "text": "hm"}


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
        pytest.param(
            [
                {"candidates": [{"content": {"parts": [part]}}]}
                for part in ({"text": "h", "thought": True}, {"text": "m", "thought": True}, A)
            ],
            "hm",
            id="its stream, Gemini",
        ),
        pytest.param(
            [{"steps": [{"type": "thought", "summary": [THOUGHT]}, {"type": "model_output", "content": [A]}]}], "hm", id="interactions"
        ),
        pytest.param(
            [
                {"event_type": "step.delta", "delta": delta}
                for delta in ({"type": "thought_summary", "content": THOUGHT}, {"type": "text", **A})
            ],
            "hm",
            id="their stream",
        ),
        pytest.param([{"message": {"content": [{"type": "thinking", "thinking": "hm"}, A]}}], "hm", id="Cohere"),
        pytest.param(
            [{"type": "content-delta", "delta": {"message": {"content": content}}} for content in ({"thinking": "hm"}, A)],
            "hm",
            id="its stream, Cohere",
        ),
        pytest.param([{"message": {"role": "assistant", "thinking": "hm", "content": "a"}}], "hm", id="Ollama"),
        pytest.param([{"thinking": "hm", "response": "a"}], "hm", id="its generate"),
        pytest.param([{"choices": [{"message": {"content": [{"type": "thinking", "thinking": [THOUGHT]}, A]}}]}], "hm", id="Mistral"),
        pytest.param([{"output": [{"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]}]}], "hm", id="in full"),
        pytest.param([{"message": {"role": "assistant", "content": "a"}}, {}, {"choices": None, "delta": 3}], "", id="none"),
    ],
)
def test_the_reasoning_of_an_answer_is_no_part_of_its_text(values: list[Any], reasoning: str) -> None:
    assert reasoning_of(values) == reasoning
    assert "".join(map(written_in, values)) in ("a", "")
