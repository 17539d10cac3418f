"""The directory of a test's cassette.

It is ``cassettes/<test module>/<test>/`` beside the test's file, or where the test's marker says. Names are safe on every file system:
``test_a[x]`` and ``test_a[X]`` have different directories even where case does not matter.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wirecache._settings.homes import expanded

if TYPE_CHECKING:
    import pytest

__all__ = ["FIXTURE_PREFIX", "FOLDER", "CassetteLocation", "location_for_fixture", "location_for_test", "safe_name"]

FOLDER = "cassettes"
FIXTURE_PREFIX = "fixture-"  # of the name of a fixture's cassette directory
MAX_NAME_LENGTH = 80  # characters
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)


class CassetteLocation(NamedTuple):
    """``path``: the cassette's directory. ``root``: the directory with the shared schema. ``is_exclusive``: no other test uses the path."""

    path: Path
    root: Path
    is_exclusive: bool = True


def location_for_test(item: pytest.Item, marker_path: str | None = None) -> CassetteLocation:
    """Return the location for a test; ``marker_path`` is relative to the directory of the test's file."""
    folder = item.path.parent
    root = folder / FOLDER
    if marker_path is not None:
        path = folder / expanded(marker_path)
        return CassetteLocation(path, root if path.is_relative_to(root) else path, is_exclusive=False)
    classes = [node.name for node in item.listchain() if _is_class(node)]
    return CassetteLocation(_directory(root / item.path.stem, ".".join([*classes, item.name])), root)


def location_for_fixture(fixture: Any, param_index: int | None, rootpath: Path) -> CassetteLocation:
    """Return the location for a fixture that serves several tests: beside the file that defines it."""
    file, _, inner = fixture.baseid.partition("::")
    home = rootpath / file
    folder, module = (home.parent, home.stem) if home.suffix == ".py" else (home, "conftest")
    name = ".".join(filter(None, [inner.replace("::", "."), fixture.argname + ("" if param_index is None else f"-{param_index}")]))
    return CassetteLocation(_directory(folder / FOLDER / module, name, FIXTURE_PREFIX), folder / FOLDER)


def _is_class(node: Any) -> bool:
    return any(base.__name__ == "Class" for base in type(node).__mro__)


def _directory(folder: Path, name: str, prefix: str = "") -> Path:
    """Return the directory for the test or fixture of this name.

    If two names differ only in case, one gets a hash: the one with capitals in its parameters, or else the second one. Recordings that
    exist under a name without a hash stay there.
    """
    plain, distinct = prefix + safe_name(name), prefix + safe_name(name, always_distinct=True)
    present = set(os.listdir(folder)) if folder.is_dir() else set()
    if plain in present:
        return folder / plain
    parameters = name.partition("[")[2]
    is_ambiguous = parameters.lower() != parameters or distinct in present or plain.lower() in map(str.lower, present)
    return folder / (distinct if is_ambiguous else plain)


def safe_name(name: str, *, always_distinct: bool = False) -> str:
    """Return a readable name that file systems and shells accept; different names give different results.

    ``always_distinct``: the results differ in more than case.
    """
    plain = name.removesuffix("]").replace("[", "-", 1)
    safe = _UNSAFE.sub("-", plain).strip(".-") or "test"
    if safe == plain and len(safe) <= MAX_NAME_LENGTH and not always_distinct:
        return safe
    return f"{safe[:MAX_NAME_LENGTH].rstrip('.-')}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
