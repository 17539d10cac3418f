"""The project's settings file: ``wirecache.toml``, or ``[tool.wirecache]`` in ``pyproject.toml``.

It is searched for when a ``Cache`` is created, from the working directory upwards; the first file found counts. A file that somebody else
could have written is skipped with a warning. ``WIRECACHE_CONFIG`` names the file instead, which is then trusted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wirecache._runtime.warn_once import WarnOnce
from wirecache._settings.homes import NoHomeError, expanded
from wirecache._settings.trust import distrust_reason
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["file_settings", "settings_file"]


_warn_once = WarnOnce()


class _SettingsTable(NamedTuple):
    """The settings in a file, as they were parsed from TOML."""

    path: Path
    values: dict[str, Any]


def file_settings(start: Path | None = None) -> Mapping[str, Any]:
    """Return the validated settings of the nearest file; empty if there is none. Raises ``ConfigError`` for an invalid one."""
    table = _nearest_table(start)
    return _checked(table) if table else {}


def settings_file(start: Path | None = None) -> Path | None:
    """Return the path of the nearest settings file, or None."""
    table = _nearest_table(start)
    return table.path if table else None


def _nearest_table(start: Path | None) -> _SettingsTable | None:
    if named := os.environ.get("WIRECACHE_CONFIG", ""):
        try:
            path = expanded(named).absolute()
        except NoHomeError as error:
            raise ConfigError(f"WIRECACHE_CONFIG: {error}") from None
        return _named_table(path)
    here = start.absolute() if start else _working_directory()
    for folder in (here, *here.parents) if here else ():
        for name in ("wirecache.toml", "pyproject.toml"):
            path = folder / name
            if _may_have_settings(path) and _is_trusted(path) and (values := _read(path)) is not None:
                return _SettingsTable(path, values)
    return None


def _working_directory() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it was removed, or this user may not access it
        return None


def _named_table(path: Path) -> _SettingsTable | None:
    """Return the settings of the file that ``WIRECACHE_CONFIG`` names. Raises ``ConfigError`` if it cannot be read."""
    if (text := _text_of(path)) is None:
        raise ConfigError(f"WIRECACHE_CONFIG must be the path of a settings file (TOML), got {str(path)!r}, which cannot be read")
    values = _settings_in(path, text)
    return None if values is None else _SettingsTable(path, values)


def _may_have_settings(path: Path) -> bool:
    """Return whether this is a settings file, or a project file that may hold settings."""
    if path.name == "wirecache.toml":
        return os.path.isfile(path)  # False in an inaccessible directory, where pathlib would raise
    return "tool.wirecache" in (_text_of(path) or "")


def _is_trusted(path: Path) -> bool:
    """Return whether nobody else could have written the file; if not, a warning says why, once."""
    if (reason := distrust_reason(path)) is None:
        return True
    message = "the settings in %s are not used, since somebody else could have written them: %s; WIRECACHE_CONFIG=%s uses them all the same"
    _warn_once(path, message, path, reason, path)
    return False


def _read(path: Path) -> dict[str, Any] | None:
    """Return the settings in this file, or None if it cannot be read or has none."""
    text = _text_of(path)
    return None if text is None else _settings_in(path, text)


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text("utf-8") if path.is_file() else None
    except (OSError, UnicodeDecodeError):
        return None


def _settings_in(path: Path, text: str) -> dict[str, Any] | None:
    if path.name == "pyproject.toml" and "tool.wirecache" not in text:
        return None
    import tomllib  # imported late, since few projects have settings

    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not TOML, a number with thousands of digits, or lists nested a thousand deep
        raise ConfigError(f"{path}: {error}") from None
    if path.name != "pyproject.toml":
        return document
    tool = document.get("tool")
    values: dict[str, Any] | None = tool.get("wirecache") if isinstance(tool, dict) else None
    if values is not None and not isinstance(values, dict):
        raise ConfigError(f"{path}: tool.wirecache must be a table, got {values!r}")
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
    if first["type"] == "value_error" and isinstance(first["loc"][-1], int):  # of a table as a whole
        return f"{key}: {first['msg'].removeprefix('Value error, ')}"
    allowed = allowed_at(first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{key} is not a setting; allowed: {allowed}"
    expected = allowed or first["msg"].removeprefix("Input should be ")
    return f"{key} must be {expected}, got {first['input']!r}"
