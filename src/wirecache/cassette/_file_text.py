"""How is a file of a cassette read? As text, and only if it is a file: a pipe would wait for ever, and a device has no end."""

from __future__ import annotations

import stat
from pathlib import Path

from wirecache.errors import CassetteFormatError

__all__ = ["text_in"]


def text_in(path: Path, encoding: str = "utf-8") -> str:
    """Return the text of the file. Raises ``CassetteFormatError`` for what is no file, and ``OSError`` or ``UnicodeDecodeError``."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # what a directory is, its own error says
        raise CassetteFormatError(f"{path}: is a pipe, a socket or a device, where a file must be; delete it and record it again")
    return path.read_text(encoding)
