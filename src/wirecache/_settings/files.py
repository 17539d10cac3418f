"""Which settings does the project's own file contain? ``wirecache.toml``, or ``[tool.wirecache]`` in ``pyproject.toml``.

Looked for when a ``Cache`` is created, from the working directory upwards; the first file found counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wirecache.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["file_settings", "settings_file"]


class _SettingsTable(NamedTuple):
    """The settings in a file, as they were parsed from TOML."""

    path: Path
    values: dict[str, Any]


def file_settings(start: Path | None = None) -> Mapping[str, Any]:
    """Return the checked settings of the nearest file; empty if there is none. ``ConfigError`` names file, key and what is allowed."""
    table = _nearest_table(start)
    return _checked(table) if table else {}


def settings_file(start: Path | None = None) -> Path | None:
    """Return the path of the nearest settings file, or None."""
    table = _nearest_table(start)
    return table.path if table else None


def _nearest_table(start: Path | None) -> _SettingsTable | None:
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        for name in ("wirecache.toml", "pyproject.toml"):
            path = folder / name
            if (values := _read(path)) is not None:
                return _SettingsTable(path, values)
    return None


def _read(path: Path) -> dict[str, Any] | None:
    """Return the settings in this file, or None if it cannot be read or has none."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if path.name == "pyproject.toml" and "tool.wirecache" not in text:
        return None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    values: dict[str, Any] | None = document if path.name == "wirecache.toml" else document.get("tool", {}).get("wirecache")
    return values


def _checked(table: _SettingsTable) -> Mapping[str, Any]:
    from pydantic import ValidationError

    from wirecache._settings.schema import Settings

    try:
        return Settings.model_validate(table.values).as_arguments(table.path.parent)
    except ValidationError as error:
        raise ConfigError(f"{table.path}: {_error_message(error)}") from None


def _error_message(error: ValidationError) -> str:
    """Return the message for the first invalid value."""
    from wirecache._settings.schema import allowed_at

    first = error.errors()[0]
    key = ".".join(str(step) for step in first["loc"])
    allowed = allowed_at(first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{key} is not a setting; allowed: {allowed}"
    expected = allowed or first["msg"].removeprefix("Input should be ")
    return f"{key} must be {expected}, got {first['input']!r}"
