"""Export of exchanges to a single HTML file for a colleague, without scripts, external addresses, or secrets known by name or shape."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from wirecache._core.llm.blocks import Kind
from wirecache._core.messages import Entry
from wirecache._core.version import __version__
from wirecache._inspector.conversation_view import Conversation, conversation_of, message_of
from wirecache._inspector.media import IMAGES
from wirecache._inspector.source import Source
from wirecache._inspector.templating import environment
from wirecache._views.entry_json import entry_row
from wirecache.cassette import from_text, to_text
from wirecache.errors import CassetteError

__all__ = ["Exported", "export_html"]

MOST = 500  # exchanges
MAX_IMAGE = 300_000  # characters of base64


class Exported(NamedTuple):
    """The page, the number of exchanges in it, and descriptions of what was left out."""

    html: str
    exchanges: int
    left_out: list[str]


class _Item(NamedTuple):
    row: Any
    conversation: Conversation
    images: dict[str, str]


def export_html(sources: Iterable[Source], title: str) -> Exported:
    """Return the page with the newest exchanges of these sources."""
    items: list[_Item] = []
    more = unreadable = images_left_out = 0
    for source in sources:
        for ref in source.refs():
            entry = source.read(ref)
            if entry is None:
                unreadable += 1
            elif len(items) >= MOST:
                more += 1
            else:
                item, missing = _item(_redacted(entry))
                items.append(item)
                images_left_out += missing
    style = (Path(__file__).with_name("static") / "pages.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    html = environment().get_template("export.html").render(
        items=items, style=Markup(style), digest=digest, title=title, version=__version__, more=more
    )  # fmt: skip
    counts = ((more, "older exchanges"), (unreadable, "exchanges that could not be read"), (images_left_out, "images, sounds and files"))
    left_out = [f"{count:,} {what}" for count, what in counts if count]
    return Exported(html, len(items), [*left_out, "headers, raw bodies, and secrets by name and shape"])


def _redacted(entry: Entry) -> Entry:
    """Return the entry redacted, as in a cassette."""
    try:
        return from_text(to_text(entry), "export").entry
    except CassetteError:
        return entry._replace(body=b"", request_body=b"")


def _item(entry: Entry) -> tuple[_Item, int]:
    conversation = conversation_of(entry)
    images: dict[str, str] = {}
    missing = 0
    for message in [*conversation.messages, conversation.answer]:
        found = message_of(entry, message.place)
        for at, block in enumerate(found.blocks if found else ()):
            if block.kind is not Kind.MEDIA:
                continue
            if block.media_type in IMAGES and 0 < len(block.data) <= MAX_IMAGE:
                images[f"{message.place}.{at}"] = f"data:{block.media_type};base64,{block.data}"
            else:
                missing += 1
    return _Item(entry_row(entry), conversation, images), missing
