"""What is searched, and what may not happen there? A target draws cases and checks each; what it raises is a find.

A case is plain data (None, bool, numbers, text, bytes, lists, dicts with names of text), so that it can be kept as a fixture.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

CORPUS = Path(__file__).parents[2] / "fixtures" / "fuzz"


class Target(NamedTuple):
    """``check`` raises whatever it likes for a case that shows a fault."""

    name: str
    cases: st.SearchStrategy[Any]
    check: Callable[[Any], object]


def to_json(value: Any) -> Any:
    """The case as JSON has it."""
    match value:
        case bytes():
            text = value.decode("latin-1")
            return {"latin-1": text} if text.isascii() else {"base64": b64encode(value).decode()}
        case dict():
            return {"members": {name: to_json(item) for name, item in value.items()}}
        case list() | tuple():
            return [to_json(item) for item in value]
        case _:
            return value


def from_json(value: Any) -> Any:
    """The case that this JSON is."""
    match value:
        case {"latin-1": text}:
            return text.encode("latin-1")
        case {"base64": text}:
            return b64decode(text)
        case {"members": members}:
            return {name: from_json(item) for name, item in members.items()}
        case list():
            return [from_json(item) for item in value]
        case _:
            return value


class Fixture(NamedTuple):
    """A case that once showed a fault, or that is worth to be tried each time."""

    target: str
    case: Any

    @classmethod
    def read(cls, path: Path) -> Fixture:
        members = json.loads(path.read_text("utf-8"))
        return cls(members["target"], from_json(members["case"]))


def fixture_text(target: str, case: Any, what: str) -> str:
    """The text of the fixture of a case. ``what``: what it showed."""
    return json.dumps({"target": target, "found": what, "case": to_json(case)}, indent=1) + "\n"
