"""Recognition of pointers that Git LFS leaves in place of files that were not fetched."""

from __future__ import annotations

from wirecache.errors import CassetteFormatError

__all__ = ["refuse_pointer"]

FIRST_LINE = "version https://git-lfs.github.com/spec/"  # git-lfs's docs/spec.md


def refuse_pointer(text: str, where: str) -> None:
    """Raise ``CassetteFormatError`` if the text is a pointer."""
    if text.startswith(FIRST_LINE):
        raise CassetteFormatError(f"{where} is a pointer of Git LFS, and the recording itself is not here. Run git lfs pull")
