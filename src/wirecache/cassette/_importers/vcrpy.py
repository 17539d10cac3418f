"""Which entries does a cassette of vcrpy hold? Also one that pytest-recording made, or a serializer that keeps JSON as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._importers.exchange import Foreign, entry_of, json_bytes, pairs_of, wrong
from wirecache.cassette._importers.file_parser import FORMATS, loaded
from wirecache.errors import CassetteFormatError

__all__ = ["is_vcr", "read_vcr", "vcr_entries"]


def is_vcr(told: Any) -> bool:
    """Is this, read from a file, a cassette of vcrpy?"""
    interactions = told.get("interactions") if isinstance(told, dict) else None
    if not isinstance(interactions, list) or not all(isinstance(one, dict) for one in interactions):
        return False
    return all(isinstance(one.get("response"), dict) and "uri" in (one.get("request") or {}) and _status(one) for one in interactions)


def _status(interaction: dict[str, Any]) -> Any:
    answered = interaction["response"]
    return isinstance(answered.get("status"), dict) or "status_code" in answered


def read_vcr(path: Path, options: KeyOptions = DEFAULT_KEY, redactor: Redactor | None = None) -> Iterator[Entry]:
    """The entries of a cassette of vcrpy, in the order in which they were recorded; nothing in them is redacted yet.

    When each was recorded is what its ``Date`` header says, else the time of the file. ``CassetteFormatError`` says what is wrong where.
    """
    told = loaded(path)
    if not is_vcr(told):
        raise CassetteFormatError(f"{path} is no cassette of vcrpy. Only {FORMATS}")
    yield from vcr_entries(told, path, options, redactor)


def vcr_entries(told: Any, path: Path, options: KeyOptions, redactor: Redactor | None) -> Iterator[Entry]:
    """The same of what was read from the file."""
    made_at = path.stat().st_mtime
    for number, interaction in enumerate(told["interactions"]):
        try:
            entry = entry_of(_exchange(interaction, made_at), options, redactor)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise wrong(path, f"/interactions/{number}", str(error) or type(error).__name__) from error
        yield entry


def _exchange(interaction: dict[str, Any], made_at: float) -> Foreign:
    asked, answered = interaction["request"], interaction["response"]
    old = "status_code" in answered  # vcrpy before 5 wrote httpx's answers so
    headers = pairs_of(answered.get("headers"))
    body = answered.get("content") if old else (answered.get("body") or {}).get("string")
    return Foreign(
        asked["method"],
        asked["uri"],
        pairs_of(asked.get("headers")),
        _bytes(asked.get("body"), asked.get("parsed_body")),
        int(answered["status_code"] if old else answered["status"]["code"]),
        headers,
        _bytes(body, answered.get("parsed_body")),
        _time(headers, made_at),
    )


def _bytes(body: Any, parsed: Any) -> bytes:
    """A body: as text, as bytes, as a list of such pieces, or as the JSON that it was."""
    if parsed is not None:
        return json_bytes(parsed)
    if isinstance(body, (list, tuple)):
        return bytes(body) if all(isinstance(piece, int) for piece in body) else b"".join(_bytes(piece, None) for piece in body)
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if body is None or isinstance(body, bytes):
        return body or b""
    raise ValueError(f"a body is a {type(body).__name__}; known are texts, bytes and lists of them")


def _time(headers: list[tuple[str, str]], made_at: float) -> float:
    for name, value in headers:
        if name.lower() == "date":
            try:
                return parsedate_to_datetime(value).timestamp()
            except ValueError:
                break
    return made_at
