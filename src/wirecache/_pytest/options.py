"""The options of a test's cassette: from the command line, its markers (the closest first) and ``wirecache_config``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wirecache._core.privacy.redaction import Redactor
from wirecache._core.unset import UNSET
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    import pytest

__all__ = ["CassetteOptions", "resolve_options"]

CASSETTE_OPTIONS = ("ignore_hosts", "ignore_localhost", "match", "miss", "record_mode", "redact", "replay_speed", "sequence_end")
MARKER_OPTIONS = frozenset({*CASSETTE_OPTIONS, "in_process", "install", "library", "path"})
CONFIG_OPTIONS = MARKER_OPTIONS - {"path", "install"}


@dataclass(frozen=True, slots=True)
class CassetteOptions:
    """``path``: the marker's. ``install``: install it under all clients; with ``in_process``, also under calls that stay in the process.

    ``library``: the client fixtures' HTTP library. ``cassette``: the arguments of ``Cassette``.
    """

    path: str | None
    install: bool
    in_process: bool
    library: Any
    cassette: dict[str, Any]


def resolve_options(node: pytest.Item | Any, defaults: Mapping[str, Any]) -> CassetteOptions:
    """Return the options of a test, or of the node that a fixture belongs to. ``defaults``: the value of ``wirecache_config``."""
    sources = [_checked(_marker_options(mark), f"@pytest.mark.wirecache of {node.nodeid}") for mark in node.iter_markers("wirecache")]
    sources.append(_checked(dict(defaults), "wirecache_config", CONFIG_OPTIONS))
    merged: dict[str, Any] = {}
    for source in reversed(sources):
        merged.update(source)
    cassette: dict[str, Any] = {"miss": "raise", **{name: merged[name] for name in CASSETTE_OPTIONS if name in merged}}
    if redact := [source["redact"] for source in sources if "redact" in source]:
        cassette["redact"] = _merged_redact(redact)
    cassette |= _config_options(node.config, cassette.get("record_mode", UNSET) is not UNSET)
    install, in_process = merged.get("install", True), merged.get("in_process", False)
    return CassetteOptions(merged.get("path"), install, in_process, merged.get("library"), cassette)


def _config_options(config: pytest.Config, has_record_mode: bool) -> dict[str, Any]:
    """Return the options of the command line, and the record mode of the ini file if nothing else sets it."""
    if verify := config.getoption("wirecache_verify"):
        return {"verify": verify, "record_mode": "none"}
    if record_mode := config.getoption("wirecache_record"):
        from_step = config.getoption("wirecache_from")
        return {"record_mode": record_mode, **({} if from_step is None else {"from_step": from_step})}
    if not has_record_mode and not os.environ.get("WIRECACHE_RECORD_MODE") and (record_mode := config.getini("wirecache_record")):
        return {"record_mode": record_mode}
    return {}


def _marker_options(mark: pytest.Mark) -> dict[str, Any]:
    if len(mark.args) > 1:
        raise ConfigError(
            f"@pytest.mark.wirecache takes one positional argument, the path, got {mark.args!r}; all other options are keyword arguments"
        )
    return {**mark.kwargs, **({"path": mark.args[0]} if mark.args else {})}


def _checked(options: dict[str, Any], source: str, allowed: frozenset[str] = MARKER_OPTIONS) -> dict[str, Any]:
    """Return the options. Raises ``ConfigError`` for an unknown one. ``source``: where they come from."""
    if unknown := sorted(options.keys() - allowed):
        raise ConfigError(f"{source}: options must be among {', '.join(sorted(allowed))}, got {unknown[0]!r}")
    return options


def _merged_redact(values: list[Any]) -> Any:
    """Return the patterns of all sources combined, since what is secret stays secret. A ``Redactor`` must be the only value."""
    if len(values) == 1:
        return values[0]
    if any(isinstance(value, Redactor) for value in values):
        raise ConfigError("redact is given more than once, and one of them is a Redactor: put all patterns into it, or give patterns only")
    return [pattern for value in values for pattern in _patterns(value)]


def _patterns(value: Any) -> Iterator[str | re.Pattern[str]]:
    yield from [value] if isinstance(value, (str, re.Pattern)) else value
