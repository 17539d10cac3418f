"""The sources of a setting: arguments first, then ``WIRECACHE_*`` variables, then the settings file, then the defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from wirecache._core.unset import UNSET

__all__ = ["setting", "source_of"]

T = TypeVar("T")
# The settings that have a variable, besides WIRECACHE_STORE and WIRECACHE_DIR, which name places.
VARIABLES = frozenset({"budget", "mode", "ttl", "namespace", "streams", "embeddings", "record_mode", "from_step", "child"})


def setting(name: str, given: object, parse: Callable[[Any, str], T], file: Mapping[str, Any], default: object) -> T:
    """Return the value in force: the caller's, else that of ``WIRECACHE_<NAME>``, else the settings file's, else the default.

    ``given``: ``UNSET`` if the caller gave none. ``parse``: takes the value, and the setting's name for its messages.
    """
    if given is not UNSET:
        return parse(given, name)
    variable = f"WIRECACHE_{name.upper()}"
    if name in VARIABLES and (text := os.environ.get(variable, "")):
        return parse(text, variable)
    return parse(file.get(name, default), f"{name} in the settings file")


def source_of(name: str, file: Mapping[str, Any]) -> str:
    """Return the source of a setting that the caller did not give: the name of a variable, ``"file"`` or ``"default"``."""
    variable = f"WIRECACHE_{name.upper()}"
    if (name in VARIABLES or name == "store") and os.environ.get(variable):
        return variable
    return "file" if name in file else "default"
