"""The results of a run for its cassettes, over all processes, and the recordings that were not used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wirecache._pytest.budget import CassetteCost
from wirecache._pytest.cassette_paths import FIXTURE_PREFIX, FOLDER
from wirecache.cassette import short_key_of
from wirecache.cassette._fork import FORK_NAME

__all__ = ["CassetteResult", "RunResults"]


@dataclass(frozen=True, slots=True)
class CassetteResult:
    """The result of one use of a cassette.

    ``replayed``, ``recorded``, ``live``: numbers of exchanges. ``missing``, ``drift``: messages. ``path``: the directory.
    ``is_exclusive``: no other test uses the directory. ``is_complete``: the test passed, so that it sent all of its requests.
    ``unused``: the names of the files that were not used. ``spent``, ``saved``, ``refused``: as in ``CassetteCost``, if there is a budget.
    """

    nodeid: str
    replayed: int
    recorded: int
    live: int
    missing: list[str]
    drift: list[str]
    path: str
    is_exclusive: bool
    is_complete: bool
    unused: list[str]
    spent: str = "0"
    saved: str = "0"
    refused: int = 0


@dataclass(slots=True)
class RunResults:
    """The results of a run.

    ``cassettes``: one result for each use. ``collected_paths``: the directories of all tests that were collected. ``has_deselected``: some
    tests were left out.
    """

    cassettes: list[CassetteResult] = field(default_factory=list[CassetteResult])
    collected_paths: set[str] = field(default_factory=set[str])
    has_deselected: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return the results as data that pytest-xdist can send to the controlling process."""
        cassettes = [asdict(result) for result in self.cassettes]
        return {"cassettes": cassettes, "collected_paths": sorted(self.collected_paths), "has_deselected": self.has_deselected}

    def add_data(self, data: dict[str, Any]) -> None:
        """Add the results of another process."""
        self.cassettes += [CassetteResult(**result) for result in data["cassettes"]]
        self.collected_paths.update(data["collected_paths"])
        self.has_deselected = self.has_deselected or data["has_deselected"]

    def costs(self) -> list[tuple[str, CassetteCost]]:
        """Return what each test, and each fixture shared by several, spent, with its id."""
        return [(result.nodeid, CassetteCost(result.spent, result.saved, result.refused)) for result in self.cassettes]

    def unused(self, *, is_whole_suite: bool) -> list[Path]:
        """Return the recordings that were not used.

        ``is_whole_suite``: all tests ran and passed. Only then are recordings of shared directories, and of tests that no longer
        exist, known to be unused.
        """
        is_whole_suite = is_whole_suite and not self.has_deselected
        by_path: dict[str, list[CassetteResult]] = {}
        for result in self.cassettes:
            by_path.setdefault(result.path, []).append(result)
        found = [
            Path(path, name)
            for path, results in by_path.items()
            if all(result.is_complete for result in results) and (is_whole_suite or all(result.is_exclusive for result in results))
            for name in sorted(set.intersection(*(set(result.unused) for result in results)))
            if Path(path, name).exists()  # not removed by "rewrite"
        ]
        return [*found, *(_orphans(by_path.keys() | self.collected_paths) if is_whole_suite else ())]


def _orphans(known_paths: Iterable[str]) -> Iterable[Path]:
    """Yield the recordings of tests that no longer exist: in directories beside the known ones with names of the same form."""
    known = {Path(path) for path in known_paths}
    modules = {path.parent for path in known if path.parent.parent.name == FOLDER}
    for root in sorted({module.parent for module in modules}):
        for folder in sorted(root.glob("*/*/")):
            test_file = root.parent / f"{folder.parent.name}.py"
            is_generated = folder.parent in modules or not test_file.exists()
            is_fork = (folder / FORK_NAME).exists()
            if is_generated and folder not in known and not is_fork and not folder.name.startswith(FIXTURE_PREFIX):
                yield from (path for path in sorted(folder.glob("*.json")) if short_key_of(path.name))
