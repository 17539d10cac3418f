"""What a call adds to a counter, and whether it may be sent."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from wirecache._core.flows import spending
from wirecache._core.flows.spending import EXCEEDED, MODELS, UNPRICED, UNREADABLE
from wirecache._core.messages import Usage
from wirecache._core.rules.budget import PICO, Budget

CENT = Decimal("0.01")


class Account:
    """A counter, played by hand."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.totals: Counter[str] = Counter()

    def send(self, model: str = "m") -> bool:
        """Reserve, be judged, and take it back if that is a refusal."""
        self.totals.update(spending.reserved(model))
        if spending.exceeded_unit(self.budget, self.totals, model) is None:
            return True
        self.totals.update(spending.returned(model))
        return False

    def settle(self, dollars: Decimal | None = CENT, usage: Usage | None = Usage(10, 2), model: str = "m", **options: Any) -> None:
        self.totals.update(spending.settled(model, usage, dollars, **{"is_whole": True, "needs_price": True, **options}))


def test_calls_are_sent_up_to_the_limit_and_no_further() -> None:
    account = Account(Budget(calls=3))
    assert [account.send() for _ in range(5)] == [True, True, True, False, False]
    account.totals.update(spending.returned("m"))  # one failed
    assert [account.send() for _ in range(2)] == [True, False]


def test_the_call_that_crosses_the_line_is_the_last() -> None:
    account = Account(Budget(usd="0.025"))
    sent = 0
    while account.send():
        account.settle()
        sent += 1
    assert sent == 3
    assert account.totals["usd"] == 3 * PICO // 100


def test_tokens() -> None:
    account = Account(Budget(tokens=24))
    sent = 0
    while account.send():
        account.settle()
        sent += 1
    assert (sent, account.totals["tokens"]) == (2, 24)


def test_a_limit_of_zero_lets_nothing_pass() -> None:
    assert not Account(Budget(usd=0)).send()
    assert not Account(Budget(calls=0)).send()


def test_calls_under_way_count_as_the_average_of_their_model() -> None:
    account = Account(Budget(usd="0.05"))
    assert [account.send() for _ in range(8)] == [True] * 8, "nothing is known yet of what they cost"
    for _ in range(8):
        account.settle()
    account = Account(Budget(usd="0.05"))
    assert account.send()
    account.settle()
    assert [account.send() for _ in range(8)] == [True] * 4 + [False] * 4, "one cent is spent, and four are on their way"


def test_a_model_is_not_taken_for_another() -> None:
    account = Account(Budget(usd="0.10"))
    account.send("dear")
    account.settle(9 * CENT, model="dear")
    assert account.send("cheap")
    assert account.send("cheap"), "what these cost is not known"
    assert account.send("dear")
    assert not account.send("cheap"), "a dear one is on its way"


def test_what_reports_no_usage_or_not_all_of_it_is_listed() -> None:
    account = Account(Budget(usd=1))
    account.send()
    account.settle(None, None)
    account.send()
    account.settle(CENT, Usage(5), is_whole=False)
    assert (account.totals["untold"], account.totals["usd"], account.totals["tokens"]) == (2, PICO // 100, 5)
    assert (account.totals["open"], account.totals["calls"]) == (0, 2)


@pytest.mark.parametrize(("dollars", "usage"), [(None, Usage(5, 7)), (CENT, Usage(5, 7, other=1))])
def test_what_has_no_price_or_a_part_without_one_is_listed(dollars: Decimal | None, usage: Usage) -> None:
    account = Account(Budget(usd=1))
    account.send()
    account.settle(dollars, usage)
    assert account.totals["unpriced"] == 1
    assert account.totals["usd"] == int((dollars or 0) * PICO)


def test_a_price_is_rounded_up_so_that_no_call_is_nothing() -> None:
    assert spending.settled("m", Usage(1), Decimal("1e-13"), is_whole=True, needs_price=True)["usd"] == 1


def test_the_models_of_a_counter_are_bounded() -> None:
    totals: Counter[str] = Counter()
    for number in range(MODELS + 5):
        totals.update(spending.reserved(spending.label_of(f"m{number}", totals)))
    assert len(spending.models_in(totals)) == MODELS + 1
    assert totals["calls|other"] == 5
    assert spending.label_of("m1", totals) == "m1"
    assert len(spending.label_of("m" * 500, {})) == 120
    assert spending.label_of("", {}) == "unknown"


def test_the_message_names_what_was_spent_on_what_and_what_to_do() -> None:
    budget = Budget(usd=2, window="day", model="gpt-*")
    account = Account(budget)
    for model, price in (("gpt-4o", "1.90"), ("gpt-4o-mini", "0.25")):
        account.send(model)
        account.settle(Decimal(price), model=model)
    for _ in range(3):
        account.totals.update(spending.reserved("gpt-4o"))
    account.settle(None, None, model="gpt-4o")
    denied = spending.denial(budget, "usd", account.totals, "gpt-4o", "POST https://x/v1/chat/completions of model 'gpt-4o'", 0.0)
    assert denied.detail == EXCEEDED
    assert denied.message == (
        "wirecache: the budget of $2.00 per day for model 'gpt-*' is spent: $2.15 (gpt-4o $1.90, gpt-4o-mini $0.25), with 1 call under way "
        "(about $1.90). Not all is in this sum: 1 call whose usage was not wholly reported. POST https://x/v1/chat/completions of model "
        "'gpt-4o' was not sent. To go on: raise the limit (usd=, WIRECACHE_BUDGET, --max-cost or --wirecache-max-cost), wait for the next "
        "day (now is 1970-01-01 UTC), or use mode='offline' for what is stored already."
    )


def test_the_message_of_a_limit_of_calls() -> None:
    account = Account(Budget(calls=2, name="evals"))
    account.send()
    account.send()
    account.totals.update(spending.reserved("m"))
    message = spending.denial(account.budget, "calls", account.totals, "m", "It", 0.0).message
    assert message.startswith(
        "wirecache: the budget 'evals' of 2 calls per run is spent: 2 calls (m 2 calls), with 2 calls under way. It was"
    )


def test_the_warning() -> None:
    account = Account(Budget(usd="0.10"))
    for _ in range(8):
        assert spending.crossed(account.budget, account.totals) is None
        account.send()
        account.settle()
    assert spending.crossed(account.budget, account.totals) == "usd"
    warning = spending.explain_crossed(account.budget, "usd", account.totals)
    assert warning == "wirecache: 80% of the budget of $0.10 per run is spent: $0.08 (m $0.08)"
    all_of_it = spending.explain_crossed(Budget(calls=3), "calls", {"calls": 3})
    assert all_of_it.startswith("wirecache: 100% of the budget of 3 calls per run is spent: 3 calls")


def test_the_other_refusals_say_why() -> None:
    unpriced = spending.explain_unpriced("gpt-99", "api.openai.com", "chat", "It")
    assert unpriced.detail == UNPRICED
    assert "model 'gpt-99' at api.openai.com is not known" in unpriced.message
    unreadable = spending.explain_unreadable("StoreError: gone", "It")
    assert unreadable.detail == UNREADABLE
    assert "StoreError: gone. It was not sent" in unreadable.message


def test_what_is_spent_on_no_model_is_said_without_one() -> None:
    message = spending.denial(Budget(usd="0"), "usd", Counter(), "m", "It", 0.0).message
    assert message.startswith("wirecache: the budget of $0.00 per run is spent: $0.00. ")
