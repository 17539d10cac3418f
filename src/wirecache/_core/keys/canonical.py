"""When are two request bodies equal? When their canonical bytes are.

The canonical form is a typed, length-prefixed framing (strings are never escaped, so 5 MB of base64 cost one copy):
no two different values have the same bytes. Numbers compare as in RFC 8785 (IEEE 754 doubles), but integers are exact at any size.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import jiter

from wirecache._core.headers import media_type
from wirecache._core.keys.large_json import STRICT_JSON, parse_large
from wirecache._core.short_cache import cached_if_short

__all__ = [
    "EMPTY", "KEPT_WHOLE", "LARGE", "PARAMETER", "Body", "boundary_of",
    "canonical_json", "canonical_text", "frame", "ignore_members", "normalise_percent", "parse_body", "unframed",
]  # fmt: skip

# Ids that a client generates for each call, and that only link members of one body (pydantic-ai gives Gemini's tool calls such ids).
# They are replaced by their order of appearance.
LINKING_ID = re.compile(r"pyd_ai_[0-9a-f]{32}")

KEPT_WHOLE = 256 * 1024  # bytes; an entry keeps a larger request body (images, audio) in a shortened form
KEPT_STRING = 2048  # characters; in the shortened form, longer strings are abbreviated
LARGE = 64 * 1024  # characters; text of this size is not encoded, which would make one more copy of an image

_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_MALFORMED_PERCENT = re.compile(rb"%(?![0-9a-fA-F]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


_NO_MEMBERS: Mapping[str, Any] = {}


class Body(NamedTuple):
    """A request body, parsed once.

    ``value``: the JSON value; the parts of a multipart body as (framed head, content); the (name, value) pairs of a form; else None.
    """

    kind: str  # empty | json | multipart | form | raw
    raw: bytes
    value: Any = None

    @property
    def members(self) -> Mapping[str, Any]:
        """The members of a JSON object; empty for any other body."""
        return self.value if type(self.value) is dict else _NO_MEMBERS


EMPTY = Body("empty", b"")


def frame(parts: Iterable[bytes]) -> bytes:
    """Return the parts joined, each preceded by its length, so that no other list of parts gives these bytes."""
    return b"".join([b"%d:%b" % (len(part), part) for part in parts])


def unframed(data: bytes) -> list[bytes]:
    """Return the parts that ``frame`` joined."""
    parts: list[bytes] = []
    while data:
        size, _, rest = data.partition(b":")
        parts.append(rest[: int(size)])
        data = rest[int(size) :]
    return parts


def _normalised_octet(match: re.Match[bytes]) -> bytes:
    octet = int(match[1], 16)
    return bytes([octet]) if octet in _UNRESERVED else b"%%%02X" % octet


def normalise_percent(text: bytes) -> bytes:
    """Return the text without redundant percent-encoding (RFC 3986 section 6.2.2); unchanged if an escape in it is malformed."""
    return _PERCENT.sub(_normalised_octet, text) if b"%" in text and not _MALFORMED_PERCENT.search(text) else text


def parse_body(content: bytes, content_type: bytes = b"") -> Body:
    """Return the parsed body.

    A body that looks like a JSON object or array is parsed as JSON, whatever its content type (some SDKs send none). Broken JSON, and JSON
    with duplicate member names, NaN or a lone surrogate, is a raw body (but see ``parse_large``).
    """
    if not content:
        return EMPTY
    kind = content_type if content_type == b"application/json" else media_type(content_type)
    if kind == b"multipart/form-data":
        parts = _multipart(content, content_type)
        return Body("multipart", content, parts) if parts is not None else Body("raw", content)
    if content[:1] in _JSON_START or content.lstrip()[:1] in _JSON_START:
        try:
            value = parse_large(content) if len(content) > LARGE else jiter.from_json(content, **STRICT_JSON)
            return Body("json", content, value)
        except ValueError:
            return Body("raw", content)
    if kind == b"application/x-www-form-urlencoded":
        return Body("form", content, [_form_pair(pair) for pair in content.split(b"&") if pair])
    return Body("raw", content)


_JSON_START = (b"{", b"[")


def _form_pair(pair: bytes) -> tuple[bytes, bytes]:
    name, _, value = pair.partition(b"=")
    return unquote_to_bytes(name.replace(b"+", b" ")), unquote_to_bytes(value.replace(b"+", b" "))


# A parameter of a header (RFC 9110 section 5.6.6): its name, and its value as a quoted string or a token.
PARAMETER = re.compile(rb';\s*([\w!#$%&\'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')


def boundary_of(content_type: bytes) -> bytes | None:
    """Return the boundary between the parts of a form; None if there is none, or more than one."""
    found = [(quoted, plain) for name, quoted, plain in PARAMETER.findall(content_type) if name.lower() == b"boundary"]
    if len(found) != 1:
        return None
    quoted, plain = found[0]
    return re.sub(rb"\\(.)", rb"\1", quoted) or plain or None


def _multipart(content: bytes, content_type: bytes) -> list[tuple[bytes, bytes]] | None:
    """Return the parts as (framed head lines, content), without the boundary; None if the body is malformed (RFC 2046 section 5.1)."""
    if (boundary := boundary_of(content_type)) is None:
        return None
    pieces = (b"\r\n" + content).split(b"\r\n--" + boundary)
    if len(pieces) < 2 or pieces[0] or pieces[-1].rstrip(b"\r\n") != b"--":
        return None
    parts = []
    for piece in pieces[1:-1]:
        head, blank, body = piece.partition(b"\r\n\r\n")
        if not blank or not head.startswith(b"\r\n"):
            return None
        lines = (line.partition(b":") for line in head[2:].split(b"\r\n"))
        parts.append((frame(sorted(frame((n.strip().lower(), v.strip())) for n, _, v in lines)), body))
    return parts


def canonical_json(value: Any, *, has_links: bool = False) -> list[bytes | str]:
    """Return the canonical form of a JSON value, in pieces that when joined are unique to this value.

    Members are sorted at every depth; list order is kept. ``1.0`` equals ``1``, ``true`` does not; Unicode is not normalized.
    ``has_links``: linking ids are replaced by their order of appearance. A str piece is ASCII and at least ``LARGE``.
    Raises ``ValueError`` for what JSON cannot represent (infinity, a lone surrogate).
    """
    out: list[bytes | str] = []
    _write(value, out, {} if has_links else None)
    return out


def _write(value: Any, out: list[bytes | str], links: dict[str, int] | None) -> None:
    kind = type(value)
    if kind is dict:
        head, members = _layout(tuple(value))
        out.append(head)
        for name, written, is_id in members:
            item = value[name]
            if type(item) is not str:
                out.append(written)
                _write(item, out, links)
            elif is_id and links is not None and LINKING_ID.fullmatch(item):
                out += (written, b"@%d;" % links.setdefault(item, len(links)))
            elif len(item) < LARGE:  # ``_write_text`` inlined, to save a call per member
                text = item.encode()
                out += (written, b"s%d:" % len(text), text)
            else:
                out.append(written)
                _write_text(item, out)
    elif kind is list:
        out.append(b"[%d:" % len(value))
        for item in value:
            _write(item, out, links)
    elif kind is str:
        _write_text(value, out)
    else:
        out.append(_scalar(value))


def _write_text(value: str, out: list[bytes | str]) -> None:
    text = value if len(value) >= LARGE and value.isascii() else value.encode()
    out += (b"s%d:" % len(text), text)


class _Member(NamedTuple):
    """A member's name, the name as it is written, and whether such a member holds an id: ``id``, ``tool_call_id``, ``toolUseId``."""

    name: str
    written: bytes
    is_id: bool


@cached_if_short(1024, size=lambda names: sum(map(len, names)))
def _layout(names: tuple[str, ...]) -> tuple[bytes, list[_Member]]:
    """Return the opening of an object with these members, and the members in sorted order."""
    return b"{%d:" % len(names), [_member(name) for name in sorted(names)]


@cached_if_short(1024)
def _member(name: str) -> _Member:
    text = name.encode()
    return _Member(name, b"%d:%b" % (len(text), text), name == "id" or name.endswith(("_id", "Id")))


def _scalar(value: Any) -> bytes:
    if isinstance(value, float):
        if value.is_integer():  # not true of infinity and NaN, which are refused below
            return b"i%x;" % int(value)
        if value - value == 0.0:
            return b"d%b;" % value.hex().encode()
    elif value is True:
        return b"t"
    elif value is False:
        return b"f"
    elif value is None:
        return b"n"
    elif isinstance(value, int):
        return b"i%x;" % value
    raise ValueError(f"not a JSON value: {value!r}")


def ignore_members(value: Any, pointers: Iterable[str]) -> Any:
    """Return the value without the members that the JSON pointers (RFC 6901) name; ``*`` matches any one member or item."""
    for pointer in pointers:
        if path := [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]:
            value = _without(value, path)
    return value


def _without(value: Any, path: list[str]) -> Any:
    """Return the value without what the path names. Only what lies on the path is copied."""
    step, rest = path[0], path[1:]
    if type(value) is dict:
        members = ((name, item, step in ("*", name)) for name, item in value.items())
        return {name: _without(item, rest) if named else item for name, item, named in members if rest or not named}
    if type(value) is list:
        items = ((item, step in ("*", str(index))) for index, item in enumerate(value))
        return [_without(item, rest) if named else item for item, named in items if rest or not named]
    return value


def canonical_text(body: Body) -> bytes:
    """Return the request body as an entry keeps it, for people to read and compare.

    JSON with sorted members; long strings of a large body are shortened. Empty for a large body that is not JSON.
    """
    if body.kind != "json":
        return body.raw if len(body.raw) <= KEPT_WHOLE else b""
    value = body.value if len(body.raw) <= KEPT_WHOLE else _shortened(body.value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _shortened(value: Any) -> Any:
    if type(value) is str and len(value) > KEPT_STRING:
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{value[:64]}... ({len(value)} characters, SHA-256 {digest})"
    if type(value) is dict:
        return {name: _shortened(item) for name, item in value.items()}
    return [_shortened(item) for item in value] if type(value) is list else value
