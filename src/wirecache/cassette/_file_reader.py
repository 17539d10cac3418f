"""Reads a cassette's file as an entry. Errors say what is wrong, where, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from wirecache._core.headers import HeaderPairs
from wirecache._core.keys.canonical import Body, parse_body
from wirecache._core.keys.keys import request_from
from wirecache._core.messages import Chunk, Entry, Request, RequestSummary, Usage, pack_chunks
from wirecache._core.unset import UNSET
from wirecache._core.version import __version__
from wirecache.cassette._bodies import Members, body_bytes, stream_body
from wirecache.cassette._file_format import FORMAT
from wirecache.cassette._git_lfs import refuse_pointer
from wirecache.cassette._json_reader import Raw, RawPaths, read_json
from wirecache.cassette._multipart import multipart_bytes
from wirecache.errors import CassetteFormatError

__all__ = ["Recording", "from_text"]

REMEDY = "delete it and record it again"

T = TypeVar("T")

_DOCUMENT: dict[str, RawPaths] = {"json": Raw}
_RAW_PATHS: RawPaths = {
    "request": {"body": {**_DOCUMENT, "parts": [_DOCUMENT]}},
    "response": {"body": {**_DOCUMENT, "events": [{"data": Raw}]}},
}


class Recording(NamedTuple):
    """A file that was read: its ``entry``, and the ``request`` and ``body`` from which its key is recomputed.

    ``body``: None if the file does not hold the whole request.
    """

    entry: Entry
    request: Request
    body: Body | None


def from_text(text: str, where: str) -> Recording:
    """Return the exchange in the text of a file. ``where``: the file, for messages. Raises ``CassetteFormatError``."""
    file = _validated(text.removeprefix("\ufeff"), where)
    request, response = file["request"], file["response"]
    request_body = _converted("/request/body", where, lambda: _request_body(request))
    body, chunks = _converted("/response/body", where, lambda: _response_body(response.get("body")))
    usage = response.get("usage")
    entry = Entry(
        key=file["key"],
        status=response["status"],
        headers=_converted("/response/headers", where, lambda: _header_pairs(response.get("headers", {}))),
        body=body,
        stored_at=file["recorded_at"],
        seconds=float(response["seconds"]),
        http_version=response.get("http_version", "HTTP/1.1").encode("latin-1", "replace"),
        usage=Usage(**usage) if usage else None,
        ttl=UNSET,
        summary=_summary(request),
        request_body=request_body,
        chunk_times=pack_chunks(chunks),
        ended_by_reader=response.get("ended") == "reader",
    )
    content_type, fields = request.get("content_type", ""), request.get("headers", {})
    if content_type:
        fields = {**fields, "content-type": content_type}
    return Recording(
        entry,
        _converted("/request/url", where, lambda: request_from(request["method"], request["url"], fields)),
        parse_body(request_body, content_type.encode("latin-1", "replace")) if "whole" not in request else None,
    )


def _request_body(request: Members) -> bytes:
    node = request.get("body") or {}
    return multipart_bytes(node["parts"], request.get("content_type", "")) if "parts" in node else body_bytes(node)


def _response_body(node: Members | None) -> tuple[bytes, tuple[Chunk, ...]]:
    return stream_body(node) if node and "events" in node else (body_bytes(node or {}), ())


def _header_pairs(headers: dict[str, str] | list[list[str]]) -> HeaderPairs:
    pairs = headers.items() if isinstance(headers, dict) else headers
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)


def _summary(request: Members) -> bytes:
    """Return the request summary in the form kept in an entry."""
    summary = RequestSummary(
        request["method"],
        request["url"],
        request.get("endpoint", ""),
        request.get("model"),
        request.get("headers", {}),
        request.get("namespace", ""),
        request.get("sample", 0),
        request.get("content_type", ""),
        "whole" not in request,
        tuple(request.get("left_out", {}).items()),
    )
    return summary.to_bytes()


def _converted(pointer: str, where: str, convert: Callable[[], T]) -> T:
    """Return the result of ``convert``, adding the JSON pointer of the place to its ``ValueError``."""
    try:
        return convert()
    except ValueError as error:
        raise _invalid(where, pointer, str(error)) from error


def _validated(text: str, where: str) -> Members:
    """Return the file's members, validated, with ``recorded_at`` in seconds since the epoch."""
    from pydantic import ValidationError

    from wirecache.cassette._file_model import CassetteFile

    members = _parsed(text, where)
    _check_format(members, where)
    try:
        file = CassetteFile.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _invalid(where, "".join(f"/{step}" for step in first["loc"]), first["msg"]) from None
    return {**members, "recorded_at": file.recorded_at.timestamp()}


def _parsed(text: str, where: str) -> Any:
    refuse_pointer(text, where)
    try:
        return read_json(text, _RAW_PATHS)
    except json.JSONDecodeError as error:
        conflict = "; it has conflict markers of a merge" if "\n<<<<<<< " in f"\n{text}" else ""
        place = f"line {error.lineno}, column {error.colno}"
        raise CassetteFormatError(f"{where} is not valid JSON: {error.msg} at {place}{conflict}. Correct it there, or {REMEDY}") from None
    except (ValueError, RecursionError) as error:
        raise CassetteFormatError(f"{where} is not valid JSON: {error}. Correct it, or {REMEDY}") from None


def _check_format(members: Any, where: str) -> None:
    version = members.get("format") if isinstance(members, dict) else None
    if version is None or isinstance(version, bool) or not isinstance(version, int):
        raise CassetteFormatError(f'{where} is not a wirecache cassette: it has no "format": {FORMAT}. Name a cassette, or {REMEDY}')
    if version != FORMAT:
        writer = members.get("wirecache")
        by = f", written by wirecache {writer}" if isinstance(writer, str) else ""
        raise CassetteFormatError(
            f"{where} has format {version}{by}; wirecache {__version__} reads format {FORMAT}. Install a newer wirecache, or {REMEDY}"
        )


def _invalid(where: str, pointer: str, reason: str) -> CassetteFormatError:
    return CassetteFormatError(f"{where}, at {pointer or '/'}: {reason}. Correct it there, or {REMEDY}")
