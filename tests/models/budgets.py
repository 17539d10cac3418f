"""Budgets and namespaces against plain arithmetic: several processes on one counter, calls under way, kills, days,
budgets of several scopes.

A killed process settles nothing: its calls stay under way, since they were probably billed.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from tests.core.play import ask
from tests.fuzz.target import Target
from wirecache import Budget, Usage, options
from wirecache._caches.context import current_options
from wirecache._core.flows.spending import Denial
from wirecache._core.rules.plan import Plan, for_call
from wirecache._storage.ledger import Admission, Ledger, Spender
from wirecache._storage.write_queue import write_queue_of

PICO = 10**12
START = 1_800_000_000.0  # 2027-01-15 08:00 UTC
PRICES = {"m": Decimal("0.001"), "n": Decimal("0.25")}  # dollars a token; the model "x" has no price


class Counting:
    """The store that the processes have in common, as one of them sees it: it only adds."""

    def __init__(self, sums: dict[str, dict[str, int]]) -> None:
        self._sums = sums
        self.location = object()

    def get(self, key: str) -> bytes | None:
        return None

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None: ...

    def count(self, counter: str, amounts: dict[str, int], *, ttl: float) -> dict[str, int]:
        sums = self._sums.setdefault(counter, {})
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount
        return dict(sums)


class Pricer:
    def dollars(self, usage: Usage, host: str, model: str, endpoint: str, now: float) -> Decimal | None:
        return PRICES[model] * usage.total if model in PRICES else None


class Sum:
    """What is counted for one scope and window: by model, what was spent, how many are settled with a count, how many are under way."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, int]] = {}

    def of(self, model: str) -> dict[str, int]:
        return self.models.setdefault(model, {"calls": 0, "open": 0, "tokens": 0, "counted": 0, "usd": 0, "priced": 0})

    def total(self, name: str) -> int:
        return sum(each[name] for each in self.models.values())

    def is_spent(self, budget: Budget, model: str) -> bool:
        """Return whether a call of the model that has its place already is one too many."""
        if budget.calls is not None and self.total("calls") > budget.calls:
            return True
        limits = {"tokens": (budget.tokens, "counted"), "usd": (None if budget.usd is None else int(Decimal(budget.usd) * PICO), "priced")}
        return any(
            limit is not None and self.total(unit) + self._expected(unit, known, model) >= limit for unit, (limit, known) in limits.items()
        )

    def _expected(self, unit: str, known: str, model: str) -> int:
        """Return what the others that are under way cost, if each is as those of its model on average."""
        return sum(
            (each["open"] - (name == model)) * (each[unit] // each[known])
            for name, each in self.models.items()
            if each[known] and each["open"] - (name == model) > 0
        )


class World:
    def __init__(self, case: dict[str, Any]) -> None:
        self.now = START
        self.budgets = [Budget(**budget) for budget in case["budgets"]]
        self.common: dict[str, dict[str, int]] = {}
        self.sums: dict[tuple[str, str, str, str], Sum] = {}
        self.under_way: list[tuple[int, Admission, str, list[Sum]]] = []
        self.ledgers: list[Ledger] = []
        for _ in range(2):
            self.ledgers.append(self.ledger())

    def ledger(self) -> Ledger:
        pricer = Pricer() if any(budget.usd is not None for budget in self.budgets) else None
        return Ledger(self.budgets, Counting(self.common), pricer, run="r")

    def groups(self, model: str, namespace: str) -> list[tuple[Sum, list[Budget]]]:
        """Return the sums that a call counts in, each with the budgets that are held to it."""
        found: dict[Any, list[Budget]] = {}
        for budget in self.budgets:
            if fnmatchcase(namespace, budget.namespace) and fnmatchcase(model, budget.model):
                window = {"run": "", "day": str(self.now // 86_400), "month": "1" if self.now < START + 17 * 86_400 else "2"}[budget.window]
                found.setdefault((budget.window + window, budget.namespace, budget.model, budget.name), []).append(budget)
        return [(self.sums.setdefault(key, Sum()), budgets) for key, budgets in found.items()]

    def do(self, what: str, number: int, model: str, namespace: str) -> None:
        match what:
            case "send":
                self.send(number % 2, model, namespace)
            case "settle" if self.under_way:
                self.settle(self.under_way.pop(number % len(self.under_way)), number)
            case "kill":
                self.under_way = [each for each in self.under_way if each[0] != number % 2]
                self.ledgers[number % 2] = self.ledger()
            case "wait":
                self.now += 86_400 * (1 + number % 3 * 8)

    def send(self, process: int, model: str, namespace: str) -> None:
        groups, places, refused = self.groups(model, namespace), [], False
        needs_price = any(budget.usd is not None and budget.unpriced == "refuse" for _, budgets in groups for budget in budgets)
        if needs_price and model not in PRICES:
            refused = True
        else:
            for group, budgets in groups:
                group.of(model)["calls"] += 1
                group.of(model)["open"] += 1
                places.append(group)
                if refused := any(group.is_spent(budget, model) for budget in budgets):
                    break
        admitted = self.ledgers[process].admit(Spender("api.example", "chat", model, namespace, "POST"))
        assert isinstance(admitted, Denial) is refused, f"{admitted} for {model} in {namespace!r}"
        if isinstance(admitted, Denial):
            for group in places:
                group.of(model)["calls"] -= 1
                group.of(model)["open"] -= 1
        else:
            self.under_way.append((process, admitted, model, places))
        self.flush(process)

    def settle(self, call: tuple[int, Admission, str, list[Sum]], number: int) -> None:
        process, admitted, model, places = call
        is_billed, usage = number % 5 != 0, Usage(number, number % 3) if number % 4 else None
        for _ in range(2):  # only the first one counts
            admitted.settle(usage, is_billed=is_billed, is_whole=True)
        for group in places:
            each = group.of(model)
            each["open"] -= 1
            if not is_billed:
                each["calls"] -= 1
            elif usage is not None:
                each["tokens"] += usage.total
                each["counted"] += 1
                if model in PRICES and self.ledgers[process]._pricer is not None:
                    each["usd"] += int(PRICES[model] * usage.total * PICO)
                    each["priced"] += 1
        self.flush(process)

    def flush(self, process: int) -> None:
        assert write_queue_of(self.ledgers[process].store).flush(60.0)

    def check(self) -> None:
        """All processes see the sums of plain arithmetic."""
        for ledger in self.ledgers:
            for budget, totals in ledger.totals():
                own = next(group for group, budgets in self.all_groups() if budget in budgets)
                for name in ("calls", "open", "tokens", "usd"):
                    assert totals.get(name, 0) == own.total(name), f"{name} of {budget}: {totals} is not {own.models}"

    def all_groups(self) -> list[tuple[Sum, list[Budget]]]:
        found: dict[Any, list[Budget]] = {}
        for budget in self.budgets:
            window = {"run": "", "day": str(self.now // 86_400), "month": "1" if self.now < START + 17 * 86_400 else "2"}[budget.window]
            found.setdefault((budget.window + window, budget.namespace, budget.model, budget.name), []).append(budget)
        return [(self.sums.setdefault(key, Sum()), budgets) for key, budgets in found.items()]


LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "calls": st.integers(0, 6), "tokens": st.sampled_from([0, 5, 20, 60]), "usd": st.sampled_from(["0", "0.05", "2.5", "20"])
}  # fmt: skip
SCOPES: dict[str, st.SearchStrategy[Any]] = {
    "window": st.sampled_from(["run", "day", "month"]), "unpriced": st.sampled_from(["refuse", "allow"]),
    "namespace": st.sampled_from(["*", "a*", "b"]),
    "model": st.sampled_from(["*", "m", "[mn]"]), "name": st.sampled_from(["", "x"]),
}  # fmt: skip
BUDGETS = st.fixed_dictionaries({}, optional={**LIMITS, **SCOPES}).filter(lambda budget: bool(LIMITS.keys() & budget.keys()))
STEPS = st.tuples(
    st.sampled_from(["send", "send", "send", "settle", "settle", "kill", "wait"]), st.integers(0, 20), st.sampled_from(["m", "m", "n",
    "x"]),
    st.sampled_from(["", "a", "ab", "b"]),
)  # fmt: skip
CASES = st.fixed_dictionaries({"budgets": st.lists(BUDGETS, min_size=1, max_size=3), "steps": st.lists(STEPS, min_size=5, max_size=40)})


def play(case: dict[str, Any]) -> None:
    world = World(case)
    for step in case["steps"]:
        with patch.object(time, "time", lambda: world.now):
            world.do(*step)
            world.check()


# -- namespaces -------------------------------------------------------------------------------------------------------

NAMES = st.none() | st.sampled_from(["", "a", "b", "a b", "é", "*", "\x1f", "a\x1fb"])
NAMESPACES = st.fixed_dictionaries(
    {"cache": st.sampled_from(["", "a", "b"]), "blocks": st.lists(NAMES, max_size=3), "header": NAMES, "extension": NAMES}
)


def nested(case: dict[str, Any]) -> None:
    """Namespaces nest: the cache's, in it each block's, in that the call's (its header's, else its extension's)."""
    given = [*case["blocks"], case["header"], case["extension"]]
    path = [case["cache"], *case["blocks"], case["header"] or case["extension"]]
    wrong = any(name and "\x1f" in name for name in given)
    found: str | None = None
    try:
        with ExitStack() as blocks:
            for name in case["blocks"]:
                blocks.enter_context(options(namespace=name) if name is not None else options())
            headers = {} if case["header"] is None else {"Wirecache-Namespace": case["header"].encode("latin-1").decode("latin-1")}
            request = ask(headers=headers)
            request = request._replace(fields={name: value.decode().encode("latin-1") for name, value in request.fields.items()})
            extension = None if case["extension"] is None else {"namespace": case["extension"]}
            found = for_call(Plan(namespace=case["cache"]), request, current_options.get(), extension).namespace
    except ValueError:
        assert wrong, "refused"
    assert wrong or found == "\x1f".join(filter(None, path)), f"{found!r} is not {path}"


TARGETS = [Target("budgets", CASES, play), Target("namespaces", NAMESPACES, nested)]
