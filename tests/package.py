"""What is in the wheel and in the sdist, and how large is the wheel? ``python -m tests.package FOLDER`` checks what was built into it."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_BYTES = 800_000  # of the wheel


def problems_of(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the wheel and the sdist in a folder."""
    wheel, sdist = next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))
    if (size := wheel.stat().st_size) > MOST_BYTES:
        yield f"the wheel has {size:,} bytes, more than {MOST_BYTES:,}"
    source = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src" / "wirecache").rglob("*") if _is_shipped(path)}
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    yield from (f"the wheel lacks {name}" for name in sorted(source - shipped))
    yield from (f"the wheel has {name}, which is no source" for name in sorted(shipped - source))
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = ["Makefile", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".ci/run", "tests/conftest.py"]
    needed += [".github/demo.svg", ".github/hit-by-store-size.svg"]  # the pictures of the README
    yield from (f"the sdist lacks {name}" for name in [*needed, *(f"src/{name}" for name in sorted(source))] if name not in names)


def _is_shipped(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and not (path.suffix == ".png" and "guide" in path.parts)


if __name__ == "__main__":
    built = Path(sys.argv[1])
    found = list(problems_of(built))
    print(*(found or [f"{path.name}: {path.stat().st_size:,} bytes" for path in sorted(built.iterdir())]), sep="\n")
    sys.exit(bool(found))
