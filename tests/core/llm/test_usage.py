from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jsons import values
from tests.core.play import ANSWER, head, quick
from tests.provider import EMBEDDINGS, GEMINI, MESSAGE, RESPONSE
from wirecache._core.flows.storability import parse_answer
from wirecache._core.llm.usage import accumulated, usage_of
from wirecache._core.messages import Usage

# As the providers' SDKs declare them, or as a provider was seen to send them.
CHAT_DETAILS = {
    "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 8, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 0},
}  # fmt: skip
RESPONSES_DETAILS = {
    "input_tokens": 100, "output_tokens": 50,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 30},
}  # fmt: skip
ANTHROPIC_DETAILS = {
    "input_tokens": 4, "cache_read_input_tokens": 64, "cache_creation_input_tokens": 32, "output_tokens": 50,
    "cache_creation": {"ephemeral_5m_input_tokens": 22, "ephemeral_1h_input_tokens": 10}, "output_tokens_details": {"thinking_tokens": 30},
}  # fmt: skip
GEMINI_DETAILS = {"promptTokenCount": 100, "cachedContentTokenCount": 64, "candidatesTokenCount": 20, "thoughtsTokenCount": 30}
DETAILED = [
    pytest.param({"usage": CHAT_DETAILS}, Usage(100, 50, 64, 8, 0, 30), id="chat, in detail"),
    pytest.param({"usage": RESPONSES_DETAILS}, Usage(100, 50, 64, 0, 0, 30), id="response, in detail"),
    pytest.param({"usage": ANTHROPIC_DETAILS}, Usage(100, 50, 64, 32, 10, 30), id="message, in detail"),
    pytest.param({"usageMetadata": GEMINI_DETAILS}, Usage(100, 50, 64, 0, 0, 30), id="Gemini, in detail"),
    pytest.param({"usageMetadata": {**GEMINI_DETAILS, "toolUsePromptTokenCount": 7}}, Usage(107, 50, 64, 0, 0, 30), id="Gemini, tools"),
    pytest.param({"usage": {"inputTokens": 4, "outputTokens": 5, "cacheReadInputTokens": 6, "cacheWriteInputTokens": 7}},
                 Usage(17, 5, 6, 7), id="Bedrock, in detail"),
    pytest.param({"usage": {"prompt_tokens": 100, "completion_tokens": 5, "cache_read_input_tokens": 64}}, Usage(100, 5, 64), id="LiteLLM"),
    pytest.param({"usage": {"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 64}}, Usage(100, 5, 64), id="Deep"),
    pytest.param({"usage": {"billed_units": {"input_tokens": 3, "output_tokens": 4}, "tokens": {"input_tokens": 90, "output_tokens": 4}}},
                 Usage(3, 4), id="Cohere, what is billed"),
    pytest.param({"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"audio_tokens": 8}, "completion_tokens_details": None}},
                 Usage(9, other=8), id="audio"),
    pytest.param({"usageMetadata": {"promptTokenCount": 9, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1},
                                                                                   {"modality": "AUDIO", "tokenCount": 8}]}},
                 Usage(9, other=8), id="Gemini, audio"),
    pytest.param({"usage": {"input_tokens": 9, "output_tokens": 1, "server_tool_use": {"web_search_requests": 2}}},
                 Usage(9, 1, other=2), id="a search"),
]  # fmt: skip


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
        *DETAILED,
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


@quick
@given(st.dictionaries(st.sampled_from(["usage", "meta", "tokens", "billed_units", "usageMetadata", "prompt_tokens", "input_tokens"]),
                       values | st.dictionaries(st.sampled_from(["tokens", "prompt_tokens"]), values)))  # fmt: skip
def test_no_answer_of_any_shape_breaks_it(answer: dict[str, Any]) -> None:
    assert isinstance(usage_of(answer), Usage | None)


def test_a_sum_stays_what_an_entry_can_hold() -> None:
    most = 2**63 - 1
    assert usage_of({"usage": {"input_tokens": most, "cache_read_input_tokens": most, "output_tokens": 1}}) == Usage(most, 1, most)


def test_the_events_of_a_stream_accumulate() -> None:
    begun = usage_of({"usage": {"input_tokens": 1, "cache_read_input_tokens": 33, "output_tokens": 1}})
    ended = usage_of({"usage": {"output_tokens": 24}})
    assert begun is not None
    assert ended is not None
    assert accumulated(accumulated(None, begun), ended) == Usage(34, 24, 33)
