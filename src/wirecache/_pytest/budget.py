"""The budget of a test run (``--wirecache-max-cost``), shared by all processes of pytest-xdist, and what each test spent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from wirecache._caches.budgets import ledger_for
from wirecache._caches.cassette import Cassette
from wirecache._core.flows.exchange import BUDGET_DETAILS
from wirecache._core.rules.budget import Budget
from wirecache.prices import Prices
from wirecache.stores import DiskStore

__all__ = ["CassetteCost", "RunBudget", "budget_lines"]

MAX_LINES = 20  # of tests


class CassetteCost(NamedTuple):
    """Dollars spent and saved with a cassette, as text so that pytest-xdist can send them. ``refused``: the number of calls not sent."""

    spent: str = "0"
    saved: str = "0"
    refused: int = 0


class RunBudget:
    """The budget of a run. ``folder``: where all its processes keep the counter."""

    def __init__(self, max_cost: str, folder: Path) -> None:
        self._budget = Budget(usd=max_cost)
        self._store = DiskStore(folder / "store")
        self._prices = Prices()

    def hold(self, cassette: Cassette) -> None:
        """Apply this budget to a cassette, beside those that it has."""
        ledger = ledger_for([self._budget], self._store, {}, run="pytest")
        if ledger is not None:
            ledger.outer = cassette.engine.ledger
        cassette.engine.use_ledger(ledger)

    def cost_of(self, cassette: Cassette) -> CassetteCost:
        """Return what was spent and saved with a cassette, and how many calls were refused."""
        stats = cassette.stats
        spent, saved = (self._prices.of(stats, what).dollars for what in ("billed", "saved"))
        return CassetteCost(str(spent), str(saved), sum(stats.refused_for.get(detail, 0) for detail in BUDGET_DETAILS))


def budget_lines(max_cost: str, costs: list[tuple[str, CassetteCost]]) -> list[str]:
    """Return the summary: the totals, and what each test spent, the most expensive first. ``costs``: with the ids of the tests."""
    spent = sum((Decimal(cost.spent) for _, cost in costs), Decimal(0))
    saved = sum((Decimal(cost.saved) for _, cost in costs), Decimal(0))
    refused = sum(cost.refused for _, cost in costs)
    lines = [f"wirecache: ${spent:.4f} of ${Decimal(max_cost.removeprefix('$')):.2f} spent, ${saved:.4f} saved, {refused:,} refused"]
    shown = sorted(((test, cost) for test, cost in costs if Decimal(cost.spent) or cost.refused), key=lambda one: -Decimal(one[1].spent))
    for test, cost in shown[:MAX_LINES]:
        lines.append(f"  ${Decimal(cost.spent):.4f} {test}" + (f" ({cost.refused:,} refused)" if cost.refused else ""))
    return [*lines, *([f"  and {len(shown) - MAX_LINES} more"] if len(shown) > MAX_LINES else [])]
