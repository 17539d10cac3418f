"""When do two request bodies ask for the same? When their canonical bytes are equal.

The canonical form is a typed, length-prefixed framing (strings are never escaped, so 5 MB of base64 cost one copy):
no two different values have the same bytes. Numbers compare as in RFC 8785 (IEEE 754 doubles), but integers are exact at any size.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import jiter

__all__ = [
    "EMPTY", "KEPT_WHOLE", "Body",
    "canonical_json", "canonical_text", "frame", "ignore_members", "media_type", "normalise_percent", "parse_body", "unframed",
]  # fmt: skip

# Ids that a client makes up anew for each call, and that only link members of one body
# (pydantic-ai gives Gemini's tool calls such ids). They count by order of appearance.
# A row: the bytes that a body with such ids must contain, and the whole id.
LINKING_IDS = {b"pyd_ai_": re.compile(r"pyd_ai_[0-9a-f]{32}")}

KEPT_WHOLE = 256 * 1024  # bytes; of a larger request body (images, audio) the entry keeps a shortened form
KEPT_STRING = 2048  # characters of one string, then

_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_STRAY = re.compile(rb"%(?![0-9a-fA-F]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Body(NamedTuple):
    """A request body, parsed once: ``value`` is the JSON value, or the list of parts or pairs, or None for raw bytes."""

    kind: str  # empty | json | multipart | form | raw
    raw: bytes
    value: Any = None

    def member(self, name: str) -> Any:
        """The member of that name of a JSON object, else None."""
        return self.value.get(name) if type(self.value) is dict else None


EMPTY = Body("empty", b"")


def frame(parts: Iterable[bytes]) -> bytes:
    """Join parts so that no other list of parts gives the same bytes (each one with its length in front)."""
    return b"".join([b"%d:%b" % (len(part), part) for part in parts])


def unframed(data: bytes) -> list[bytes]:
    """The parts that ``frame`` joined."""
    parts: list[bytes] = []
    while data:
        size, _, rest = data.partition(b":")
        parts.append(rest[: int(size)])
        data = rest[int(size) :]
    return parts


def _upper_or_plain(match: re.Match[bytes]) -> bytes:
    octet = int(match[1], 16)
    return bytes([octet]) if octet in _UNRESERVED else b"%%%02X" % octet


def normalise_percent(text: bytes) -> bytes:
    """Undo the percent-encoding that means nothing (RFC 3986 section 6.2.2); a text that is not well encoded stays as it is."""
    return _PERCENT.sub(_upper_or_plain, text) if b"%" in text and not _STRAY.search(text) else text


def parse_body(content: bytes, content_type: bytes = b"") -> Body:
    """What kind of body is this, and what is in it?

    A body that looks like a JSON object or array is one, whatever its content type says (some SDKs send none).
    Duplicate member names, NaN, a lone surrogate or broken JSON: keyed by its raw bytes.
    """
    if not content:
        return EMPTY
    kind = media_type(content_type)
    if kind == b"multipart/form-data":
        parts = _multipart(content, content_type)
        return Body("multipart", content, parts) if parts is not None else Body("raw", content)
    if content[:1] in _OPENING or content.lstrip()[:1] in _OPENING:
        try:
            return Body("json", content, jiter.from_json(content, **_STRICT))
        except ValueError:
            return Body("raw", content)
    if kind == b"application/x-www-form-urlencoded":
        return Body("form", content, [_form_pair(pair) for pair in content.split(b"&") if pair])
    return Body("raw", content)


_OPENING = (b"{", b"[")
# Prompts stay out of jiter's string cache, which would keep them in memory for the life of the process.
_STRICT: dict[str, Any] = {"allow_inf_nan": False, "catch_duplicate_keys": True, "cache_mode": "keys"}


@lru_cache(maxsize=256)
def media_type(content_type: bytes) -> bytes:
    """The type of a ``Content-Type``, without its parameters, in lower case."""
    return content_type.partition(b";")[0].strip().lower()


def _form_pair(pair: bytes) -> tuple[bytes, bytes]:
    name, _, value = pair.partition(b"=")
    return unquote_to_bytes(name.replace(b"+", b" ")), unquote_to_bytes(value.replace(b"+", b" "))


def _multipart(content: bytes, content_type: bytes) -> list[tuple[bytes, bytes]] | None:
    """The parts as (head lines, bytes), without the boundary; None if it is no well-formed multipart (RFC 2046 section 5.1)."""
    found = re.search(rb'boundary=(?:"([^"]+)"|([^\s;]+))', content_type, re.IGNORECASE)
    if found is None:
        return None
    pieces = (b"\r\n" + content).split(b"\r\n--" + (found[1] or found[2]))
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


def canonical_json(value: Any, raw: bytes = b"") -> list[bytes]:
    """Which bytes stand for this JSON value, and for no other? In pieces: together they are the canonical form.

    Members sorted at every depth, list order kept. ``1.0`` is ``1``; ``true`` is not ``1``; no Unicode normalisation.
    ``raw`` is the text it was parsed from: only there linking ids are looked for.
    Raises ``ValueError`` on what JSON cannot carry (infinity, a lone surrogate).
    """
    out: list[bytes] = []
    links: dict[str, int] | None = {} if any(mark in raw for mark in LINKING_IDS) else None
    _write(value, out, links)
    return out


def _write(value: Any, out: list[bytes], links: dict[str, int] | None) -> None:
    kind = type(value)
    if kind is str:
        _text(value, out, links)
    elif kind is dict:
        out.append(b"{%d:" % len(value))
        for name in sorted(value):
            out.append(_name(name))
            item = value[name]
            if type(item) is str:
                _text(item, out, links)
            else:
                _write(item, out, links)
    elif kind is list:
        out.append(b"[%d:" % len(value))
        for item in value:
            _write(item, out, links)
    else:
        out.append(_scalar(value))


def _text(value: str, out: list[bytes], links: dict[str, int] | None) -> None:
    if links is not None and any(pattern.fullmatch(value) for pattern in LINKING_IDS.values()):
        out.append(b"@%d;" % links.setdefault(value, len(links)))
        return
    text = value.encode()
    out += (b"s%d:" % len(text), text)


@lru_cache(maxsize=1024)
def _name(name: str) -> bytes:
    text = name.encode()
    return b"%d:%b" % (len(text), text)


def _scalar(value: Any) -> bytes:
    if value is None:
        return b"n"
    if value is True:
        return b"t"
    if value is False:
        return b"f"
    if isinstance(value, int):
        return b"i%x;" % value
    if isinstance(value, float):
        if value.is_integer():  # infinity and NaN are not, and are refused below
            return b"i%x;" % int(value)
        if value - value == 0.0:
            return b"d" + value.hex().encode() + b";"
    raise ValueError(f"not a JSON value: {value!r}")


def ignore_members(value: Any, pointers: Iterable[str]) -> Any:
    """The value without the members that JSON pointers (RFC 6901) name; ``*`` stands for any one member or item."""
    for pointer in pointers:
        if path := [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]:
            value = _without(value, path)
    return value


def _without(value: Any, path: list[str]) -> Any:
    """The value without what the path names, made anew only along the path."""
    step, rest = path[0], path[1:]
    if type(value) is dict:
        members = ((name, item, step in ("*", name)) for name, item in value.items())
        return {name: _without(item, rest) if named else item for name, item, named in members if rest or not named}
    if type(value) is list:
        items = ((item, step in ("*", str(at))) for at, item in enumerate(value))
        return [_without(item, rest) if named else item for item, named in items if rest or not named]
    return value


def canonical_text(body: Body) -> bytes:
    """What is kept of a request body for people to read and compare: its JSON, members sorted, long strings of a large one shortened."""
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
