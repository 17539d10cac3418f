"""Which recorder made this cassette, and which entries are in it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._file_names import short_key_of
from wirecache.cassette._file_reader import from_text
from wirecache.cassette._importers.cassetter import cassetter_entries, is_cassetter
from wirecache.cassette._importers.file_parser import READABLE_FORMATS, parse_file
from wirecache.cassette._importers.vcrpy import is_vcr, vcr_entries
from wirecache.errors import CassetteFormatError

__all__ = ["RecorderName", "detect_recorder", "read_any", "read_foreign"]

RecorderName: TypeAlias = Literal["wirecache", "vcr", "cassetter"]


_FOREIGN_ENTRIES: dict[RecorderName | None, Callable[[Any, Path, KeyOptions, Redactor | None], Iterator[Entry]]] = {
    "vcr": vcr_entries,
    "cassetter": cassetter_entries,
}


def detect_recorder(path: Path) -> RecorderName | None:
    """Return the recorder that made this file, or directory of wirecache's files; None if it is none that is known."""
    if path.is_dir():
        return "wirecache" if any(short_key_of(file.name) for file in path.iterdir()) else None
    try:
        return _recorder_of(parse_file(path))
    except CassetteFormatError:
        return None


def _recorder_of(content: Any) -> RecorderName | None:
    if isinstance(content, dict) and "format" in content and "wirecache" in content:
        return "wirecache"
    if is_cassetter(content):
        return "cassetter"
    return "vcr" if is_vcr(content) else None


def read_foreign(path: Path, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Iterator[Entry]:
    """Yield the entries of another recorder's cassette, in the order in which they were recorded; nothing in them is redacted yet.

    ``redactor``: their keys are those of a cassette with this redactor; without one, those of a cache. Raises ``CassetteFormatError``.
    """
    content = parse_file(path)
    entries_of = _FOREIGN_ENTRIES.get(_recorder_of(content))
    if entries_of is None:
        raise CassetteFormatError(f"{path} is not a cassette of another recorder. Only {READABLE_FORMATS}")
    yield from entries_of(content, path, options, redactor)


def read_any(path: Path, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Iterator[Entry]:
    """Yield the entries of any recorder's cassette, or the entry of one file of wirecache, under the key that is noted in it.

    Otherwise as ``read_foreign``.
    """
    content = None if short_key_of(path.name) else parse_file(path)
    recorder = "wirecache" if content is None else _recorder_of(content)
    if recorder == "wirecache":
        yield from_text(_text(path), str(path)).entry
    elif recorder is None:
        raise CassetteFormatError(f"{path} is not a cassette. Only {READABLE_FORMATS}")
    else:
        yield from _FOREIGN_ENTRIES[recorder](content, path, options, redactor)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise CassetteFormatError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
