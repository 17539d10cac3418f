"""What mutmut found out, read in its working directory (it keeps all in files that lie there)."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutants.explained import Mutant

__all__ = ["OUTCOMES", "Outcome"]

OUTCOMES = ("killed", "timeout", "survived", "no tests", "segfault", "suspicious", "not checked")
NOTICED = {"killed", "timeout", "segfault"}


@dataclass(frozen=True)
class Outcome:
    """How many mutants ended how, and those that no test noticed."""

    counts: dict[str, int]
    survivors: list[Mutant]

    def to_json(self) -> str:
        """Return it as a text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """Return what ``to_json`` wrote."""
        document = json.loads(text)
        return cls(document["counts"], [Mutant(**mutant) for mutant in document["survivors"]])


def outcome(module: str) -> Outcome:
    """Return the outcome of mutmut's run in the working directory."""
    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.stats import status_by_exit_code

    path = Path(f"src/wirecache/_core/{module}.py")
    data = SourceFileMutationData(path=path)
    data.load()
    ended = {name: status_by_exit_code[status] for name, status in data.exit_code_by_key.items()}
    survivors = [_mutant(module, name, get_diff_for_mutant(name, path=path)) for name, status in ended.items() if status not in NOTICED]
    return Outcome(dict(Counter(ended.values())), sorted(survivors, key=lambda mutant: mutant.function))


def _mutant(module: str, name: str, diff: str) -> Mutant:
    lines = diff.splitlines()[2:]
    was, now = ("\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return Mutant(module, function_of(name), was, now)


def function_of(name: str) -> str:
    """Return ``Class.method`` or ``function`` of mutmut's name of a mutant."""
    mangled = name.rpartition(".")[2].partition("__mutmut_")[0]
    return mangled.removeprefix("xǁ").replace("ǁ", ".") if mangled.startswith("xǁ") else mangled.removeprefix("x_")


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    print(outcome(sys.argv[2]).to_json())
