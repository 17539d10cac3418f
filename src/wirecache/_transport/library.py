"""Where do httpx's and httpx2's types meet? In this record of the classes that differ; nothing here imports either library."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Library"]


class Library(NamedTuple):
    """The classes of one HTTP library. ``other``: the name of the other library, for messages."""

    name: str
    other: str
    request: type[Any]
    response: type[Any]
    byte_stream: type[Any]
    read_timeout: type[Any]  # what its clients raise when no answer comes in time
    recorded_body: type[Any]  # the library's own subclass of ``RecordedBody``
    replayed_body: type[Any]  # and of ``ReplayedBody``
