"""The record of the classes in which httpx and httpx2 differ. Nothing here imports either library."""

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
    read_timeout: type[Any]  # raised by its clients if no answer arrives in time
    recorded_body: type[Any]  # the library's own subclass of ``RecordedBody``
    replayed_body: type[Any]  # its subclass of ``ReplayedBody``
