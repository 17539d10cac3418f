"""Which settings does the project's own file give? ``wirecache.toml``, or ``[tool.wirecache]`` in ``pyproject.toml``.

Looked for when a ``Cache`` is made, from the working directory upwards; the first file found counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wirecache.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["file_settings", "settings_file"]


def file_settings(start: Path | None = None) -> Mapping[str, Any]:
    """The settings of the nearest file, checked; empty if there is none. ``ConfigError`` names file, key and what is allowed."""
    found = _found(start)
    return _checked(*found) if found else {}


def settings_file(start: Path | None = None) -> Path | None:
    """The file that the settings come from, if there is one."""
    found = _found(start)
    return found[0] if found else None


def _found(start: Path | None) -> tuple[Path, dict[str, Any]] | None:
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        for name in ("wirecache.toml", "pyproject.toml"):
            path = folder / name
            table = _table(path)
            if table is not None:
                return path, table
    return None


def _table(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if path.name == "pyproject.toml" and "tool.wirecache" not in text:
        return None
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    table: dict[str, Any] | None = read if path.name == "wirecache.toml" else read.get("tool", {}).get("wirecache")
    return table


def _checked(path: Path, table: dict[str, Any]) -> Mapping[str, Any]:
    from pydantic import ValidationError

    from wirecache._settings.schema import Settings

    try:
        return Settings.model_validate(table).given(path.parent)
    except ValidationError as error:
        raise ConfigError(_told(path, error)) from None


def _told(path: Path, error: ValidationError) -> str:
    """The first thing that is wrong, with its place."""
    from wirecache._settings.schema import allowed_at

    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    allowed = allowed_at(first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{path}: {place} is no setting; allowed: {allowed}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{path}: {place} is {first['input']!r}: {message}" + (f"; allowed: {allowed}" if allowed else "")
