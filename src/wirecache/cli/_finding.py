"""What did a look at the installation find?"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Finding"]


class Finding(NamedTuple):
    """One thing: its ``topic`` and ``name``, its value, and if something is wrong with it: what, and what to do."""

    topic: str
    name: str
    value: str
    problem: str | None = None
    advice: str | None = None
