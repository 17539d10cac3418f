"""How are the values of settings read? Each parser returns the typed value, or raises ``ConfigError`` with the setting and what is allowed.

``name`` is what the user calls the setting: an argument, a ``WIRECACHE_*`` variable, or a key of the settings file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from wirecache._core.rules.freshness import parse_ttl
from wirecache._core.rules.plan import Mode, Streams
from wirecache.errors import ConfigError

__all__ = [
    "Duration",
    "all_of_type",
    "of_type",
    "one_of",
    "parse_duration",
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


def parse_speed(value: float) -> float:
    """Return how many times as fast as recorded a stream is replayed; 0: without pauses."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ConfigError(f"replay_speed must be 0 (at once), 1 (as recorded), 2 (twice as fast), ..., got {value!r}")
    return float(value)


def parse_step(value: object, name: str) -> int | None:
    """Return the number of a step, from 1; None is none."""
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise ConfigError(f"{name} must be the number of a step (1, 2, 3, ...), got {value!r}")
    return int(text)


def parse_duration(value: Any, name: str) -> float | None:
    """Return the duration in seconds, or None for ever."""
    try:
        return parse_ttl(value, name)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def parse_text(value: object, name: str) -> str:
    """Return the value if it is a string."""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a string, got {value!r}")
    return value
