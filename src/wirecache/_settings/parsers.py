"""Parsers of settings: each returns the typed value, or raises ``ConfigError`` with the setting's name and the allowed values.

``name``: the setting as the user knows it: an argument, a ``WIRECACHE_*`` variable, or a key of the settings file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from wirecache._core.rules.budget import Budget
from wirecache._core.rules.freshness import parse_ttl
from wirecache._core.rules.plan import Embeddings, Mode, Streams
from wirecache.errors import ConfigError

__all__ = [
    "Duration",
    "all_of_type",
    "budget_text",
    "budgets_text",
    "of_type",
    "one_of",
    "parse_budgets",
    "parse_duration",
    "parse_embeddings",
    "parse_mode",
    "parse_speed",
    "parse_step",
    "parse_streams",
    "parse_text",
]

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)
Duration: TypeAlias = float | str | timedelta | None


def of_type(kind: type[T]) -> Callable[[Any, str], T]:
    """Return a parser that accepts instances of the class."""

    def parse(value: Any, name: str) -> T:
        if not isinstance(value, kind):
            raise ConfigError(f"{name} must be a {kind.__name__}, got {value!r}")
        return value

    return parse


def all_of_type(kind: type[T]) -> Callable[[Any, str], tuple[T, ...]]:
    """Return a parser that accepts an iterable of instances of the class."""
    parse_item = of_type(kind)
    return lambda values, name: tuple(parse_item(value, name) for value in values)


def one_of(kind: type[Choice]) -> Callable[[object, str], Choice]:
    """Return a parser that accepts the values of an enumeration, in any case."""

    def parse(value: object, name: str) -> Choice:
        try:
            return kind(str(value).lower())
        except ValueError:
            raise ConfigError(f"{name} must be one of {', '.join(kind)}, got {value!r}") from None

    return parse


parse_mode = one_of(Mode)
parse_streams = one_of(Streams)
parse_embeddings = one_of(Embeddings)


def parse_speed(value: float) -> float:
    """Return the replay speed, as a multiple of the recorded one; 0: without pauses."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ConfigError(f"replay_speed must be 0 (at once), 1 (as recorded), 2 (twice as fast), ..., got {value!r}")
    return float(value)


def parse_step(value: object, name: str) -> int | None:
    """Return the number of a step, counted from 1, or None."""
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"0*[1-9][0-9]{0,17}", text):
        raise ConfigError(f"{name} must be the number of a step (1, 2, 3, ...), got {value!r}")
    return int(text)


def parse_duration(value: Any, name: str) -> float | None:
    """Return the duration in seconds, or None for ever."""
    try:
        return parse_ttl(value, name)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def parse_budgets(value: Any, name: str) -> tuple[Budget, ...]:
    """Return the budgets: given as one, several, or text. None: no budgets.

    As text: parameters of ``Budget`` separated by commas (``"usd=2.50, window=day"``); a number alone is dollars; several budgets are
    separated by semicolons.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(_budget_of(text.strip(), name) for text in value.split(";") if text.strip())
    budgets = (value,) if isinstance(value, Budget) else tuple(value) if isinstance(value, (list, tuple)) else (value,)
    for budget in budgets:
        if not isinstance(budget, Budget):
            raise ConfigError(f"{name} must be a Budget, or a list of them, got {budget!r}")
    return budgets


def budget_text(budget: Budget) -> str:
    """Return the text that ``parse_budgets`` parses as this budget. Raises ``ConfigError`` if its name or a glob cannot be written so."""
    given = {field: getattr(budget, field) for field in _BUDGET_FIELDS}
    changed = {field: str(value) for field, value in given.items() if value is not None and value != _BUDGET_DEFAULTS[field]}
    for field, value in changed.items():
        if {",", ";"} & {*value} or value.strip() != value:
            raise ConfigError(f"Budget: {field} must have no comma, semicolon or space at its ends here, got {value!r}")
    return ", ".join(f"{field}={value}" for field, value in changed.items())


def budgets_text(budgets: Iterable[Budget]) -> str:
    """Return the text that ``parse_budgets`` parses as these budgets."""
    return "; ".join(map(budget_text, budgets))


def _budget_of(text: str, name: str) -> Budget:
    given: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        key, value = (key, value) if equals else ("usd", key)
        if key not in _BUDGET_FIELDS or key in given:
            raise ConfigError(
                f"{name} must be an amount of dollars such as 2.50, or have {', '.join(_BUDGET_FIELDS)} once each, as in "
                f"'usd=2.50, calls=100, window=day'; got {text!r}"
            )
        given[key] = _BUDGET_FIELDS[key](value, f"{name}: {key}")
    try:
        return Budget(**given)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def _number(kind: Callable[[str], Any]) -> Callable[[str, str], Any]:
    def parse(value: str, name: str) -> Any:
        try:
            return kind(value)
        except ValueError:
            raise ConfigError(f"{name} must be a number, got {value!r}") from None

    return parse


_BUDGET_FIELDS: dict[str, Callable[[str, str], Any]] = {
    **{field: lambda value, name: value for field in ("usd", "window", "unpriced", "namespace", "model", "name")},
    **{field: _number(int) for field in ("calls", "tokens")},
    "warn_at": _number(float),
}


_BUDGET_DEFAULTS = {field.name: field.default for field in fields(Budget)}


def parse_text(value: object, name: str) -> str:
    """Return the value if it is a string."""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a string, got {value!r}")
    return value
