"""Whose cassette is this, and which entries are in it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._file import from_text
from wirecache.cassette._file_names import short_key_of
from wirecache.cassette._importers.cassetter import cassetter_entries, is_cassetter
from wirecache.cassette._importers.file_parser import FORMATS, loaded
from wirecache.cassette._importers.vcrpy import is_vcr, vcr_entries
from wirecache.errors import CassetteFormatError

__all__ = ["Maker", "detect", "read_any", "read_foreign"]

Maker: TypeAlias = Literal["wirecache", "vcr", "cassetter"]


def detect(path: Path) -> Maker | None:
    """Which recorder made this file, or directory of wirecache's files? None: none that is known."""
    if path.is_dir():
        return "wirecache" if any(short_key_of(file.name) for file in path.iterdir()) else None
    try:
        return _maker(loaded(path))
    except CassetteFormatError:
        return None


def _maker(told: Any) -> Maker | None:
    if isinstance(told, dict) and "format" in told and "wirecache" in told:
        return "wirecache"
    if is_cassetter(told):
        return "cassetter"
    return "vcr" if is_vcr(told) else None


def read_foreign(path: Path, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Iterator[Entry]:
    """The entries of another recorder's cassette, in the order in which they were recorded; nothing in them is redacted yet.

    ``redactor``: their keys are those of a cassette that has it; without one, those of a cache.
    """
    told = loaded(path)
    maker = _maker(told)
    if maker not in ("vcr", "cassetter"):
        raise CassetteFormatError(f"{path} is no cassette of another recorder. Only {FORMATS}")
    yield from (vcr_entries if maker == "vcr" else cassetter_entries)(told, path, options, redactor)


def read_any(path: Path, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Iterator[Entry]:
    """The same of any recorder's cassette, also of one file of ours, whose entry has the key that is noted in it."""
    if short_key_of(path.name):
        yield from_text(_text(path), str(path)).entry
        return
    told = loaded(path)
    maker = _maker(told)
    if maker is None:
        raise CassetteFormatError(f"{path} is no cassette. Only {FORMATS}")
    if maker == "wirecache":
        yield from_text(_text(path), str(path)).entry
    else:
        yield from (vcr_entries if maker == "vcr" else cassetter_entries)(told, path, options, redactor)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise CassetteFormatError(f"{path} is no UTF-8 text: {error.reason} at byte {error.start}") from None
