"""The canonical form of a form: its parts without the boundary, which is random in each request (RFC 7578, RFC 2046 section 5.1).

The user's ``ignore_body`` and ``normalize`` see a form as an object: each name has its text, or for a file ``{"filename", "content_type",
"content"}``; a repeated name has a list of these.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from wirecache._core.keys.canonical import PARAMETER, Body, canonical_json, ignore_members, unframed

__all__ = ["canonical_form", "form_members"]


def canonical_form(body: Body, ignored: tuple[str, ...], normalize: Callable[[Any], Any] | None) -> list[bytes | str] | None:
    """Return the canonical form after the user's options are applied; None if they change nothing.

    Raises what ``normalize`` raises, and ``ValueError`` if the form, or what ``normalize`` returns, has no canonical form.
    """
    items = _items(body)
    kept = [(name, changed[name]) for name, item in items if name in (changed := ignore_members({name: item}, ignored))]
    if normalize is None:
        if kept == items:
            return None
        return canonical_json([[name, _hashed(item)] for name, item in kept])
    value = normalize(_by_name(kept))
    order = [name for name, _ in kept if isinstance(value, dict) and name in value]
    return canonical_json([order, _hashed(value)])


def form_members(body: Body) -> dict[str, Any]:
    """Return the form as the object that the user's options see. Raises ``ValueError`` if a part repeats a header."""
    return _by_name(_items(body))


def _items(body: Body) -> list[tuple[str, Any]]:
    is_multipart = body.kind == "multipart"
    return [_part(head, content) if is_multipart else (_text(head), _text_or_bytes(content)) for head, content in body.value]


def _part(head: bytes, content: bytes) -> tuple[str, Any]:
    """Return the name of a part and its value, from its framed head lines and its content."""
    pairs = [unframed(line) for line in unframed(head)]
    lines = {name: value for name, value in pairs}
    if len(lines) < len(pairs):
        raise ValueError("a header of a part is repeated")
    disposition = lines.pop(b"content-disposition", b"")
    kind, _, _ = disposition.partition(b";")
    parameters = {name.lower(): _unquoted(quoted) or plain for name, quoted, plain in PARAMETER.findall(disposition)}
    name = _text(parameters.pop(b"name", b""))
    part: dict[str, Any] = {}
    if parameters or lines or kind.strip().lower() != b"form-data":
        files = [_text(parameters.pop(name)) for name in (b"filename", b"filename*") if name in parameters]
        if files:
            part["filename"] = files[0] if len(files) == 1 else files
        part |= {parameter.decode("latin-1"): _text(value) for parameter, value in parameters.items()}
        if b"content-type" in lines:
            part["content_type"] = _text(lines.pop(b"content-type"))
        if lines:
            part["headers"] = {line.decode("latin-1"): _text(value) for line, value in lines.items()}
        return name, {**part, "content": _text_or_bytes(content)}
    return name, _text_or_bytes(content)


def _unquoted(text: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", text)


def _text(value: bytes) -> str:
    """Return a name as text. Raises ``ValueError`` if it is not UTF-8, in which case the form counts by its bytes."""
    return value.decode("utf-8", "surrogateescape")


def _text_or_bytes(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _by_name(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    grouped: dict[str, list[Any]] = {}
    for name, item in items:
        grouped.setdefault(name, []).append(item)
    return {name: found[0] if len(found) == 1 else found for name, found in grouped.items()}


def _hashed(value: Any) -> Any:
    """Return the value with bytes replaced by their hash, in a form that no text can have."""
    if isinstance(value, bytes | bytearray | memoryview):
        return [{"SHA-256 of bytes": hashlib.sha256(value).hexdigest()}]
    if type(value) is dict:
        return {name: _hashed(item) for name, item in value.items()}
    return [_hashed(item) for item in value] if type(value) is list else value
