"""How shall the cassette of a test be? What the command line, its markers and ``wirecache_config`` say, the nearest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wirecache._core.privacy.redaction import Redactor
from wirecache._core.unset import UNSET
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    import pytest

__all__ = ["Wanted", "wanted"]

CASSETTE = ("match", "miss", "record_mode", "redact", "replay_speed", "sequence_end")  # passed on to it
ALLOWED = frozenset({*CASSETTE, "install", "library", "path"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """``path``: of the marker. ``install``: under all clients? ``library``: of the client fixtures. ``options``: of the cassette."""

    path: str | None
    install: bool
    library: Any
    options: dict[str, Any]


def wanted(node: pytest.Item | Any, said: Mapping[str, Any]) -> Wanted:
    """Of a test, or of the node whose fixture it is; ``said``: the value of ``wirecache_config``."""
    layers = [_checked(_of_marker(marker), f"@pytest.mark.wirecache of {node.nodeid}") for marker in node.iter_markers("wirecache")]
    layers.append(_checked(dict(said), "wirecache_config", ALLOWED - {"path", "install"}))
    found: dict[str, Any] = {}
    for layer in reversed(layers):
        found.update(layer)
    options: dict[str, Any] = {"miss": "raise", **{name: found[name] for name in CASSETTE if name in found}}
    if redact := [layer["redact"] for layer in layers if "redact" in layer]:
        options["redact"] = _all_redacted(redact)
    config = node.config
    if given := config.getoption("wirecache_record"):
        options["record_mode"] = given
    if options.get("record_mode", UNSET) is UNSET and not _by_environment() and (ini := config.getini("wirecache_record")):
        options["record_mode"] = ini
    if verify := config.getoption("wirecache_verify"):
        options |= {"verify": verify, "record_mode": "none"}
    return Wanted(found.get("path"), found.get("install", True), found.get("library"), options)


def _by_environment() -> bool:
    import os

    return bool(os.environ.get("WIRECACHE_RECORD_MODE"))


def _of_marker(marker: pytest.Mark) -> dict[str, Any]:
    if len(marker.args) > 1:
        raise ConfigError(f"@pytest.mark.wirecache{marker.args!r}: one path is allowed; all else is given by name")
    return {**marker.kwargs, **({"path": marker.args[0]} if marker.args else {})}


def _checked(found: dict[str, Any], where: str, allowed: frozenset[str] = ALLOWED) -> dict[str, Any]:
    if unknown := sorted(found.keys() - allowed):
        raise ConfigError(f"{where}: {unknown[0]}= is unknown; allowed: {', '.join(sorted(allowed))}")
    return found


def _all_redacted(values: list[Any]) -> Any:
    """Patterns of all layers together, since a secret that was named once stays one; a ``Redactor`` has to be the only one."""
    if len(values) == 1:
        return values[0]
    if any(isinstance(value, Redactor) for value in values):
        raise ConfigError("redact= is given more than once, and once as a Redactor; put all patterns into it, or give patterns only")
    return [pattern for value in values for pattern in _patterns(value)]


def _patterns(value: Any) -> Iterator[str | re.Pattern[str]]:
    yield from [value] if isinstance(value, (str, re.Pattern)) else value
