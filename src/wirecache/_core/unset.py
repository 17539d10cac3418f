"""The value that means "not given" where None has a meaning of its own (a ttl of None never expires)."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias

__all__ = ["UNSET", "Ttl", "Unset"]


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "<unset>"


UNSET: Final = _Unset.UNSET
Unset: TypeAlias = Literal[_Unset.UNSET]
Ttl: TypeAlias = float | Unset | None  # seconds, None for ever, or not given
