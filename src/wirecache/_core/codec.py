"""Encoding of entries as bytes, and decoding, which accepts only complete, undamaged entries.

A frame: magic, SHA-256 of everything after it, a fixed block of numbers, then headers, request summary, request body,
chunk times of a stream, response body.
A frame that is damaged, foreign, or under another key is a miss, never an answer. Nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import math
import struct
from itertools import accumulate

from wirecache._core.messages import CHUNK_SIZE, Entry, Usage
from wirecache._core.unset import UNSET

__all__ = ["Damaged", "decode", "encode"]

MAGIC = b"WCE\x04"  # the last byte is the format's version
# key, status, HTTP version, stored at, seconds, ttl (NaN: none of its own, infinity: for ever), the seven counts of the usage (-1: none),
# then the lengths of headers, summary, request body, chunk times and response body
_BLOCK = struct.Struct(">32sH8sddd7qIIQIQ")
_COUNTS = len(Usage._fields)
_UNTOLD = (-1,) * _COUNTS
_BLOCK_AT = len(MAGIC) + 32
_PARTS_AT = _BLOCK_AT + _BLOCK.size


class Damaged(ValueError):
    """The value is not an entry; the message says why."""


def encode(entry: Entry) -> bytes:
    """Return the frame of an entry. Raises ``ValueError`` for one that its reader ended, which is incomplete."""
    if entry.ended_by_reader:
        raise ValueError("its reader stopped before the end of the body, so it cannot be stored")
    headers = b"\0".join(part for pair in entry.headers for part in pair)
    parts = (headers, entry.summary, entry.request_body, entry.chunk_times, entry.body)
    ttl = math.nan if entry.ttl is UNSET else math.inf if entry.ttl is None else entry.ttl
    block = _BLOCK.pack(
        bytes.fromhex(entry.key),
        entry.status,
        entry.http_version,
        entry.stored_at,
        entry.seconds,
        ttl,
        *(entry.usage or _UNTOLD),
        *map(len, parts),
    )
    digest = hashlib.sha256(block)
    for part in parts:
        digest.update(part)
    return b"".join((MAGIC, digest.digest(), block, *parts))


def decode(key: str, frame: bytes) -> Entry:
    """Return the entry in a frame that was found under ``key``. Raises ``Damaged`` unless it is that entry, complete."""
    if type(frame) is not bytes or len(frame) < _PARTS_AT or not frame.startswith(MAGIC):
        raise Damaged("not an entry of this version")
    view = memoryview(frame)
    if hashlib.sha256(view[_BLOCK_AT:]).digest() != frame[len(MAGIC) : _BLOCK_AT]:
        raise Damaged("checksum mismatch")
    owner, status, version, stored_at, seconds, ttl, *numbers = _BLOCK.unpack_from(frame, _BLOCK_AT)
    usage = Usage(*numbers[:_COUNTS])
    if owner.hex() != key:
        raise Damaged("an entry of another key")
    _, summary_at, request_body_at, chunk_times_at, body_at, end = accumulate(numbers[_COUNTS:], initial=_PARTS_AT)
    if end != len(frame) or (body_at - chunk_times_at) % CHUNK_SIZE:
        raise Damaged("lengths that do not add up")
    if not (math.isfinite(stored_at) and math.isfinite(seconds)):
        raise Damaged("times that are none")
    headers = frame[_PARTS_AT:summary_at].split(b"\0")
    if b"content-encoding" in map(bytes.lower, headers[::2]):  # bodies are stored decoded: a reader would decode it again, and fail
        raise Damaged("a body that is coded")
    return Entry(
        key,
        status,
        tuple(zip(headers[::2], headers[1::2], strict=False)),
        frame[body_at:],
        stored_at,
        seconds,
        version.rstrip(b"\0"),
        usage if usage.input >= 0 else None,
        UNSET if ttl != ttl else None if ttl == math.inf else ttl,
        frame[summary_at:request_body_at],
        view[request_body_at:chunk_times_at],
        frame[chunk_times_at:body_at],
    )
