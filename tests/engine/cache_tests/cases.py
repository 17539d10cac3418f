"""Which cases are there? The list of the public tests, as their own ``export`` prints it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

FOLDER = Path(__file__).parents[3] / "fixtures" / "cache-tests"
KINDS = ("required", "optimal", "check")  # must, should, and what merely shows how a cache behaves

Kind = Literal["required", "optimal", "check"]
Request = dict[str, Any]  # one request of a case, its answer, and what is expected of it


class Case(NamedTuple):
    """One case. ``depends_on``: cases that must have passed for this one to say anything."""

    id: str
    suite: str
    name: str
    kind: Kind
    depends_on: tuple[str, ...]
    requests: tuple[Request, ...]


def load() -> list[Case]:
    """Return the cases for caches that are no browsers."""
    suites = json.loads((FOLDER / "cases.json").read_text("utf-8"))
    return [_case(suite["id"], test) for suite in suites for test in suite["tests"] if not test.get("browser_only")]


def _case(suite: str, test: dict[str, Any]) -> Case:
    return Case(test["id"], suite, test["name"], test.get("kind", "required"), tuple(test.get("depends_on", ())), tuple(test["requests"]))
