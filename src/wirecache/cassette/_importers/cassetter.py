"""Which entries does a cassette of cassetter hold?"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._importers.exchange import Foreign, entry_of, json_bytes, pairs_of, wrong
from wirecache.cassette._importers.file_parser import FORMATS, loaded
from wirecache.errors import CassetteFormatError

logger = logging.getLogger("wirecache")

__all__ = ["cassetter_entries", "is_cassetter", "read_cassetter"]

_OTHERS = {"grpc_interactions": "gRPC calls", "ws_interactions": "WebSockets"}


def is_cassetter(told: Any) -> bool:
    """Is this, read from a file, a cassette of cassetter?"""
    interactions = told.get("interactions", []) if isinstance(told, dict) and "version" in told else None
    if not isinstance(interactions, list) or not all(isinstance(one, dict) and "recorded_at" in one for one in interactions):
        return False
    return bool(interactions) or any(name in told for name in _OTHERS)


def read_cassetter(path: Path, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Iterator[Entry]:
    """The entries of a cassette of cassetter, in the order in which they were recorded (its file is sorted by URL).

    A JSON body is spelled as cassetter replays it: its own spelling is not in the file. What is not HTTP is left out, with a warning.
    ``CassetteFormatError`` says what is wrong where.
    """
    told = loaded(path)
    if not is_cassetter(told):
        raise CassetteFormatError(f"{path} is no cassette of cassetter. Only {FORMATS}")
    yield from cassetter_entries(told, path, options, redactor)


def cassetter_entries(told: Any, path: Path, options: KeyOptions, redactor: Redactor | None) -> Iterator[Entry]:
    """The same of what was read from the file."""
    for name, others in _OTHERS.items():
        if told.get(name):
            logger.warning("%s: %d %s are left out: wirecache keeps HTTP exchanges", path, len(told[name]), others)
    entries: list[Entry] = []
    for number, interaction in enumerate(told.get("interactions", ())):
        try:
            entries.append(entry_of(_exchange(interaction), options, redactor))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise wrong(path, f"/interactions/{number}", str(error) or type(error).__name__) from error
    yield from sorted(entries, key=lambda entry: entry.stored_at)


def _exchange(interaction: dict[str, Any]) -> Foreign:
    asked, answered = interaction["request"], interaction["response"]
    return Foreign(
        asked["method"],
        asked["uri"],
        pairs_of(asked.get("headers")),
        _bytes(asked),
        int(answered["status"]),
        pairs_of(answered.get("headers")),
        _bytes(answered),
        _time(interaction["recorded_at"]),
    )


def _bytes(message: dict[str, Any]) -> bytes:
    """The body of a request or an answer; TOML keeps JSON as its text."""
    in_toml = "body_type" in message
    told: dict[str, Any] = message if in_toml else message.get("body") or {}
    kind: str = told.get("body_type" if in_toml else "type", "none")
    content: Any = told.get("body_content" if in_toml else "content")
    match kind:
        case "none":
            return b""
        case "json":
            return str(content).encode() if in_toml else json_bytes(content)
        case "text":
            return str(content).encode("utf-8", "surrogatepass")
        case "binary":
            return bytes.fromhex(content)
        case _:
            raise ValueError(f"a body is {kind!r}; known are none, json, text and binary")


def _time(told: Any) -> float:
    at = told if isinstance(told, datetime) else datetime.fromisoformat(told)
    return at.timestamp()
