"""What is a cassette's file called? After what was asked, so that people find it: endpoint, model, short key, number."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from wirecache._core.messages import Entry, RequestSummary

__all__ = ["SCHEMA_NAME", "SHORT", "file_name", "short_key_of"]

SCHEMA_NAME = "cassette.schema.json"  # lies beside the files, so that editors find it without a network
SHORT = 12  # hex digits of the key
LONGEST = 80  # characters before the key; with it a name stays far below what any file system takes

_UNSAFE = re.compile(r"[^a-z0-9._]+")
_VERSION = re.compile(r"v[0-9]\w*")
_NAME = re.compile(rf"(?:.*-)?([0-9a-f]{{{SHORT}}})(?:-([2-9]|[1-9][0-9]{{1,8}}))?\.json")


def file_name(entry: Entry, number: int = 1) -> str:
    """The name of the file of the ``number``-th answer to this request.

    Lower case only, so that names are the same on every file system.
    """
    asked = entry.request
    words = [asked.endpoint, asked.model or ""] if asked.endpoint not in ("", "http") else [asked.method, *_steps(asked)]
    told = "-".join(filter(None, (_UNSAFE.sub("-", word.lower()).strip("-._") for word in words)))[:LONGEST].rstrip("-._")
    return "-".join(filter(None, (told, entry.key[:SHORT], str(number) if number > 1 else ""))) + ".json"


def _steps(asked: RequestSummary) -> list[str]:
    """The end of the path, without its version."""
    return [step for step in urlsplit(asked.url).path.split("/") if step and not _VERSION.fullmatch(step)][-2:]


def short_key_of(name: str) -> tuple[str, int] | None:
    """The short key and the number in a file's name; None if it is no cassette's."""
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2] or 1)) if found else None
