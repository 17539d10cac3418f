"""Reads cassettes of vcrpy as entries, including those of pytest-recording and of serializers that keep JSON as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from wirecache._core.keys.keys import KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._importers.exchange import ForeignExchange, entry_of, format_error, header_pairs, json_bytes

__all__ = ["is_vcr", "vcr_entries"]


def is_vcr(content: Any) -> bool:
    """Return whether the content of a file is a cassette of vcrpy."""
    interactions = content.get("interactions") if isinstance(content, dict) else None
    if not isinstance(interactions, list) or not all(isinstance(one, dict) for one in interactions):
        return False
    return all(isinstance(one.get("response"), dict) and "uri" in (one.get("request") or {}) and _has_status(one) for one in interactions)


def _has_status(interaction: dict[str, Any]) -> bool:
    response = interaction["response"]
    return isinstance(response.get("status"), dict) or "status_code" in response


def vcr_entries(content: Any, path: Path, options: KeyOptions, redactor: Redactor | None) -> Iterator[Entry]:
    """Yield the entries in the content of the file, in the order in which they were recorded; nothing in them is redacted yet.

    Each was recorded at the time in its ``Date`` header, else at that of the file. Raises ``CassetteFormatError``.
    """
    modified_at = path.stat().st_mtime
    for number, interaction in enumerate(content["interactions"]):
        try:
            entry = entry_of(_exchange(interaction, modified_at), options, redactor)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise format_error(path, f"/interactions/{number}", str(error) or type(error).__name__) from error
        yield entry


def _exchange(interaction: dict[str, Any], modified_at: float) -> ForeignExchange:
    request, response = interaction["request"], interaction["response"]
    old = "status_code" in response  # as vcrpy before 5 wrote httpx's responses
    headers = header_pairs(response.get("headers"))
    body = response.get("content") if old else (response.get("body") or {}).get("string")
    return ForeignExchange(
        request["method"],
        request["uri"],
        header_pairs(request.get("headers")),
        _body_bytes(request.get("body"), request.get("parsed_body")),
        int(response["status_code"] if old else response["status"]["code"]),
        headers,
        _body_bytes(body, response.get("parsed_body")),
        _timestamp(headers, modified_at),
    )


def _body_bytes(body: Any, parsed: Any) -> bytes:
    """Return a body that was kept as a string, as bytes, as a list of such pieces, or as parsed JSON."""
    if parsed is not None:
        return json_bytes(parsed)
    if isinstance(body, (list, tuple)):
        return bytes(body) if all(isinstance(piece, int) for piece in body) else b"".join(_body_bytes(piece, None) for piece in body)
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if body is None or isinstance(body, bytes):
        return body or b""
    raise ValueError(f"a body must be a string, bytes or a list of them, got {type(body).__name__}")


def _timestamp(headers: list[tuple[str, str]], modified_at: float) -> float:
    for name, value in headers:
        if name.lower() == "date":
            try:
                return parsedate_to_datetime(value).timestamp()
            except ValueError:
                break
    return modified_at
