"""Money is what genai-prices says, call by call, or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TieredPrices

from wirecache._core.flows.labels import Labels
from wirecache._core.llm.usage import usage_of
from wirecache._core.messages import Usage
from wirecache._core.status import CacheStatus
from wirecache.prices import Cost, Prices
from wirecache.stats import BANDS, Tally

DAY = date(2026, 11, 20)
NUMBER = (DAY - date(1970, 1, 1)).days
OPENAI, ANTHROPIC = "api.openai.com", "api.anthropic.com"


def theirs(host: str, model: str, **counts: int) -> Decimal:
    """Return the price that genai-prices has for one call."""
    when = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
    usage = genai_prices.Usage(**counts)
    return genai_prices.calc_price(usage, model, provider_api_url=f"https://{host}/", genai_request_timestamp=when).total_price


@pytest.mark.parametrize(
    ("host", "model", "usage", "counts"),
    [
        (OPENAI, "gpt-4o", Usage(1000, 100), {"input_tokens": 1000, "output_tokens": 100}),
        (OPENAI, "gpt-4.1-mini", Usage(1000, 100), {"input_tokens": 1000, "output_tokens": 100}),
        (OPENAI, "gpt-4o", Usage(1000, 100, 600), {"input_tokens": 1000, "output_tokens": 100, "cache_read_tokens": 600}),
        (ANTHROPIC, "claude-sonnet-4-5", Usage(300_000, 100), {"input_tokens": 300_000, "output_tokens": 100}),
        (ANTHROPIC, "claude-sonnet-4-5", Usage(900, 10, 500, 300, 100),
         {"input_tokens": 900, "output_tokens": 10, "cache_read_tokens": 500, "cache_write_tokens": 300, "cache_write_1h_tokens": 100}),
        ("generativelanguage.googleapis.com", "gemini-2.5-pro", Usage(1000, 100, reasoning=60),
         {"input_tokens": 1000, "output_tokens": 100, "output_reasoning_tokens": 60}),
    ],
)  # fmt: skip
def test_one_call(host: str, model: str, usage: Usage, counts: dict[str, int]) -> None:
    assert Prices().of_call(usage, host, model, DAY) == theirs(host, model, **counts) > 0


@pytest.mark.parametrize(
    ("host", "model", "usage", "endpoint"),
    [
        pytest.param(OPENAI, "gpt-4o-of-tomorrow", Usage(5, 7), "chat", id="an unknown model of a known provider"),
        pytest.param("gateway.example.com", "gpt-4o", Usage(5, 7), "chat", id="a known model of an unknown provider"),
        pytest.param("127.0.0.1:8000", "gpt-4o", Usage(5, 7), "chat", id="a server of one's own"),
        pytest.param(OPENAI, "", Usage(5, 7), "chat", id="no model"),
        pytest.param("", "gpt-4o", Usage(5, 7), "chat", id="no host"),
        pytest.param(OPENAI, "gpt-4o", Usage(5, 7, other=1), "chat", id="audio or a search"),
        pytest.param(OPENAI, "gpt-image-1", Usage(5, 7), "images", id="images"),
        pytest.param(OPENAI, "gpt-4o", Usage(5, 7, cached=50), "chat", id="figures that cannot be"),
    ],
)
def test_what_is_not_known_is_unpriced(host: str, model: str, usage: Usage, endpoint: str) -> None:
    assert Prices().of_call(usage, host, model, DAY, endpoint) is None


def counted(*calls: tuple[Labels, Usage]) -> Tally:
    tally = Tally()
    for labels, usage in calls:
        tally.answered(CacheStatus(fwd="miss"), None, labels, NUMBER)
        tally.paid(usage, 1.0, labels, NUMBER)
    return tally


def test_a_sum_is_the_sum_of_its_calls_and_no_call_pays_the_price_of_a_larger_one() -> None:
    labels = Labels(ANTHROPIC, "messages", "claude-sonnet-4-5")
    usages = [Usage(90_000, 10), Usage(90_000, 11), Usage(90_001, 10, 7), Usage(250_000, 10), Usage(199_999, 3), Usage(200_001, 3)]
    each = [Prices().of_call(usage, ANTHROPIC, "claude-sonnet-4-5", DAY) for usage in usages]
    assert None not in each
    cost = Prices().of(counted(*((labels, usage) for usage in usages)).snapshot(), "billed")
    assert (cost.calls, cost.unpriced) == (6, 0)
    assert float(cost.dollars) == pytest.approx(float(sum(one for one in each if one is not None)), rel=1e-12)


def test_what_has_no_price_is_counted_apart() -> None:
    known, unknown = Labels(OPENAI, "chat", "gpt-4o"), Labels(OPENAI, "chat", "gpt-99")
    stats = counted((known, Usage(1000, 100)), (known, Usage(1000, 100, other=5)), (unknown, Usage(5, 7))).snapshot()
    assert Prices().of(stats, "billed") == Cost(theirs(OPENAI, "gpt-4o", input_tokens=1000, output_tokens=100), 1, 2)
    assert Prices().of(stats, "saved") == Cost()


def test_every_limit_of_a_price_is_the_limit_of_a_band() -> None:
    starts: set[int] = set()
    for model in (model for provider in get_snapshot().providers for model in provider.models):
        prices = [part.prices for part in model.prices] if isinstance(model.prices, list) else [model.prices]
        for price in [*prices, *(part.prices for part in model.price_variants or [])]:
            starts |= {tier.start for value in vars(price).values() if isinstance(value, TieredPrices) for tier in value.tiers}
    assert starts <= set(BANDS)


def test_the_prices_say_how_old_they_are() -> None:
    prices = Prices()
    assert prices.version == f"genai-prices {genai_prices.__version__}"
    assert date(2026, 1, 1) < prices.date <= datetime.now(UTC).date()


# -- the figures of a usage are those that genai-prices reads ---------------------------------------------------------------

NAMES = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_reasoning_tokens")


@pytest.mark.parametrize(
    ("provider", "flavor", "answer"),
    [
        ("openai", "chat", {"model": "gpt-4o", "usage": {"prompt_tokens": 100, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": {"reasoning_tokens": 30}}}),  # noqa: E501
        ("openai", "responses", {"model": "gpt-4o", "usage": {"input_tokens": 100, "output_tokens": 50, "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 9}, "output_tokens_details": {"reasoning_tokens": 30}}}),  # noqa: E501
        ("openai", "embeddings", {"model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}}),
        ("anthropic", "default", {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 4, "cache_read_input_tokens": 64, "cache_creation_input_tokens": 32, "cache_creation": {"ephemeral_5m_input_tokens": 22, "ephemeral_1h_input_tokens": 10}, "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 30}}}),  # noqa: E501
        ("google", "default", {"modelVersion": "gemini-2.5-pro", "usageMetadata": {"promptTokenCount": 100, "cachedContentTokenCount": 64, "candidatesTokenCount": 20, "thoughtsTokenCount": 30}}),  # noqa: E501
        ("mistral", "default", {"model": "mistral-large-latest", "usage": {"prompt_tokens": 100, "completion_tokens": 50}}),
        ("groq", "default", {"model": "llama-3.3-70b-versatile", "usage": {"prompt_tokens": 100, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 64}}}),  # noqa: E501
        ("cohere", "default", {"usage": {"billed_units": {"input_tokens": 5, "output_tokens": 7}, "tokens": {"input_tokens": 71, "output_tokens": 7}}}),  # noqa: E501
        ("aws", "default", {"usage": {"inputTokens": 4, "outputTokens": 5, "cacheReadInputTokens": 6, "cacheWriteInputTokens": 7}}),
    ],
)  # fmt: skip
def test_usage_is_read_as_genai_prices_reads_it(provider: str, flavor: str, answer: dict[str, Any]) -> None:
    (found,) = [one for one in get_snapshot().providers if one.id == provider]
    _, read = found.extract_usage({"model": "m", "modelVersion": "m", **answer}, api_flavor=flavor)
    usage = usage_of(answer)
    assert usage is not None
    read_here = {name: count for name, count in zip(NAMES, usage, strict=False) if count}
    assert read_here == {name: count for name, count in read._reported_values().items() if count and name in NAMES}
