"""What do the header fields of a message say? Field names are lower case bytes, as in ``messages``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

__all__ = ["content_media_type", "media_type"]


@lru_cache(maxsize=256)
def media_type(content_type: bytes) -> bytes:
    """Return the media type in a ``Content-Type`` value: without its parameters, in lower case."""
    return content_type.partition(b";")[0].strip().lower()


def content_media_type(fields: Mapping[bytes, bytes]) -> bytes:
    """Return the media type of a message's body; empty if its headers do not say it."""
    return media_type(fields.get(b"content-type", b""))
