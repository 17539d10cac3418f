"""Which settings are in force? Arguments first, then ``WIRECACHE_*`` variables, then the defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from wirecache._core.rules.freshness import parse_ttl
from wirecache._core.rules.plan import Mode, Streams
from wirecache._core.unset import UNSET
from wirecache.errors import ConfigError

__all__ = [
    "Duration",
    "all_of_type",
    "of_type",
    "one_of",
    "parse_duration",
    "parse_mode",
    "parse_speed",
    "parse_streams",
    "parse_text",
    "setting",
    "source_of",
]

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)
Duration: TypeAlias = float | str | timedelta | None


VARIABLES = frozenset({"mode", "ttl", "namespace", "streams", "record_mode"})  # and WIRECACHE_STORE, WIRECACHE_DIR, which name places


def setting(name: str, given: object, parse: Callable[[Any, str], T], file: Mapping[str, Any], default: object) -> T:
    """The value of one setting: the caller's, else that of ``WIRECACHE_<NAME>``, else the settings file's, else the default."""
    if given is not UNSET:
        return parse(given, f"{name}=")
    variable = f"WIRECACHE_{name.upper()}"
    if name in VARIABLES and (text := os.environ.get(variable, "")):
        return parse(text, variable)
    return parse(file.get(name, default), f"{name} in the settings file")


def source_of(name: str, file: Mapping[str, Any]) -> str:
    """Where does a setting come from that the caller left out? The name of a variable, ``"file"`` or ``"default"``."""
    variable = f"WIRECACHE_{name.upper()}"
    if (name in VARIABLES or name == "store") and os.environ.get(variable):
        return variable
    return "file" if name in file else "default"


def of_type(kind: type[T]) -> Callable[[Any, str], T]:
    """A parser that takes an object of that class as it is."""

    def parse(value: Any, where: str) -> T:
        if not isinstance(value, kind):
            raise ConfigError(f"{where} is {value!r}; allowed: a {kind.__name__}")
        return value

    return parse


def all_of_type(kind: type[T]) -> Callable[[Any, str], tuple[T, ...]]:
    """The same for a list of them."""
    one = of_type(kind)
    return lambda values, where: tuple(one(value, where) for value in values)


def one_of(kind: type[Choice]) -> Callable[[object, str], Choice]:
    """A parser that takes one of the values of ``kind``; ``ConfigError`` names them."""

    def parse(value: object, where: str) -> Choice:
        try:
            return kind(str(value).lower())
        except ValueError:
            raise ConfigError(f"{where} is {value!r}; allowed: {', '.join(kind)}") from None

    return parse


parse_mode = one_of(Mode)
parse_streams = one_of(Streams)


def parse_speed(value: float) -> float:
    """How many times as fast as it came is a stream replayed? 0: at once."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ConfigError(f"replay_speed= is {value!r}; allowed: 0 (at once), 1 (as it came), 2 (twice as fast), ...")
    return float(value)


def parse_duration(value: Any, where: str) -> float | None:
    """Seconds, or None for ever; ``ConfigError`` says which forms are allowed."""
    try:
        return parse_ttl(value)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def parse_text(value: object, where: str) -> str:
    """A text; ``ConfigError`` if it is none."""
    if not isinstance(value, str):
        raise ConfigError(f"{where} is {value!r}; allowed: a text")
    return value
