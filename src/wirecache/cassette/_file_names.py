"""The names of a cassette's files, by which people can find a request: endpoint, model, short key, number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from wirecache._core.messages import Entry, RequestSummary

__all__ = ["SHORT", "ShortKey", "file_name", "next_number", "short_key_of"]

SHORT = 12  # hex digits of the key
LONGEST = 80  # characters before the key, which keeps names far below the limits of file systems

_UNSAFE = re.compile(r"[^a-z0-9._]+")
_VERSION = re.compile(r"v[0-9]\w*")
_NAME = re.compile(rf"(?:.*-)?([0-9a-f]{{{SHORT}}})(?:-([2-9]|[1-9][0-9]{{1,8}}))?\.json")


class ShortKey(NamedTuple):
    """What a file's name says about its entry: the first digits of the key, and the ``number`` in the key's sequence (from 1)."""

    digits: str
    number: int


def file_name(entry: Entry, number: int = 1) -> str:
    """Return the name of the file of the ``number``-th answer to this request.

    Names are in lower case, so that they are the same on every file system.
    """
    request = entry.request
    words = [request.endpoint, request.model or ""] if request.endpoint not in ("", "http") else [request.method, *_path_end(request)]
    title = "-".join(filter(None, (_UNSAFE.sub("-", word.lower()).strip("-._") for word in words)))[:LONGEST].rstrip("-._")
    return "-".join(filter(None, (title, entry.key[:SHORT], str(number) if number > 1 else ""))) + ".json"


def _path_end(request: RequestSummary) -> list[str]:
    """Return the last two segments of the path, without its version."""
    return [segment for segment in urlsplit(request.url).path.split("/") if segment and not _VERSION.fullmatch(segment)][-2:]


def short_key_of(name: str) -> ShortKey | None:
    """Return the short key in the name of a cassette's file; None for any other name."""
    found = _NAME.fullmatch(name)
    return ShortKey(found[1], int(found[2] or 1)) if found else None


def next_number(names: Sequence[str]) -> int:
    """Return the number of the next answer in a sequence, of which some files may have been deleted."""
    last = short_key_of(names[-1]) if names else None
    return last.number + 1 if last else 1
