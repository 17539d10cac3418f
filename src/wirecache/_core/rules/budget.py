"""Budgets: how much may be spent (limits), on which calls (scope), within which time (window)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Any, Literal, TypeAlias

from wirecache.errors import ConfigError

__all__ = ["PICO", "Budget", "Unit", "is_closed", "is_local", "window_of"]

Unit: TypeAlias = Literal["usd", "calls", "tokens"]
Window: TypeAlias = Literal["run", "day", "month"]

PICO = 10**12  # dollars are counted in picodollars: sums of integers are exact, in any order
MAX_USD = 9_000_000  # a larger amount would overflow a 64-bit counter
DAY = 86_400.0  # seconds
KEPT_FOR: Mapping[str, float] = {"run": 30 * DAY, "day": 35 * DAY, "month": 70 * DAY}  # how long a counter is kept after its last use

# Models that only their provider can run. Under another address a gateway offers them, which costs the provider's price.
_CLOSED = re.compile(r"(^|/)(chatgpt|claude|gemini|gpt-(?!oss)|grok|o[1-9](-|$)|text-embedding-(3|ada))", re.IGNORECASE)
_LOCAL_NAMES = ("localhost", "host.docker.internal")


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on what calls to models may cost. Calls beyond it are refused before they are sent, with status 424 and ``budget_exceeded``.

    ``usd``: dollars, at the prices of genai-prices (the extra ``prices``). ``calls``: the number of calls sent; failed ones do not count.
    ``tokens``: input and output. ``window``: the budget starts afresh with each ``"run"`` (the processes that use the store at the same
    time, or that share a ``WIRECACHE_RUN``), ``"day"`` or ``"month"`` (UTC). ``warn_at``: the share of a limit at which a warning is
    logged, once.
    ``unpriced``: what a budget in dollars does with a call whose price is not known: ``"refuse"`` it, or ``"allow"`` it (it is sent and
    listed). ``namespace``, ``model``: globs that select the calls it applies to. ``name``: budgets with different names are counted
    separately.
    """

    usd: float | Decimal | str | None = None
    calls: int | None = None
    tokens: int | None = None
    window: Window = "run"
    warn_at: float = 0.8
    unpriced: Literal["refuse", "allow"] = "refuse"
    namespace: str = "*"
    model: str = "*"
    name: str = ""

    def __post_init__(self) -> None:
        """Check the parameters. Raises ``ConfigError`` for an invalid one."""
        if self.usd is not None:
            object.__setattr__(self, "usd", _dollars(self.usd))
        for unit in ("calls", "tokens"):
            value = getattr(self, unit)
            if value is not None and (type(value) is not int or not 0 <= value < 2**62):
                raise ConfigError(f"Budget: {unit} must be an integer of at least 0, got {value!r}")
        if self.usd is None and self.calls is None and self.tokens is None:
            raise ConfigError("Budget: usd, calls or tokens must be given; a budget without a limit has no effect")
        _check_choice("window", self.window, tuple(KEPT_FOR))
        _check_choice("unpriced", self.unpriced, ("refuse", "allow"))
        if isinstance(self.warn_at, bool) or not isinstance(self.warn_at, (int, float)) or not 0 < self.warn_at <= 1:
            raise ConfigError(f"Budget: warn_at must be above 0 and at most 1 (a share of the limit), got {self.warn_at!r}")
        for field in ("namespace", "model", "name"):
            if not isinstance(getattr(self, field), str):
                raise ConfigError(f"Budget: {field} must be a string, got {getattr(self, field)!r}")

    @property
    def limits(self) -> dict[Unit, int]:
        """The limits by unit; ``usd`` in picodollars."""
        usd = None if self.usd is None else int(Decimal(self.usd) * PICO)
        found: dict[Unit, int | None] = {"usd": usd, "calls": self.calls, "tokens": self.tokens}
        return {unit: limit for unit, limit in found.items() if limit is not None}

    def covers(self, namespace: str, model: str) -> bool:
        """Return whether the budget applies to a call with this namespace and model."""
        return fnmatchcase(namespace, self.namespace) and fnmatchcase(model, self.model)

    def counter(self, now: float, run: str) -> str:
        """Return the name of the counter for the current window. Budgets with the same scope and window share it, whatever their limits."""
        scope = "\x1f".join((self.namespace, self.model, self.name))
        return f"{self.window}:{run if self.window == 'run' else window_of(self.window, now)}:{scope}"

    @property
    def kept_for(self) -> float:
        """For how many seconds its counter is kept after the last use."""
        return KEPT_FOR[self.window]


def window_of(window: str, now: float) -> str:
    """Return the day or month (UTC) of a time in seconds since the epoch, as ``2026-12-01`` or ``2026-12``."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m" if window == "month" else "%Y-%m-%d")


def is_closed(model: str) -> bool:
    """Return whether only its own provider can run this model, so that any gateway to it is billed at that provider's price."""
    return _CLOSED.search(model) is not None


def is_local(host: str, socket: str, model: str) -> bool:
    """Return whether the model runs on this machine or in this network, so that no provider bills it.

    Never true of a model that only its provider can run: such an address is then a gateway's.
    """
    return (bool(socket) or _is_local_host(host)) and not is_closed(model)


def _is_local_host(host: str) -> bool:
    name = host.strip("[]").rstrip(".").lower()
    if name in _LOCAL_NAMES or name.endswith((".localhost", ".local")):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_unspecified


def _dollars(value: Any) -> Decimal:
    try:
        dollars = Decimal(str(value).strip().removeprefix("$"))
    except InvalidOperation:
        dollars = Decimal(-1)
    if isinstance(value, bool) or not dollars.is_finite() or not 0 <= dollars <= MAX_USD:
        raise ConfigError(f"Budget: usd must be an amount of dollars from 0 to {MAX_USD}, such as 2.50, got {value!r}")
    return dollars


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"Budget: {name} must be {' or '.join(map(repr, allowed))}, got {value!r}")
