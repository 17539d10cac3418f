"""Bytes of a file that change, or are lost."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

__all__ = ["FLIPS", "cut"]

Change = Callable[[Path, random.Random], None]
PAGE = 4096  # bytes, of SQLite


def _rewritten(change: Callable[[bytearray, random.Random], None]) -> Change:
    def rewrite(file: Path, draw: random.Random) -> None:
        data = bytearray(file.read_bytes())
        if data:
            change(data, draw)
            file.write_bytes(data)

    return rewrite


def _bits(data: bytearray, draw: random.Random) -> None:
    for _ in range(draw.choice([1, 1, 1, 3, 30])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _noise(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    data[at : at + draw.randrange(1, 600)] = draw.randbytes(len(data[at : at + draw.randrange(1, 600)]))


def _zeros(data: bytearray, draw: random.Random) -> None:
    at, size = draw.randrange(len(data)), draw.choice([1, 16, 512, PAGE])
    data[at : at + size] = bytes(len(data[at : at + size]))


def _page_of_another(data: bytearray, draw: random.Random) -> None:
    one, other = (draw.randrange(1 + len(data) // PAGE) * PAGE for _ in range(2))
    data[one : one + PAGE] = data[other : other + PAGE]


def _more(data: bytearray, draw: random.Random) -> None:
    data += draw.randbytes(draw.choice([1, 100, PAGE]))


def cut(file: Path, draw: random.Random) -> None:
    """Cut the file anywhere."""
    os.truncate(file, draw.randrange(file.stat().st_size + 1))


FLIPS: dict[str, Change] = {
    "bits": _rewritten(_bits),
    "noise": _rewritten(_noise),
    "zeros": _rewritten(_zeros),
    "page of another": _rewritten(_page_of_another),
    "more": _rewritten(_more),
    "cut": cut,
}
