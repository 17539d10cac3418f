"""Where does the cassette of a test lie?

In ``cassettes/<test module>/<test>/`` beside the test's file, or where its marker says. A name is safe on every file system.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pytest

__all__ = ["FIXTURE", "FOLDER", "Place", "place_of_fixture", "place_of_test", "safe_name"]

FOLDER = "cassettes"
FIXTURE = "fixture-"  # what the name of the cassette of a fixture begins with
LONGEST = 80  # characters of a name
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)


class Place(NamedTuple):
    """A cassette's directory; the directory that holds the schema of all; does the cassette belong to this test alone?"""

    path: Path
    root: Path
    own: bool = True


def place_of_test(item: pytest.Item, said: str | None = None) -> Place:
    """Of a test; ``said``: the path in its marker, relative to the directory of the test's file."""
    folder = item.path.parent
    root = folder / FOLDER
    if said is not None:
        path = folder / Path(said).expanduser()
        return Place(path, root if path.is_relative_to(root) else path, own=False)
    outer = [node.name for node in item.listchain() if _is_class(node)]
    return Place(root / item.path.stem / safe_name(".".join([*outer, item.name])), root)


def place_of_fixture(fixture: Any, index: int | None, top: Path) -> Place:
    """Of a fixture that serves more than one test: beside the file in which it is. ``index``: which of its parameters."""
    file, _, inside = fixture.baseid.partition("::")
    home = top / file
    folder, module = (home.parent, home.stem) if home.suffix == ".py" else (home, "conftest")
    name = ".".join(filter(None, [inside.replace("::", "."), fixture.argname + ("" if index is None else f"-{index}")]))
    return Place(folder / FOLDER / module / (FIXTURE + safe_name(name)), folder / FOLDER)


def _is_class(node: Any) -> bool:
    return any(kind.__name__ == "Class" for kind in type(node).__mro__)


def safe_name(name: str) -> str:
    """The same name for people, with nothing in it that a file system or a shell minds; two names never become one."""
    plain = name.removesuffix("]").replace("[", "-", 1)
    safe = _UNSAFE.sub("-", plain).strip(".-") or "test"
    if safe == plain and len(safe) <= LONGEST:
        return safe
    return f"{safe[:LONGEST].rstrip('.-')}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
