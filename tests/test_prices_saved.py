"""What a hit saved is what genai-prices says that the live answer cost: with the share that came from the provider's own cache."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import httpx
import pytest
from genai_prices.data_snapshot import get_snapshot

from wirecache import Budget, Cache
from wirecache.httpx import CacheTransport
from wirecache.prices import Prices

MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
}
CHAT = {
    "id": "c",
    "object": "chat.completion",
    "model": "gpt-4o",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
}
RESPONSE = {
    "id": "r",
    "object": "response",
    "model": "gpt-5",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "hi"}]}],
}
GEMINI = {"modelVersion": "gemini-2.5-pro", "candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}

# An answer of each provider, and its price by hand: dollars for a million tokens, times tokens.
CASES = [
    pytest.param(
        "openai", "chat", "https://api.openai.com/v1/chat/completions", {"model": "gpt-4o"},
        {**CHAT, "usage": {"prompt_tokens": 3000, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 2048}}},
        {"2.5": 952, "1.25": 2048, "10": 50},
        id="OpenAI, chat",
    ),
    pytest.param(
        "openai", "responses", "https://api.openai.com/v1/responses", {"model": "gpt-5"},
        {**RESPONSE, "usage": {"input_tokens": 3000, "output_tokens": 700, "input_tokens_details": {"cached_tokens": 1024},
                               "output_tokens_details": {"reasoning_tokens": 640}}},
        {"1.25": 1976, "0.125": 1024, "10": 700},
        id="OpenAI, responses, with reasoning",
    ),
    pytest.param(
        "anthropic", "default", "https://api.anthropic.com/v1/messages", {"model": "claude-sonnet-4-5"},
        {**MESSAGE, "usage": {"input_tokens": 20, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 0, "output_tokens": 100}},
        {"3": 20, "0.3": 5000, "15": 100},
        id="Anthropic, read",
    ),
    pytest.param(
        "anthropic", "default", "https://api.anthropic.com/v1/messages", {"model": "claude-sonnet-4-5"},
        {**MESSAGE, "usage": {"input_tokens": 20, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 4000,
                              "output_tokens": 100, "cache_creation": {"ephemeral_5m_input_tokens": 4000, "ephemeral_1h_input_tokens": 0}}},
        {"3": 20, "0.3": 1000, "3.75": 4000, "15": 100},
        id="Anthropic, written for 5 minutes",
    ),
    pytest.param(
        "anthropic", "default", "https://api.anthropic.com/v1/messages", {"model": "claude-sonnet-4-5"},
        {**MESSAGE, "usage": {"input_tokens": 20, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 4000,
                              "output_tokens": 100,
                              "cache_creation": {"ephemeral_5m_input_tokens": 1500, "ephemeral_1h_input_tokens": 2500}}},
        {"3": 20, "0.3": 1000, "3.75": 1500, "6": 2500, "15": 100},
        id="Anthropic, written for 5 minutes and for 1 hour",
    ),
    pytest.param(
        "google", "default", "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent", {},
        {**GEMINI, "usageMetadata": {"promptTokenCount": 3000, "cachedContentTokenCount": 2000, "candidatesTokenCount": 20,
                                     "thoughtsTokenCount": 300}},
        {"1.25": 1000, "0.125": 2000, "10": 320},
        id="Gemini, with thoughts",
    ),
]  # fmt: skip
of_each_provider = pytest.mark.parametrize(("provider", "flavor", "url", "body", "answer", "by_hand"), CASES)


def theirs(provider: str, flavor: str, url: str, answer: dict[str, Any]) -> Decimal:
    """Return what genai-prices makes of the provider's own answer."""
    (found,) = [one for one in get_snapshot().providers if one.id == provider]
    model, usage = found.extract_usage(answer, api_flavor=flavor)
    assert model is not None
    priced = genai_prices.calc_price(usage, model, provider_api_url=url, genai_request_timestamp=datetime.now(UTC))
    return priced.total_price


@of_each_provider
def test_what_a_hit_saved_is_what_the_live_call_cost(
    provider: str, flavor: str, url: str, body: dict[str, Any], answer: dict[str, Any], by_hand: dict[str, int], tmp_path: Path
) -> None:
    expected = theirs(provider, flavor, url, answer)
    assert expected == sum(Decimal(price) * tokens / 1_000_000 for price, tokens in by_hand.items())
    upstream = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with Cache(tmp_path / "store", budget=Budget(usd=1)) as cache:
        client = httpx.Client(transport=CacheTransport(cache, upstream))
        replies = [client.post(url, json={**body, "contents": []}) for _ in range(3)]
        assert [json.loads(reply.content) == answer for reply in replies] == [True] * 3
        assert [reply.extensions["wirecache"].hit for reply in replies] == [False, True, True]
        prices, stats = Prices(), cache.stats
        assert prices.of(stats, "billed").dollars == expected
        assert prices.of(stats, "saved").dollars == 2 * expected
        assert cache.spending()[0].usd == expected, "and hits spend nothing"
        (entry,) = cache.entries()
        assert entry.usage is not None
        assert prices.of_call(entry.usage, entry.request.url.split("/")[2], entry.request.model or "", datetime.now(UTC).date()) == expected
