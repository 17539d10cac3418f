"""A store that has no more than what every store must have."""

from __future__ import annotations

__all__ = ["TwoMethods"]


class TwoMethods:
    """The least that is a store."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        self.values[key] = value
