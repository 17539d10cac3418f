"""Prices of calls, from genai-prices (the extra ``prices``): standard prices, for tokens only.

A call is priced by its host, its model and the day on which it was made. What genai-prices does not know is not priced: providers are not
guessed from a model's name, nor models from similar names. Service tiers and batch discounts are ignored. Calls with audio, generated
images or searches, which are priced separately, are not priced either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from wirecache._core.messages import Usage
from wirecache._core.stats import PRICED_APART, Row, Stats
from wirecache.errors import ConfigError

__all__ = ["Cost", "Prices"]

# Endpoints whose answers are not priced by tokens, or not at the price of text tokens.
NOT_BY_TOKENS = frozenset({"images", "speech", "transcriptions", "translations", "ocr", "rerank", "predict", "task"})
# The fields of ``Usage`` that have a price, and their names in genai-prices.
GENAI_NAMES = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cache_read_tokens",
    "written": "cache_write_tokens",
    "written_1h": "cache_write_1h_tokens",
    "reasoning": "output_reasoning_tokens",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of calls: ``dollars`` for the ``calls`` that could be priced; ``unpriced`` counts the others."""

    dollars: Decimal = Decimal(0)
    calls: int = 0
    unpriced: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.dollars + other.dollars, self.calls + other.calls, self.unpriced + other.unpriced)


class Prices:
    """The prices of genai-prices. Raises ``ConfigError`` if it is not installed."""

    def __init__(self) -> None:
        try:
            import genai_prices
            from genai_prices.data_snapshot import get_snapshot
        except ModuleNotFoundError as error:
            raise ConfigError("prices need the prices extra: pip install 'wirecache[prices]'") from error
        self._genai = genai_prices
        self._snapshot = get_snapshot()
        self.version = f"genai-prices {genai_prices.__version__}"

    @property
    def date(self) -> dt.date:
        """The day on which the prices were fetched, or, for those bundled with the package, of the latest price change in them."""
        if self._snapshot.from_auto_update:
            return self._snapshot.timestamp.date()
        today = dt.datetime.now(dt.UTC).date()
        starts = (
            getattr(getattr(part, "constraint", None), "start_date", None)
            for provider in self._snapshot.providers
            for model in provider.models
            for part in [*(model.prices if isinstance(model.prices, list) else []), *(model.price_variants or [])]
        )
        return max((start for start in starts if start is not None and start <= today), default=dt.date.min)

    def of_call(
        self, usage: Usage | Mapping[str, Any], host: str | None, model: str, day: dt.date, endpoint: str = "chat"
    ) -> Decimal | None:
        """Return the price of one call in dollars, or None if it cannot be priced.

        ``host``: the host whose prices apply; None: those of the model's own provider.
        """
        counts = usage._asdict() if isinstance(usage, Usage) else usage
        if counts.get("other") or endpoint in NOT_BY_TOKENS or not model or host == "":
            return None
        tokens = {"input_tokens": 0, "output_tokens": 0}
        tokens |= {name: counts[field] for field, name in GENAI_NAMES.items() if counts.get(field)}
        try:
            priced = self._genai.calc_price(
                self._genai.Usage(**tokens),
                model,
                provider_api_url=None if host is None else f"https://{host}/",
                genai_request_timestamp=dt.datetime.combine(day, dt.time(12), dt.UTC),
            )
        except (LookupError, ValueError):
            return None
        return priced.total_price

    def of(self, stats: Stats, what: Literal["saved", "billed"]) -> Cost:
        """Return what all calls saved, or what was billed for them, at the prices of their host, model, day and band of input tokens."""
        cost = Cost()
        for row, amounts in stats.rows.items():
            if calls := int(amounts.get(what, 0)):
                cost += self._of_row(row, amounts, what, calls)
        return cost

    def _of_row(self, row: Row, amounts: Mapping[str, float], what: str, calls: int) -> Cost:
        mean = {field: Decimal(int(amounts.get(f"{what}.{field}", 0))) / calls for field in GENAI_NAMES}
        day = dt.date(1970, 1, 1) + dt.timedelta(days=row.day)
        per_call = None if row.band == PRICED_APART else self.of_call(mean, row.host, row.model, day, row.endpoint)
        return Cost(unpriced=calls) if per_call is None else Cost(per_call * calls, calls)
