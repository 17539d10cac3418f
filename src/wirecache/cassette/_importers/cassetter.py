"""Reads cassettes of cassetter as entries."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from wirecache._core.keys.keys import KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._importers.exchange import ForeignExchange, entry_of, format_error, header_pairs, json_bytes

logger = logging.getLogger("wirecache")

__all__ = ["cassetter_entries", "is_cassetter"]

_OTHER_PROTOCOLS = {"grpc_interactions": "gRPC calls", "ws_interactions": "WebSockets"}


def is_cassetter(content: Any) -> bool:
    """Return whether the content of a file is a cassette of cassetter."""
    interactions = content.get("interactions", []) if isinstance(content, dict) and "version" in content else None
    if not isinstance(interactions, list) or not all(isinstance(one, dict) and "recorded_at" in one for one in interactions):
        return False
    return bool(interactions) or any(name in content for name in _OTHER_PROTOCOLS)


def cassetter_entries(content: Any, path: Path, options: KeyOptions, redactor: Redactor | None) -> Iterator[Entry]:
    """Yield the entries in the content of the file, in the order in which they were recorded (its file is sorted by URL).

    A JSON body is spelled as cassetter replays it, since its own spelling is lost. What is not HTTP is skipped, with a warning. Raises
    ``CassetteFormatError``.
    """
    for name, protocol in _OTHER_PROTOCOLS.items():
        if content.get(name):
            logger.warning("%s: %d %s are skipped: wirecache keeps only HTTP exchanges", path, len(content[name]), protocol)
    entries: list[Entry] = []
    for number, interaction in enumerate(content.get("interactions", ())):
        try:
            entries.append(entry_of(_exchange(interaction), options, redactor))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise format_error(path, f"/interactions/{number}", str(error) or type(error).__name__) from error
    yield from sorted(entries, key=lambda entry: entry.stored_at)


def _exchange(interaction: dict[str, Any]) -> ForeignExchange:
    request, response = interaction["request"], interaction["response"]
    return ForeignExchange(
        request["method"],
        request["uri"],
        header_pairs(request.get("headers")),
        _body(request),
        int(response["status"]),
        header_pairs(response.get("headers")),
        _body(response),
        _timestamp(interaction["recorded_at"]),
    )


def _body(message: dict[str, Any]) -> bytes:
    """Return the body of a request or a response; in TOML, JSON is kept as text."""
    in_toml = "body_type" in message
    body: dict[str, Any] = message if in_toml else message.get("body") or {}
    kind: str = body.get("body_type" if in_toml else "type", "none")
    content: Any = body.get("body_content" if in_toml else "content")
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
            raise ValueError(f"the type of a body must be none, json, text or binary, got {kind!r}")


def _timestamp(recorded_at: str | datetime) -> float:
    return (recorded_at if isinstance(recorded_at, datetime) else datetime.fromisoformat(recorded_at)).timestamp()
