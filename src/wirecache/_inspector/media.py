"""Media of an exchange that a browser may show: images and sounds of known types up to a size, at their own addresses."""

from __future__ import annotations

import base64
import binascii

from starlette.responses import Response

from wirecache._core.headers import content_media_type, fields_of
from wirecache._core.llm.blocks import Block, Kind
from wirecache._core.messages import Entry

__all__ = ["media_kind", "media_response"]

MAX_SIZE = 12_000_000  # bytes; larger media can be downloaded
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})  # not SVG, which may contain scripts
SOUNDS = frozenset(
    {"audio/mpeg", "audio/mp3", "audio/wav", "audio/x-wav", "audio/ogg", "audio/opus", "audio/aac", "audio/flac", "audio/webm"}
)
SANDBOX = "default-src 'none'; sandbox"


def media_kind(media_type: str, size: int) -> str:
    """Return how a medium is shown: ``image``, ``audio``, or ``file`` (to be downloaded)."""
    if size > MAX_SIZE:
        return "file"
    return "image" if media_type in IMAGES else "audio" if media_type in SOUNDS else "file"


def media_response(entry: Entry, block: Block) -> Response | None:
    """Return the block's medium as a response; None if it is not a medium or not in the entry."""
    media_type, data = block.media_type, block.data
    if block.kind is not Kind.MEDIA:
        return None
    if data:
        try:
            content = base64.b64decode(data.translate(str.maketrans("-_", "+/")) + "=" * (-len(data) % 4))
        except (binascii.Error, ValueError):
            return None
    elif media_type and media_type == content_media_type(fields_of(entry.headers)).decode("latin-1"):
        content = entry.body
    else:
        return None
    kind = media_kind(media_type, len(content))
    headers = {"content-security-policy": SANDBOX}
    if kind == "file":
        headers["content-disposition"] = "attachment"
        media_type = "application/octet-stream"
    return Response(content, media_type=media_type, headers=headers)
