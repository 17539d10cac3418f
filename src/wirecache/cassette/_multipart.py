"""Forms with files in a cassette, with readable parts.

Clients generate a new boundary for each request, which does not count in keys. Files have a fixed one, so that recording again changes
nothing.
"""

from __future__ import annotations

from wirecache._core.headers import media_type
from wirecache._core.keys.canonical import boundary_of, parse_body
from wirecache._core.privacy.redaction import Redactor
from wirecache.cassette._bodies import Members, body_bytes, body_node
from wirecache.cassette._json_writer import Node

__all__ = ["multipart_bytes", "multipart_node"]

BOUNDARY = "wirecache"


def multipart_node(data: bytes, content_type: str, redactor: Redactor) -> tuple[Node, str] | None:
    """Return the parts, and the content type with the fixed boundary; None if the body is not a form that can be reproduced."""
    body = parse_body(data, content_type.encode("latin-1"))
    found = boundary_of(content_type.encode("latin-1"))
    if body.kind != "multipart" or found is None or media_type(content_type.encode("latin-1")) != b"multipart/form-data":
        return None
    pieces = (b"\r\n" + data).split(b"\r\n--" + found)
    try:
        parts = [_part_node(piece, redactor) for piece in pieces[1:-1]]
    except UnicodeDecodeError:
        return None
    return {"parts": parts}, f"multipart/form-data; boundary={_unused_boundary(parts)}"


def _part_node(piece: bytes, redactor: Redactor) -> Node:
    head, _, body = piece.partition(b"\r\n\r\n")
    lines = head[2:].decode().split("\r\n")
    disposition = next((line for line in lines if line.lower().startswith("content-disposition:")), "")
    return {"headers": redactor.text("\r\n".join(lines)).split("\r\n"), **body_node(redactor.part(disposition, body))}


def _unused_boundary(parts: list[Node]) -> str:
    """Return the fixed boundary, with a number if a part contains it."""
    pieces = [_part_bytes(part) for part in parts]
    number, boundary = 1, BOUNDARY
    while any(f"\r\n--{boundary}".encode() in b"\r\n" + piece for piece in pieces):
        number += 1
        boundary = f"{BOUNDARY}-{number}-"
    return boundary


def _part_bytes(part: Members) -> bytes:
    return "\r\n".join(part["headers"]).encode() + b"\r\n\r\n" + body_bytes(part)


def multipart_bytes(parts: list[Members], content_type: str) -> bytes:
    """Return the form composed of these parts."""
    mark = b"--" + (boundary_of(content_type.encode("latin-1")) or BOUNDARY.encode())
    return b"".join(b"%b\r\n%b\r\n" % (mark, _part_bytes(part)) for part in parts) + mark + b"--\r\n"
