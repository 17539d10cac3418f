"""How much may be spent, on which calls, within which time? A budget's limits, its scope and its window."""

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

PICO = 10**12  # dollars are counted in millionths of a millionth: sums of whole numbers are exact, whatever their order
MAX_USD = 9_000_000  # above it, a counter of 64 bits is full
DAY = 86_400.0  # seconds
KEPT_FOR: Mapping[str, float] = {"run": 30 * DAY, "day": 35 * DAY, "month": 70 * DAY}  # how long a counter is kept after its last use

# Models that only their provider can run. At another address they are a gateway's: not free, and at their provider's price.
_CLOSED = re.compile(r"(^|/)(chatgpt|claude|gemini|gpt-(?!oss)|grok|o[1-9](-|$)|text-embedding-(3|ada))", re.IGNORECASE)
_LOCAL_NAMES = ("localhost", "host.docker.internal")


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may calls to models cost? What comes after a limit is refused before it is sent, with status 424 and ``budget_exceeded``.

    ``usd``: dollars, at the prices of genai-prices (the extra ``prices``). ``calls``: how many are sent; those that fail do not count.
    ``tokens``: input and output. ``window``: each ``"run"`` (of the processes that use the store at the same time, or that have one
    ``WIRECACHE_RUN``), ``"day"`` or ``"month"`` (UTC) begins with nothing spent. ``warn_at``: the share of a limit at which a warning is
    logged, once.
    ``unpriced``: what happens with a budget in dollars to a call whose price is not known: ``"refuse"``, or ``"allow"`` (it is sent and
    listed). ``namespace``, ``model``: globs of the calls that it is for. ``name``: budgets of different names are counted apart.
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
        """Check the parameters. ``ConfigError`` names a wrong one."""
        if self.usd is not None:
            object.__setattr__(self, "usd", _dollars(self.usd))
        for unit in ("calls", "tokens"):
            value = getattr(self, unit)
            if value is not None and (type(value) is not int or not 0 <= value < 2**62):
                raise ConfigError(f"Budget: {unit} must be a whole number from 0 on, got {value!r}")
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
        """The limits by their units: ``usd`` in picodollars."""
        usd = None if self.usd is None else int(Decimal(self.usd) * PICO)
        found: dict[Unit, int | None] = {"usd": usd, "calls": self.calls, "tokens": self.tokens}
        return {unit: limit for unit, limit in found.items() if limit is not None}

    def covers(self, namespace: str, model: str) -> bool:
        """Return whether a call of this namespace and model counts."""
        return fnmatchcase(namespace, self.namespace) and fnmatchcase(model, self.model)

    def counter(self, now: float, run: str) -> str:
        """Return the name of what counts for it now. Budgets of one scope and window have the same, whatever their limits."""
        scope = "\x1f".join((self.namespace, self.model, self.name))
        return f"{self.window}:{run if self.window == 'run' else window_of(self.window, now)}:{scope}"

    @property
    def kept_for(self) -> float:
        """Seconds for which its counter is kept after its last use."""
        return KEPT_FOR[self.window]


def window_of(window: str, now: float) -> str:
    """Return the day or month (UTC) of a time in seconds since the epoch, as ``2026-12-01`` or ``2026-12``."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m" if window == "month" else "%Y-%m-%d")


def is_closed(model: str) -> bool:
    """Return whether only its own provider can run this model, so that whoever passes it on is billed at that provider's price."""
    return _CLOSED.search(model) is not None


def is_local(host: str, socket: str, model: str) -> bool:
    """Return whether the model runs on this machine or in this network, so that no provider bills it.

    Not one that only its provider can run: behind such an address is a gateway then.
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
