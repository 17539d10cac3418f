"""In which directory is the cassette of a test?

In ``cassettes/<test module>/<test>/`` beside the test's file, or where its marker says. A name is safe on every file system.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pytest

__all__ = ["FIXTURE_PREFIX", "FOLDER", "CassetteLocation", "location_for_fixture", "location_for_test", "safe_name"]

FOLDER = "cassettes"
FIXTURE_PREFIX = "fixture-"  # of the directory of a fixture's cassette
MAX_NAME_LENGTH = 80  # characters
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)


class CassetteLocation(NamedTuple):
    """``path``: a cassette's directory. ``root``: the one with the schema of all. ``is_exclusive``: no other test uses the path."""

    path: Path
    root: Path
    is_exclusive: bool = True


def location_for_test(item: pytest.Item, marker_path: str | None = None) -> CassetteLocation:
    """Return the location for a test; ``marker_path`` is relative to the directory of the test's file."""
    folder = item.path.parent
    root = folder / FOLDER
    if marker_path is not None:
        path = folder / Path(marker_path).expanduser()
        return CassetteLocation(path, root if path.is_relative_to(root) else path, is_exclusive=False)
    classes = [node.name for node in item.listchain() if _is_class(node)]
    return CassetteLocation(root / item.path.stem / safe_name(".".join([*classes, item.name])), root)


def location_for_fixture(fixture: Any, param_index: int | None, rootpath: Path) -> CassetteLocation:
    """Return the location for a fixture that serves several tests: beside the file that defines it."""
    file, _, inner = fixture.baseid.partition("::")
    home = rootpath / file
    folder, module = (home.parent, home.stem) if home.suffix == ".py" else (home, "conftest")
    name = ".".join(filter(None, [inner.replace("::", "."), fixture.argname + ("" if param_index is None else f"-{param_index}")]))
    return CassetteLocation(folder / FOLDER / module / (FIXTURE_PREFIX + safe_name(name)), folder / FOLDER)


def _is_class(node: Any) -> bool:
    return any(base.__name__ == "Class" for base in type(node).__mro__)


def safe_name(name: str) -> str:
    """Return the name without what a file system or a shell does not accept, still readable; different for different names.

    Names that differ in case only differ by their ending, too: to some file systems their directories would be one.
    """
    plain = name.removesuffix("]").replace("[", "-", 1)
    safe = _UNSAFE.sub("-", plain).strip(".-") or "test"
    if safe == plain.lower() and len(safe) <= MAX_NAME_LENGTH:
        return safe
    return f"{safe[:MAX_NAME_LENGTH].rstrip('.-')}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
