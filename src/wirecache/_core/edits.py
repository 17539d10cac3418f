"""Edits of a recorded answer, which keep every other byte and the boundaries of its chunks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from wirecache._core.messages import Chunk, Entry, pack_chunks

__all__ = ["Edit", "edited"]


class Edit(NamedTuple):
    """The replacement of a part of a text, from ``start`` up to ``end``, in bytes."""

    start: int
    end: int
    text: bytes


def edited(entry: Entry, edits: Sequence[Edit]) -> Entry:
    """Return the entry with its body edited; the entry itself if there are no edits. ``edits``: in order of position."""
    if not edits:
        return entry
    pieces, at = [], 0
    for edit in edits:
        pieces += [entry.body[at : edit.start], edit.text]
        at = edit.end
    chunks = pack_chunks(_cut_again(entry.chunks, edits)) if entry.chunk_times else b""
    return entry._replace(body=b"".join([*pieces, entry.body[at:]]), chunk_times=chunks)


def _cut_again(chunks: tuple[Chunk, ...], edits: Sequence[Edit]) -> list[Chunk]:
    """Return the chunks with their sizes after the edits. An edit across two chunks belongs to the second one."""
    ends = _moved(list(accumulate(chunk.size for chunk in chunks)), edits)
    return [Chunk(end - start, chunk.seconds) for chunk, start, end in zip(chunks, [0, *ends], ends, strict=False)]


def _moved(places: list[int], edits: Sequence[Edit]) -> list[int]:
    """Return the positions after the edits; both are in order. A position within an edit becomes that of the edit's start."""
    moved, shift, index = [], 0, 0
    for place in places:
        while index < len(edits) and edits[index].end <= place:
            shift += len(edits[index].text) - (edits[index].end - edits[index].start)
            index += 1
        inner = edits[index].start if index < len(edits) and edits[index].start < place else place
        moved.append(inner + shift)
    return moved
