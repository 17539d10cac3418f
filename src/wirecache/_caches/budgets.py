"""The budgets of a cache, counted in its store, or else in the store that ``Cache()`` uses."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from wirecache._core.flows.spending import Amounts, models_in
from wirecache._core.messages import Usage
from wirecache._core.rules.budget import PICO, Budget, is_closed
from wirecache._core.unset import UNSET, Unset
from wirecache._settings.parsers import parse_budgets
from wirecache._settings.sources import setting, source_of
from wirecache.errors import ConfigError
from wirecache.stores._open import open_store
from wirecache.stores._protocol import Store
from wirecache.stores._url import disk_or_memory

if TYPE_CHECKING:
    from wirecache._storage.ledger import Ledger

__all__ = ["PROXY_VARIABLE", "Budgets", "Spending", "ledger_for", "spending_of"]

# The address of a proxy that itself enforces the budgets of WIRECACHE_BUDGET; ``wirecache run --proxy`` sets both.
PROXY_VARIABLE = "WIRECACHE_PROXY"

Budgets: TypeAlias = Budget | Sequence[Budget] | str | Unset | None


class Spending(NamedTuple):
    """What is spent of a budget, by all processes that share its counter.

    ``usd``: None if the budget is not in dollars. ``calls``: includes those in progress (``open``). ``untold``: calls that did not report
    all of their usage. ``unpriced``: calls with a part whose price is not known. ``refused``: calls beyond a limit.
    ``models``: the same for each model that is counted by name.
    """

    budget: Budget
    usd: Decimal | None
    calls: int
    tokens: int
    open: int
    untold: int
    unpriced: int
    refused: int
    models: Mapping[str, Mapping[str, Any]]


def ledger_for(given: Budgets, store: Store | None, file: Mapping[str, Any], run: str | None = None) -> Ledger | None:
    """Return the ledger of the budgets in force, or None if there are none. ``store``: None for a cassette, which cannot count.
    ``run``: the name of the run, if known.

    Raises ``ConfigError`` if a budget is invalid, or is in dollars and there are no prices.
    """
    budgets = setting("budget", given, parse_budgets, file, None)
    if not budgets:
        return None
    from wirecache._storage.ledger import Ledger

    pricer = _Pricer() if any(budget.usd is not None for budget in budgets) else None
    counting = _counting_store(store, file)
    notice = None
    if store is not None and counting is not store:
        notice = (
            f"wirecache: {store!r} cannot count, so budgets are counted in {counting!r}, and only for the processes that use that store"
        )
    ledger = Ledger(budgets, counting, pricer, notice, run)
    if given is UNSET and source_of("budget", file) == "WIRECACHE_BUDGET":
        ledger.counted_by = os.environ.get(PROXY_VARIABLE, "")
    return ledger


def _counting_store(store: Store | None, file: Mapping[str, Any]) -> Store:
    """Return the store that keeps the counters: this one if it can, else the one that ``Cache()`` uses, else the default one."""
    from wirecache._storage.shared_counters import can_count

    for candidate in (store, open_store(None, file)):
        if candidate is not None and can_count(candidate):
            return candidate
    return disk_or_memory()


def spending_of(ledger: Ledger | None) -> list[Spending]:
    """Return what is spent of each budget. Raises ``StoreError`` if that cannot be read."""
    return [] if ledger is None else [_spending(budget, totals) for budget, totals in ledger.totals()]


def _spending(budget: Budget, totals: Amounts) -> Spending:
    names = ("calls", "tokens", "open", "untold", "unpriced", "refused")
    counts = {name: max(0, totals.get(name, 0)) for name in names}
    return Spending(
        budget,
        _dollars(budget, totals.get("usd", 0)),
        **counts,
        models={model: _of_model(budget, totals, model) for model in models_in(totals)},
    )


def _of_model(budget: Budget, totals: Amounts, model: str) -> dict[str, Any]:
    return {
        "usd": _dollars(budget, totals.get(f"usd|{model}", 0)),
        **{name: max(0, totals.get(f"{name}|{model}", 0)) for name in ("calls", "tokens", "open", "untold", "unpriced")},
    }


def _dollars(budget: Budget, picos: int) -> Decimal | None:
    return None if budget.usd is None else Decimal(max(0, picos)) / PICO


class _Pricer:
    """Prices of calls, from genai-prices."""

    def __init__(self) -> None:
        from wirecache.prices import Prices

        try:
            self._prices = Prices()
        except ConfigError:
            raise ConfigError(
                "a budget in dollars needs the prices extra: pip install 'wirecache[prices]', or limit calls= or tokens= instead of usd="
            ) from None

    def dollars(self, usage: Usage, host: str, model: str, endpoint: str, now: float) -> Decimal | None:
        """Return the price of a call; a lower bound if a part of it is priced separately.

        At a gateway's host, whose prices are not published, it is the provider's price if only that provider can run the model.
        """
        day, tokens = dt.datetime.fromtimestamp(now, dt.UTC).date(), usage._replace(other=0)
        dollars = self._prices.of_call(tokens, host, model, day, endpoint)
        if dollars is None and is_closed(model):
            return self._prices.of_call(tokens, None, model.rpartition("/")[2], day, endpoint)
        return dollars
