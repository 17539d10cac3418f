"""How is a form with files written, so that its parts are read and its key stays the same?

The boundary is made up anew for each request and counts in no key: a file has a fixed one, so that a new recording changes nothing.
"""

from __future__ import annotations

import re

from wirecache._core.headers import media_type
from wirecache._core.keys.canonical import parse_body
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._bodies import Members, body_bytes, body_node
from wirecache.cassette._json_writer import Node

__all__ = ["multipart_bytes", "multipart_node"]

BOUNDARY = "wirecache"

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)


def multipart_node(data: bytes, content_type: str, redactor: Redactor) -> tuple[Node, str] | None:
    """The parts, and the content type that names the fixed boundary; None if it is no form that can be made again."""
    asked = parse_body(data, content_type.encode("latin-1"))
    found = _BOUNDARY.search(content_type)
    if asked.kind != "multipart" or found is None or media_type(content_type.encode("latin-1")) != b"multipart/form-data":
        return None
    pieces = (b"\r\n" + data).split(b"\r\n--" + (found[1] or found[2]).encode("latin-1"))
    try:
        parts = [_part(piece, redactor) for piece in pieces[1:-1]]
    except UnicodeDecodeError:
        return None
    told = f"multipart/form-data; boundary={_free_boundary(parts)}"
    return {"parts": parts}, told


def _part(piece: bytes, redactor: Redactor) -> Node:
    head, _, body = piece.partition(b"\r\n\r\n")
    return {"headers": redactor.text(head[2:].decode()).split("\r\n"), **body_node(redactor.data(body))}


def _free_boundary(parts: list[Node]) -> str:
    """The fixed boundary; with a number where a part has that line itself."""
    pieces = [_piece(part) for part in parts]
    number, boundary = 1, BOUNDARY
    while any(f"\r\n--{boundary}".encode() in b"\r\n" + piece for piece in pieces):
        number += 1
        boundary = f"{BOUNDARY}-{number}-"
    return boundary


def _piece(part: Members) -> bytes:
    return "\r\n".join(part["headers"]).encode() + b"\r\n\r\n" + body_bytes(part)


def multipart_bytes(parts: list[Members], content_type: str) -> bytes:
    """The form that these parts make."""
    found = _BOUNDARY.search(content_type)
    mark = b"--" + (found[1] or found[2] if found else BOUNDARY).encode("latin-1")
    return b"".join(b"%b\r\n%b\r\n" % (mark, _piece(part)) for part in parts) + mark + b"--\r\n"
