"""Header fields of a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

__all__ = ["HeaderPairs", "content_media_type", "fields_of", "media_type"]

HeaderPairs: TypeAlias = Sequence[tuple[bytes, bytes]]


def fields_of(pairs: HeaderPairs) -> dict[bytes, bytes]:
    """Return the headers by lower-case name; repeated ones are joined by ", " (RFC 9110 section 5.3)."""
    fields = {name.lower(): value for name, value in pairs}
    if len(fields) != len(pairs):
        fields.clear()
        for name, value in pairs:
            lower = name.lower()
            fields[lower] = fields[lower] + b", " + value if lower in fields else value
    return fields


def media_type(content_type: bytes) -> bytes:
    """Return the media type in a ``Content-Type`` value: without its parameters, in lower case."""
    return content_type.partition(b";")[0].strip().lower()


def content_media_type(fields: Mapping[bytes, bytes]) -> bytes:
    """Return the media type of a message's body; empty if it is not declared."""
    return media_type(fields.get(b"content-type", b""))
