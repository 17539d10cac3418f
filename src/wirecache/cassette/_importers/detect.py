"""Reads any recorder's cassette, detecting the recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._file_names import short_key_of
from wirecache.cassette._file_reader import from_text
from wirecache.cassette._file_text import text_in
from wirecache.cassette._importers.cassetter import cassetter_entries, is_cassetter
from wirecache.cassette._importers.file_parser import READABLE_FORMATS, parse_file
from wirecache.cassette._importers.vcrpy import is_vcr, vcr_entries
from wirecache.errors import CassetteFormatError

__all__ = ["read_any"]

_RecorderName: TypeAlias = Literal["wirecache", "vcr", "cassetter"]


_FOREIGN_ENTRIES: dict[_RecorderName | None, Callable[[Any, Path, KeyOptions, Redactor | None], Iterator[Entry]]] = {
    "vcr": vcr_entries,
    "cassetter": cassetter_entries,
}


def _recorder_of(content: Any) -> _RecorderName | None:
    if isinstance(content, dict) and "format" in content and "wirecache" in content:
        return "wirecache"
    if is_cassetter(content):
        return "cassetter"
    return "vcr" if is_vcr(content) else None


def read_any(path: Path, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Iterator[Entry]:
    """Yield the entries of any recorder's cassette, in the order in which they were recorded, or the entry of one file of wirecache.

    Entries of other recorders are not redacted yet. ``redactor``: give them the keys of a cassette with this redactor; without one, those
    of a cache. A wirecache file has the key noted in it. Raises ``CassetteFormatError``.
    """
    is_own = short_key_of(path.name) is not None
    content = None if is_own else parse_file(path)
    recorder = "wirecache" if is_own else _recorder_of(content)
    if recorder == "wirecache":
        yield from_text(_text(path), str(path)).entry
    elif recorder is None:
        raise CassetteFormatError(f"{path} is not a cassette. Only {READABLE_FORMATS}")
    else:
        yield from _FOREIGN_ENTRIES[recorder](content, path, options, redactor)


def _text(path: Path) -> str:
    try:
        return text_in(path)
    except UnicodeDecodeError as error:
        raise CassetteFormatError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
