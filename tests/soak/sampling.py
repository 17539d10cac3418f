"""What a process and a store take, and is that more and more? Linux only: it reads /proc."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

__all__ = ["ALLOWED", "Sample", "growth", "sample_of", "size_of"]

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Sample(NamedTuple):
    """``seconds`` since the soak began; ``memory`` in bytes (resident); ``blocks`` of memory that Python has in use."""

    seconds: float
    memory: int
    descriptors: int
    threads: int
    blocks: int = 0


# What the last third of a run may have more than the middle one: a share, and so much beside.
ALLOWED = {"memory": (0.1, 4_000_000), "blocks": (0.02, 5_000), "descriptors": (0.0, 6), "threads": (0.0, 4), "store": (0.05, 2_000_000)}


def sample_of(pid: int, seconds: float, blocks: int) -> Sample | None:
    """Return what the process takes now, or None if it has ended."""
    folder = Path("/proc") / str(pid)
    try:
        memory = int((folder / "statm").read_text().split()[1]) * PAGE
        return Sample(seconds, memory, len(os.listdir(folder / "fd")), len(os.listdir(folder / "task")), blocks)
    except OSError:
        return None


def size_of(store: Path) -> int:
    """Return the bytes of all files of a store."""
    total = 0
    for file in store.rglob("*"):
        try:
            total += file.stat().st_size
        except OSError:  # SQLite has deleted it meanwhile
            continue
    return total


def growth(values: Sequence[float], share: float, beside: float) -> str | None:
    """Return how much it grew, if the median of the last third is above what the middle third allows; the first third is the warm-up."""
    third = len(values) // 3
    if not third:
        return None
    middle, last = median(values[third : 2 * third]), median(values[2 * third :])
    return f"from {middle:,.0f} to {last:,.0f}" if last > middle * (1 + share) + beside else None
