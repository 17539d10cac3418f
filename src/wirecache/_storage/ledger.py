"""The ledger of a cache: its budgets and their counters, by which calls are admitted or denied.

A call makes a reservation in each counter before it is sent, and settles when it is over: with its cost, or with nothing if it failed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple, Protocol

from wirecache._core.flows import spending
from wirecache._core.flows.spending import Amounts, Denial
from wirecache._core.messages import Usage
from wirecache._core.rules.budget import Budget
from wirecache._runtime.warn_once import WarnOnce
from wirecache._storage.runs import runs_of
from wirecache._storage.shared_counters import counters_of
from wirecache.stores._protocol import Store

__all__ = ["Admission", "Ledger", "Pricer", "Spender"]

# Endpoints that no provider bills: they count tokens, or split texts.
UNBILLED = frozenset({"count-tokens", "input-tokens", "tokenize", "detokenize"})


class Spender(NamedTuple):
    """A call that is to be sent. ``what``: a description of the request, without credentials. ``is_local``: no provider bills it."""

    host: str
    endpoint: str
    model: str
    namespace: str
    what: str
    is_local: bool = False

    @property
    def is_free(self) -> bool:
        """Whether the call costs no dollars."""
        return self.is_local or self.endpoint in UNBILLED


class Pricer(Protocol):
    """Knows what calls cost."""

    def dollars(self, usage: Usage, host: str, model: str, endpoint: str, now: float) -> Decimal | None:
        """Return the price of a call, or a lower bound; None if it is not known."""
        ...


class _Place(NamedTuple):
    """A reservation: the counter, and the name under which it counts the model."""

    budgets: Sequence[Budget]
    counter: str
    label: str


class Ledger:
    """The budgets of one cache. ``store``: keeps the counters. ``pricer``: None if no budget is in dollars.

    ``notice``: a warning to log with the first call. ``run``: the name of the run, if known. ``outer``: further budgets, counted
    elsewhere. ``counted_by``: the address of a proxy that itself counts the calls sent to it in these budgets.
    """

    def __init__(
        self, budgets: Sequence[Budget], store: Store, pricer: Pricer | None, notice: str | None = None, run: str | None = None
    ) -> None:
        self.budgets = tuple(budgets)
        self.store = store
        self._pricer = pricer
        self._runs = runs_of(store)
        self._counters = counters_of(store)
        self._notice = notice
        self._run = run
        self.outer: Ledger | None = None
        self.counted_by = ""
        self._warn = WarnOnce()

    def admit(self, spender: Spender) -> Admission | Denial:
        """Make a call's reservation in each counter, or return why it may not be sent. This may block on the store."""
        admitted = self._admit(spender)
        if self.outer is None or isinstance(admitted, Denial):
            return admitted
        beside = self.outer.admit(spender)
        if isinstance(beside, Denial):
            admitted.settle(None, is_billed=False, is_whole=True)
            return beside
        admitted.beside = beside
        return admitted

    def _admit(self, spender: Spender) -> Admission | Denial:
        if self._notice is not None:
            self._warn("notice", "%s", self._notice)
        now = time.time()
        own = self.budgets if spender.host != self.counted_by else ()
        budgets = [budget for budget in own if budget.covers(spender.namespace, spender.model)]
        if self._is_unpriced(spender, budgets, now):
            return self._denied(spending.explain_unpriced(spender.model, spender.host, spender.endpoint, spender.what))
        places: list[_Place] = []
        try:
            for counter, group in self._by_counter(budgets, now).items():
                denial = self._reserve(spender, counter, group, places, now)
                if denial is not None:
                    self._add_later(places, [spending.returned(place.label) for place in places])
                    self._add_later(places[-1:], [{"refused": 1}])
                    return self._denied(denial)
        except Exception as error:
            self._add_later(places, [spending.returned(place.label) for place in places])
            return self._denied(spending.explain_unreadable(f"{type(error).__name__}: {error}", spender.what))
        return Admission(self, spender, places)

    def _is_unpriced(self, spender: Spender, budgets: Sequence[Budget], now: float) -> bool:
        """Return whether one of the budgets refuses the call because its price is not known."""
        if not any(budget.usd is not None and budget.unpriced == "refuse" for budget in budgets):
            return False
        return self._dollars(spender, Usage(1, 1), now) is None

    def _reserve(self, spender: Spender, counter: str, budgets: Sequence[Budget], places: list[_Place], now: float) -> Denial | None:
        """Make the reservation in one counter and add it to ``places``; return why the call may not be sent, or None."""
        label = spending.label_of(spender.model, self._counters.last_seen(counter))
        totals = self._counters.add(self.store, counter, spending.reserved(label), _kept_for(budgets))
        places.append(_Place(budgets, counter, label))
        for budget in budgets:
            if (unit := spending.exceeded_unit(budget, totals, label)) is not None:
                return spending.denial(budget, unit, totals, label, spender.what, now)
        self._warn_if_crossed(budgets, counter, totals)
        return None

    def settle(self, spender: Spender, places: Sequence[_Place], usage: Usage | None, *, is_whole: bool) -> None:
        """Count what a call cost, without blocking."""
        usage = Usage() if usage is None and spender.endpoint in UNBILLED else usage
        dollars = self._dollars(spender, usage, time.time()) if usage is not None else None
        needs_price = self._pricer is not None
        for place in places:
            amounts = spending.settled(place.label, usage, dollars, is_whole=is_whole, needs_price=needs_price)
            self._add_later([place], [amounts])

    def give_back(self, places: Sequence[_Place]) -> None:
        """Take back the reservations of a call that was not sent or that failed, without blocking."""
        self._add_later(places, [spending.returned(place.label) for place in places])

    def totals(self) -> list[tuple[Budget, Amounts]]:
        """Return each budget with its counter's sums over all processes. Raises what the store raises."""
        groups = self._by_counter(self.budgets, time.time())
        found = {
            budget: self._counters.add(self.store, counter, {}, _kept_for(group)) for counter, group in groups.items() for budget in group
        }
        return [(budget, found[budget]) for budget in self.budgets]

    def _by_counter(self, budgets: Sequence[Budget], now: float) -> Mapping[str, list[Budget]]:
        """Return the budgets by counter, since several may share one. Raises what the store raises."""
        groups: dict[str, list[Budget]] = {}
        for budget in budgets:
            run = (self._run or self._runs.current(self.store)) if budget.window == "run" else ""
            groups.setdefault(budget.counter(now, run), []).append(budget)
        return groups

    def _add_later(self, places: Sequence[_Place], amounts: Sequence[Amounts]) -> None:
        for place, added in zip(places, amounts, strict=True):
            on_added = partial(self._warn_if_crossed, place.budgets, place.counter)
            self._counters.add_later(self.store, place.counter, added, _kept_for(place.budgets), on_added)

    def _dollars(self, spender: Spender, usage: Usage, now: float) -> Decimal | None:
        if spender.is_free:
            return Decimal(0)
        return self._pricer.dollars(usage, spender.host, spender.model, spender.endpoint, now) if self._pricer is not None else None

    def _warn_if_crossed(self, budgets: Sequence[Budget], counter: str, totals: Amounts) -> None:
        for budget in budgets:
            if (unit := spending.crossed(budget, totals)) is not None:
                self._warn((counter, budget, unit), "%s", spending.explain_crossed(budget, unit, totals))

    def _denied(self, denial: Denial) -> Denial:
        self._warn(denial.detail, "%s", denial.message)
        return denial


class Admission:
    """A call that may be sent, and its reservations. It is settled once, by the process that made it."""

    __slots__ = ("_ledger", "_pid", "_places", "_spender", "beside")

    def __init__(self, ledger: Ledger, spender: Spender, places: Sequence[_Place]) -> None:
        self._ledger = ledger
        self._spender = spender
        self._places: Sequence[_Place] = places
        self._pid = os.getpid()
        self.beside: Admission | None = None  # the admission by the outer budgets

    def settle(self, usage: Usage | None, *, is_billed: bool, is_whole: bool) -> None:
        """Count the call, which is over. Later calls do nothing. ``usage``: as far as reported. ``is_billed``: it was, or may have been."""
        if self.beside is not None:
            self.beside.settle(usage, is_billed=is_billed, is_whole=is_whole)
        places, self._places = self._places, ()
        if not places or os.getpid() != self._pid:  # in the child of a fork the call belongs to the parent
            return
        if is_billed:
            self._ledger.settle(self._spender, places, usage, is_whole=is_whole)
        else:
            self._ledger.give_back(places)


def _kept_for(budgets: Sequence[Budget]) -> float:
    return max(budget.kept_for for budget in budgets)
