"""Expansion of ``~`` in paths, for users who may have no home directory, as in containers."""

from __future__ import annotations

import os
from pathlib import Path

from wirecache.errors import ConfigError

__all__ = ["NoHomeError", "expanded"]


class NoHomeError(ConfigError):
    """A path is in a home directory that cannot be found."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is in a home directory, and none can be found (no HOME, no entry of the user); give the whole path")


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return the path with ``~`` and ``~user`` replaced. Raises ``NoHomeError`` if there is no such home directory."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise NoHomeError(os.fspath(path)) from None
