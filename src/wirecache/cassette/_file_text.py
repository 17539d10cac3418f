"""Reads the text of a cassette's file, refusing pipes, which would block, and devices, which have no end."""

from __future__ import annotations

import stat
from pathlib import Path

from wirecache.errors import CassetteFormatError

__all__ = ["text_in"]


def text_in(path: Path, encoding: str = "utf-8") -> str:
    """Return the text of the file. Raises ``CassetteFormatError`` if it is not a regular file, ``OSError`` or ``UnicodeDecodeError``."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a directory raises an error of its own
        raise CassetteFormatError(f"{path}: is a pipe, a socket or a device, where a file must be; delete it and record it again")
    return path.read_text(encoding)
