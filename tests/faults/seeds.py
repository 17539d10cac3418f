"""How often is a fault drawn by chance? A few times in ``make test``, more by ``make faults SEEDS=500``."""

from __future__ import annotations

import os

__all__ = ["IS_LONG", "seeds"]

GIVEN = int(os.environ.get("FAULT_SEEDS", "0"))
IS_LONG = GIVEN > 0


def seeds(few: int, *, each: int = 1) -> list[int]:
    """Return the seeds of a test: ``few``, or as many as were given. ``each``: one seed of this test takes as long as so many others."""
    return list(range(max(few, GIVEN // each)))
