"""Mutants that survive, and the list of reasons why some may."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Explained", "Mutant"]


@dataclass(frozen=True)
class Mutant:
    """A changed function: what its lines were, and what they are. Numbers are no part of it, so that it outlives other changes."""

    module: str
    function: str
    was: str
    now: str

    def __str__(self) -> str:
        """Return it as an entry of the list, but for the reason."""
        values = {"module": self.module, "function": self.function, "was": self.was, "now": self.now}
        return "\n".join(["[[mutant]]", *(f"{name} = {_quoted(value)}" for name, value in values.items())])


def _quoted(text: str) -> str:
    """Return the text as TOML has it without escapes; what has three quotes in a row is rare, and has to be escaped."""
    if "\n" not in text and "'" not in text:
        return f"'{text}'"
    return f"'''\n{text}'''" if "'''" not in text and not text.endswith("'") else json.dumps(text)


@dataclass(frozen=True)
class Explained:
    """The mutants that make no difference, and the kinds of change that never do."""

    mutants: frozenset[Mutant] = frozenset()
    kinds: Sequence[tuple[str, str]] = field(default=())

    @classmethod
    def read(cls, path: Path) -> Explained:
        """Return the list in the file. Each entry must give a reason."""
        document: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        for entry in (*document.get("mutant", ()), *document.get("kind", ())):
            if not entry.get("reason"):
                raise SystemExit(f"{path.name}: each entry must have a reason, got {entry}")
        mutants = (Mutant(entry["module"], entry["function"], entry["was"], entry["now"]) for entry in document.get("mutant", ()))
        return cls(frozenset(mutants), [(entry["was"], entry["now"]) for entry in document.get("kind", ())])

    def judge(self, module: str, survivors: Sequence[Mutant]) -> tuple[list[Mutant], list[Mutant]]:
        """Return the survivors that are not explained, and the explanations of the module that no survivor needs."""
        unexplained = [mutant for mutant in survivors if mutant not in self.mutants and not self._is_of_a_kind(mutant)]
        unneeded = [mutant for mutant in self.mutants if mutant.module == module and mutant not in survivors]
        return unexplained, sorted(unneeded, key=str)

    def _is_of_a_kind(self, mutant: Mutant) -> bool:
        return any(mutant.now in _replaced(mutant.was, was, now) for was, now in self.kinds)


def _replaced(text: str, was: str, now: str) -> Iterator[str]:
    """Yield the text with one occurrence replaced, for each."""
    at = text.find(was)
    while at >= 0:
        yield text[:at] + now + text[at + len(was) :]
        at = text.find(was, at + 1)
