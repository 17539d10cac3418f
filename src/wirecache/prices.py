"""What would these calls have cost? By genai-prices (the extra ``prices``), at standard prices, for tokens alone.

A call is priced by its host, its model and the day on which it was made. What genai-prices does not know is not priced: no provider
is guessed from a model's name, and no model from another's. Service tiers and batch discounts are not known here; calls with audio,
with images that were made, or with searches have prices of their own, and are not priced either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from wirecache._core.messages import Usage
from wirecache.errors import ConfigError
from wirecache.stats import PRICED_APART, Row, Stats

__all__ = ["Cost", "Prices"]

# What these answer with is not priced by its tokens, or not by the price of text.
NOT_BY_TOKENS = frozenset({"images", "speech", "transcriptions", "translations", "ocr", "rerank", "predict", "task"})
PRICED = ("input", "output", "cached", "written", "written_1h", "reasoning")  # of ``Usage``, and as genai-prices calls them:
NAMES = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_reasoning_tokens")


@dataclass(frozen=True, slots=True)
class Cost:
    """``dollars`` for the calls that could be priced; ``calls`` of them, and ``unpriced`` others."""

    dollars: Decimal = Decimal(0)
    calls: int = 0
    unpriced: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.dollars + other.dollars, self.calls + other.calls, self.unpriced + other.unpriced)


class Prices:
    """The prices of genai-prices. ``ConfigError`` if it is not installed."""

    def __init__(self) -> None:
        try:
            import genai_prices
            from genai_prices.data_snapshot import get_snapshot
        except ModuleNotFoundError as error:
            raise ConfigError("prices need their extra: pip install 'wirecache[prices]'") from error
        self._genai = genai_prices
        self._snapshot = get_snapshot()
        self.version = f"genai-prices {genai_prices.__version__}"

    @property
    def date(self) -> dt.date:
        """How recent are they? When they were fetched, else the newest change of a price that they know of."""
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

    def of_call(self, usage: Usage | Mapping[str, Any], host: str, model: str, day: dt.date, endpoint: str = "chat") -> Decimal | None:
        """Dollars for one call of that usage; None if it cannot be priced."""
        counts = usage._asdict() if isinstance(usage, Usage) else usage
        if counts.get("other") or endpoint in NOT_BY_TOKENS or not model or not host:
            return None
        told = {name: counts[ours] for ours, name in zip(PRICED, NAMES, strict=True) if counts.get(ours)}
        try:
            priced = self._genai.calc_price(
                self._genai.Usage(**{"input_tokens": 0, "output_tokens": 0, **told}),
                model,
                provider_api_url=f"https://{host}/",
                genai_request_timestamp=dt.datetime.combine(day, dt.time(12), dt.UTC),
            )
        except (LookupError, ValueError):
            return None
        return priced.total_price

    def of(self, stats: Stats, what: Literal["saved", "billed"]) -> Cost:
        """What was saved, or billed: each call at the prices of its band, host, model and day."""
        cost = Cost()
        for row, amounts in stats.rows.items():
            if calls := int(amounts.get(what, 0)):
                cost += self._of_row(row, amounts, what, calls)
        return cost

    def _of_row(self, row: Row, amounts: Mapping[str, float], what: str, calls: int) -> Cost:
        mean = {name: Decimal(int(amounts.get(f"{what}.{name}", 0))) / calls for name in PRICED}
        day = dt.date(1970, 1, 1) + dt.timedelta(days=row.day)
        each = None if row.band == PRICED_APART else self.of_call(mean, row.host, row.model, day, row.endpoint)
        return Cost(unpriced=calls) if each is None else Cost(each * calls, calls)
