from __future__ import annotations

from typing import Any

import pytest

from wirecache._core.llm.blocks import Block, Kind, blocks_of

PNG = "iVBORw0KGgo="


def text(words: str) -> Block:
    return Block(Kind.TEXT, words)


@pytest.mark.parametrize(
    ("item", "blocks"),
    [
        pytest.param("hi", [text("hi")], id="a text"),
        pytest.param(
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, [text("a"), text("b")], id="parts"
        ),
        pytest.param(
            {"content": "x", "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}}]},
            [text("x"), Block(Kind.CALL, '{"a":1}', "f", "c1")],
            id="a call, chat",
        ),
        pytest.param(
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}, [Block(Kind.CALL, '{"a": 1}', "f", "t1")], id="Anthropic"
        ),
        pytest.param(
            {"type": "function_call", "call_id": "c1", "id": "fc_1", "name": "f", "arguments": "{}"},
            [Block(Kind.CALL, "{}", "f", "c1")],
            id="Responses",
        ),
        pytest.param({"functionCall": {"name": "f", "args": {}}}, [Block(Kind.CALL, "{}", "f")], id="Gemini"),
        pytest.param({"role": "tool", "tool_call_id": "c1", "content": "4"}, [Block(Kind.RESULT, "4", "", "c1")], id="a result, chat"),
        pytest.param(
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "content": [{"type": "text", "text": "4"}, {"type": "image", "source": {"data": PNG}}],
            },
            [Block(Kind.RESULT, "4", "", "t1"), Block(Kind.MEDIA, name="image", data=PNG)],
            id="a result with an image",
        ),
        pytest.param(
            {"type": "function_call_output", "call_id": "c1", "output": "4"}, [Block(Kind.RESULT, "4", "", "c1")], id="a result, Responses"
        ),
        pytest.param(
            {"functionResponse": {"name": "f", "response": {"a": 1}}}, [Block(Kind.RESULT, '{"a": 1}', "f")], id="a result, Gemini"
        ),
        pytest.param({"type": "thinking", "thinking": "hm"}, [Block(Kind.REASONING, "hm")], id="thinking"),
        pytest.param(
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, [Block(Kind.REASONING, "hm")], id="a summary"
        ),
        pytest.param({"text": "hm", "thought": True}, [Block(Kind.REASONING, "hm")], id="a thought"),
        pytest.param({"reasoning_content": "hm", "content": "a"}, [Block(Kind.REASONING, "hm"), text("a")], id="reasoning beside the text"),
        pytest.param(
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            [Block(Kind.MEDIA, name="image_url", media_type="image/png", data=PNG)],
            id="an image, chat",
        ),
        pytest.param(
            {"type": "input_image", "image_url": "https://a.example/i.png"},
            [Block(Kind.MEDIA, name="input_image", url="https://a.example/i.png")],
            id="an image elsewhere",
        ),
        pytest.param(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            [Block(Kind.MEDIA, name="image", media_type="image/png", data=PNG)],
            id="an image, Anthropic",
        ),
        pytest.param(
            {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}},
            [Block(Kind.MEDIA, name="inlineData", media_type="audio/wav", data="UklGRg==")],
            id="a sound, Gemini",
        ),
        pytest.param(
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "mp3"}},
            [Block(Kind.MEDIA, name="input_audio", media_type="audio/mpeg", data="UklGRg==")],
            id="a sound, chat",
        ),
        pytest.param(
            {"content": "see", "images": [PNG, 3]},
            [text("see"), Block(Kind.MEDIA, name="image", media_type="image/png", data=PNG)],
            id="Ollama",
        ),
        pytest.param({"type": "image_url", "image_url": 3}, [Block(Kind.MEDIA, name="image_url")], id="no image"),
        pytest.param(None, [], id="nothing"),
        pytest.param([[], {}, {"x": 1}], [], id="nonsense"),
    ],
)
def test_the_blocks_of_a_message(item: Any, blocks: list[Block]) -> None:
    assert list(blocks_of(item)) == blocks


def test_a_block_in_plain_text() -> None:
    assert [block.plain for block in (text("a"), Block(Kind.MEDIA, name="image"), Block(Kind.CALL, "{}", "f"))] == ["a", "[image]", ""]
