"""Parsing of curl commands as requests, for commands copied from a browser, a log or a manual."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["request_of_curl"]

_DATA = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_UNUSED = frozenset({"-o", "--output", "-u", "--user", "-A", "--user-agent", "-e", "--referer", "-b", "--cookie", "-x", "--proxy",
                     "-m", "--max-time", "--connect-timeout", "--retry", "-w", "--write-out", "--cacert", "-E", "--cert"})  # fmt: skip


@dataclass(slots=True)
class _Command:
    """The parts of a command read so far."""

    url: str = ""
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: list[str] = field(default_factory=list[str])


def request_of_curl(command: str) -> dict[str, Any]:
    """Return the request of a curl command, in the form that ``Cache.explain`` takes. Raises ``ValueError`` for an invalid command."""
    words = iter(shlex.split(command.replace("\\\r\n", " ").replace("\\\n", " ")))
    if next(words, "") != "curl":
        raise ValueError("a command must begin with curl")
    found = _Command()
    for word in words:
        _read(word, words, found)
    if not found.url:
        raise ValueError("there is no URL in the command")
    if any(part.startswith("@") for part in found.body):
        raise ValueError("the body is in a file (@...); paste the body itself")
    if found.body and "content-type" not in {name.lower() for name in found.headers}:
        found.headers["Content-Type"] = "application/json"
    method = found.method or ("POST" if found.body else "GET")
    return {"method": method, "url": found.url, "headers": found.headers, "body": "&".join(found.body)}


def _read(word: str, words: Iterator[str], found: _Command) -> None:
    """Read one word of the command, and the value that follows an option."""
    name, equals, given = word.partition("=") if word.startswith("--") else (word, "", "")

    def value() -> str:
        return given if equals else next(words, "")

    if name in ("-X", "--request"):
        found.method = value()
    elif name in ("-H", "--header"):
        header, _, content = value().partition(":")
        found.headers[header.strip()] = content.strip()
    elif name in _DATA:
        found.body.append(value())
    elif name == "--url":
        found.url = value()
    elif name in _UNUSED:
        value()
    elif not word.startswith("-"):
        found.url = word
