"""How is an entry written as bytes, and read back only if it is whole and ours?

A frame: magic, SHA-256 of all that follows, the key, the lengths of the parts, then meta (JSON), request body, response body.
A frame that is damaged, foreign, or lies under another key is a miss, never an answer. Nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import jiter

from wirecache._core.messages import Entry, HeaderPairs, RequestSummary, Usage

__all__ = ["Damaged", "decode", "encode"]

MAGIC = b"WCE\x01"  # the last byte is the format's version
_LENGTHS = struct.Struct(">32sIQQ")  # key, then the lengths of meta, request body, response body
_START = len(MAGIC) + 32


class Damaged(ValueError):
    """Why is this value no entry?"""


def encode(entry: Entry) -> bytes:
    """The frame of an entry."""
    meta = json.dumps(_meta(entry), separators=(",", ":")).encode()
    lengths = _LENGTHS.pack(bytes.fromhex(entry.key), len(meta), len(entry.request_body), len(entry.body))
    parts = (lengths, meta, entry.request_body, entry.body)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return b"".join((MAGIC, digest.digest(), *parts))


def decode(key: str, frame: bytes) -> Entry:
    """The entry in a frame that was found under ``key``; ``Damaged`` if it is not that entry, whole."""
    view = memoryview(frame)
    if len(frame) < _START + _LENGTHS.size or frame[: len(MAGIC)] != MAGIC:
        raise Damaged("not an entry of this version")
    if hashlib.sha256(view[_START:]).digest() != frame[len(MAGIC) : _START]:
        raise Damaged("checksum mismatch")
    owner, meta_size, asked_size, _ = _LENGTHS.unpack_from(frame, _START)
    if owner.hex() != key:
        raise Damaged("an entry of another key")
    meta_at = _START + _LENGTHS.size
    asked_at = meta_at + meta_size
    body_at = asked_at + asked_size
    try:
        meta = jiter.from_json(frame[meta_at:asked_at], cache_mode="keys")
        return _entry(key, meta, view[asked_at:body_at], frame[body_at:])
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"unreadable meta: {error}") from error


def _meta(entry: Entry) -> dict[str, Any]:
    asked = entry.request
    return {
        "status": entry.status,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in entry.headers],
        "http": entry.http_version,
        "stored_at": entry.stored_at,
        "seconds": entry.seconds,
        "ttl": entry.ttl,
        "usage": [entry.usage.input, entry.usage.output] if entry.usage else None,
        "request": [asked.method, asked.url, asked.endpoint, asked.model, dict(asked.fields)],
    }


def _entry(key: str, meta: dict[str, Any], request_body: memoryview, body: bytes) -> Entry:
    headers: HeaderPairs = tuple((n.encode("latin-1"), v.encode("latin-1")) for n, v in meta["headers"])
    return Entry(
        key=key,
        status=meta["status"],
        headers=headers,
        body=body,
        stored_at=meta["stored_at"],
        seconds=meta["seconds"],
        http_version=meta["http"],
        usage=Usage(*meta["usage"]) if meta["usage"] else None,
        request=RequestSummary(*meta["request"]),
        request_body=request_body,
        ttl=meta["ttl"],
    )
