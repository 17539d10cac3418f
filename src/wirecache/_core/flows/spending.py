"""May this call be sent, given what was spent so far, and how much does it add?

A counter holds named sums of integers: ``usd`` is in picodollars, ``open`` is the number of calls in progress. Each sum exists once for all
models and once per model (``usd|gpt-4o``). A call first makes its reservation, and is then judged by sums that include it. So each of many
concurrent processes sees its own reservation, and the store only has to add. A call in progress counts as the average of its model's
earlier calls; one whose process was killed stays in progress, since it was probably billed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple, TypeAlias

from wirecache._core.messages import Usage
from wirecache._core.quantity import quantity
from wirecache._core.rules.budget import PICO, Budget, Unit, window_of

__all__ = [
    "EXCEEDED", "UNPRICED", "UNREADABLE", "Amounts", "Denial", "crossed", "denial", "describe", "exceeded_unit", "explain_crossed",
    "explain_unpriced", "explain_unreadable", "label_of", "models_in", "reserved", "returned", "settled", "spent_in",
]  # fmt: skip

Amounts: TypeAlias = Mapping[str, int]

# Why a call is denied: the ``detail`` of its ``CacheStatus``.
EXCEEDED, UNPRICED, UNREADABLE = "budget-exceeded", "budget-unpriced", "budget-unreadable"

MODELS = 64  # counted by name in one counter; further models are counted as "other"
LONGEST_NAME = 120  # characters
SHOWN = 3  # models that a message names
# The sum by which a unit's sum is divided to get its average per call.
_AVERAGED_OVER: Mapping[str, str] = {"usd": "priced", "tokens": "counted"}
_WHAT_TO_DO: Mapping[str, str] = {
    "usd": "usd=, WIRECACHE_BUDGET, --max-cost or --wirecache-max-cost",
    "calls": "calls=, WIRECACHE_BUDGET or --max-calls",
    "tokens": "tokens= or WIRECACHE_BUDGET",
}


class Denial(NamedTuple):
    """Why a call is not sent. ``detail``: ``EXCEEDED``, ``UNPRICED`` or ``UNREADABLE``."""

    detail: str
    message: str


# -- what is added to a counter ---------------------------------------------------------------------------------------


def label_of(model: str, totals: Amounts) -> str:
    """Return the name under which a model is counted. ``totals``: the counter's sums, which name a bounded number of models."""
    name = model[:LONGEST_NAME] or "unknown"
    return name if f"calls|{name}" in totals or len(models_in(totals)) < MODELS else "other"


def models_in(totals: Amounts) -> list[str]:
    """Return the models that are counted by name."""
    return [name.removeprefix("calls|") for name in totals if name.startswith("calls|")]


def reserved(label: str) -> dict[str, int]:
    """Return what a call adds before it is sent."""
    return _with_model(label, {"calls": 1, "open": 1})


def returned(label: str) -> dict[str, int]:
    """Return what is added for a call that was not sent or that failed: its reservation is taken back."""
    return _with_model(label, {"calls": -1, "open": -1})


def settled(label: str, usage: Usage | None, dollars: Decimal | None, *, is_whole: bool, needs_price: bool) -> dict[str, int]:
    """Return what a call adds when it is over.

    ``usage``: as far as the provider reported it. ``dollars``: its price, or None if unknown. ``is_whole``: the usage covers the whole
    answer. ``needs_price``: dollars are counted, so that a call without a price is counted as ``unpriced``.
    """
    amounts = {"open": -1}
    if usage is not None:
        amounts["tokens"] = usage.total
        amounts["counted"] = 1
    if usage is None or not is_whole:
        amounts["untold"] = 1
    if usage is not None and dollars is not None:
        amounts["usd"] = int((dollars * PICO).to_integral_value(ROUND_CEILING))
        amounts["priced"] = 1
    if needs_price and usage is not None and (dollars is None or usage.other):
        amounts["unpriced"] = 1
    return _with_model(label, amounts)


def _with_model(label: str, amounts: Amounts) -> dict[str, int]:
    return {**amounts, **{f"{name}|{label}": amount for name, amount in amounts.items()}}


# -- the judgement ----------------------------------------------------------------------------------------------------


def exceeded_unit(budget: Budget, totals: Amounts, label: str) -> Unit | None:
    """Return the unit whose limit is reached, or None. ``totals``: including what a call of the model ``label`` has just reserved."""
    for unit, limit in budget.limits.items():
        if unit == "calls":
            if totals.get("calls", 0) > limit:
                return unit
        elif spent_in(unit, totals) + _expected(unit, totals, label) >= limit:
            return unit
    return None


def crossed(budget: Budget, totals: Amounts) -> Unit | None:
    """Return the unit of which more than ``warn_at`` is spent, or None."""
    for unit, limit in budget.limits.items():
        if limit and spent_in(unit, totals) >= limit * budget.warn_at:
            return unit
    return None


def spent_in(unit: str, totals: Amounts) -> int:
    """Return how much of a unit is spent, without the calls in progress (except in the unit ``calls``)."""
    return max(0, totals.get(unit, 0))


def _expected(unit: str, totals: Amounts, label: str) -> int:
    """Return what the other calls in progress will cost, if they are like their models' earlier calls."""
    expected = 0
    for model in models_in(totals):
        others = totals.get(f"open|{model}", 0) - (model == label)
        known = totals.get(f"{_AVERAGED_OVER[unit]}|{model}", 0)
        if others > 0 and known > 0:
            expected += others * (totals.get(f"{unit}|{model}", 0) // known)
    return expected


# -- the messages -----------------------------------------------------------------------------------------------------


def denial(budget: Budget, unit: Unit, totals: Amounts, label: str, what: str, now: float) -> Denial:
    """Return the denial of a call. ``what``: the request, in words. ``totals``: including the call's own reservation."""
    others = {**totals, **{name: totals.get(name, 0) + amount for name, amount in returned(label).items()}}
    under_way = max(0, others.get("open", 0))
    waits = f", with {quantity(under_way, 'call')} under way" if under_way else ""
    expected = _expected(unit, totals, label) if unit != "calls" else 0
    waits += f" (about {_amount(unit, expected)})" if expected else ""
    wait = "" if budget.window == "run" else f", wait for the next {budget.window} (now is {window_of(budget.window, now)} UTC)"
    message = (
        f"wirecache: {describe(budget, unit)} is spent: {_amount(unit, spent_in(unit, others))}{_by_model(unit, others)}{waits}. "
        f"{_left_out(others)}{what} was not sent. To go on: raise the limit ({_WHAT_TO_DO[unit]}){wait}, or use mode='offline' for "
        "what is stored already."
    )
    return Denial(EXCEEDED, message)


def explain_crossed(budget: Budget, unit: Unit, totals: Amounts) -> str:
    """Return the warning that most of a budget is spent."""
    spent = spent_in(unit, totals)
    share = f"{spent * 100 // budget.limits[unit]}%"
    return f"wirecache: {share} of {describe(budget, unit)} is spent: {_amount(unit, spent)}{_by_model(unit, totals)}"


def describe(budget: Budget, unit: Unit) -> str:
    """Return the description of a budget by one of its limits."""
    scope = [f"{name} {value!r}" for name, value in (("model", budget.model), ("namespace", budget.namespace)) if value != "*"]
    name = f" {budget.name!r}" if budget.name else ""
    of = f" for {' and '.join(scope)}" if scope else ""
    return f"the budget{name} of {_amount(unit, budget.limits[unit])} per {budget.window}{of}"


def explain_unpriced(model: str, host: str, endpoint: str, what: str) -> Denial:
    """Return the denial of a call whose price is not known."""
    message = (
        f"wirecache: the price of a call to {endpoint} of model {model or 'unknown'!r} at {host} is not known, so a budget in dollars "
        f"cannot count it. {what} was not sent. To go on: let such calls pass uncounted (unpriced='allow'), limit calls= or tokens= "
        "instead of usd=, or update the prices (pip install -U genai-prices)."
    )
    return Denial(UNPRICED, message)


def explain_unreadable(error: str, what: str) -> Denial:
    """Return the denial of a call because the amount spent cannot be determined."""
    message = (
        f"wirecache: the counter of a budget cannot be read or written, so it is not known what was spent: {error}. {what} was not sent. "
        "To go on: repair the store, or make the calls without a budget."
    )
    return Denial(UNREADABLE, message)


def _by_model(unit: str, totals: Amounts) -> str:
    """Return the models that it was spent on, in words, those with most first."""
    spent = {model: amount for model in models_in(totals) if (amount := totals.get(f"{unit}|{model}", 0)) > 0}
    if not spent:
        return ""
    most = sorted(spent, key=lambda model: -spent[model])
    named = [f"{model} {_amount(unit, spent[model])}" for model in most[:SHOWN]]
    return f" ({', '.join([*named, *(['...'] if len(most) > SHOWN else [])])})"


def _left_out(totals: Amounts) -> str:
    """Return the calls that the sums do not fully include, in words."""
    parts = [
        f"{quantity(totals.get(name, 0), 'call')} {why}"
        for name, why in (("untold", "whose usage was not wholly reported"), ("unpriced", "with a part whose price is not known"))
        if totals.get(name, 0) > 0
    ]
    return f"Not all is in this sum: {' and '.join(parts)}. " if parts else ""


def _amount(unit: str, amount: int) -> str:
    if unit != "usd":
        return quantity(amount, unit.removesuffix("s"))
    dollars = Decimal(amount) / PICO
    return f"${dollars:,.2f}" if dollars >= 1 or not amount or amount % (PICO // 100) == 0 else f"${dollars:.6f}".rstrip("0")
