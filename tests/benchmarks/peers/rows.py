"""The rows of the table: what each contestant is asked to do, and how often."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.benchmarks.peers.contestant import Contestant

__all__ = ["ROWS", "SIZES", "Row", "prompt_of"]

Kind = Literal["hit", "miss", "callers", "size"]


@dataclass(frozen=True)
class Row:
    """``rounds``: the share of the run's rounds. ``amount``: bytes of the prompt, callers at once, or entries in the store."""

    name: str
    kind: Kind
    action: Literal["ask", "embed", "stream"] = "ask"
    rounds: float = 1.0
    amount: int = 1_000

    def applies(self, contestant: Contestant) -> bool:
        """Return whether the contestant can do this."""
        if self.kind == "callers":
            return contestant.ask_async is not None
        if self.kind == "size":
            return contestant.layer == "none" or (contestant.grow is not None and contestant.largest >= self.amount)
        return getattr(contestant, self.action) is not None and (self.kind != "miss" or contestant.misses)

    def call(self, contestant: Contestant) -> Callable[[], Any]:
        """Return the call to measure."""
        function = getattr(contestant, self.action)
        if self.kind == "miss":
            count = itertools.count()
            return lambda: function(f"{next(count)} {PROMPT}")
        prompt = prompt_of(self.amount) if self.kind == "hit" else PROMPT
        return lambda: function(prompt)


def prompt_of(size: int) -> str:
    """Return a prompt of so many bytes: words, or an image's base64 where it is larger than any text."""
    return ("Why ask the same question twice? " * (size // 33 + 1))[:size] if size < 500_000 else "QUJD" * (size // 4)


PROMPT = prompt_of(1_000)
SIZES = (1_000, 10_000, 100_000, 1_000_000)

ROWS = [
    Row("hit", "hit"),
    Row("miss", "miss"),
    Row("stream of 100 events", "hit", "stream", 0.3),
    Row("embeddings of 200 KB", "hit", "embed", 0.3),
    *(
        Row(f"request of {size // 1000:,} KB", "hit", "ask", share, size)
        for size, share in ((50_000, 0.5), (500_000, 0.2), (5_000_000, 0.06))
    ),
    *(Row(f"{callers} async", "callers", "ask", share, callers) for callers, share in ((1, 0.5), (4, 0.3), (16, 0.15), (64, 0.06))),
    *(Row(f"hit among {size:,} entries", "size", "ask", 0.5, size) for size in SIZES),
]
