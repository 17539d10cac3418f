"""``Stats``, as returned by ``cache.stats`` and ``cache.history()``: how often the cache answered, and what that saved."""

from __future__ import annotations

from wirecache._core.stats import BANDS, PRICED_APART, Amounts, Row, Stats, band_of
from wirecache._storage.tally import Tally

__all__ = ["BANDS", "PRICED_APART", "Amounts", "Row", "Stats", "Tally", "band_of"]
