"""The result of one check of the installation."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Finding"]


class Finding(NamedTuple):
    """What was checked (``topic``, ``name``) and its value; if something is wrong, the ``problem`` and the ``advice`` on it."""

    topic: str
    name: str
    value: str
    problem: str | None = None
    advice: str | None = None
