"""What happened to all cassettes of a run, in all of its processes, and which recordings did nobody ask for?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wirecache._pytest.places import FIXTURE, FOLDER
from wirecache.cassette import short_key_of

__all__ = ["Ledger", "Record"]


@dataclass(frozen=True, slots=True)
class Record:
    """One use of a cassette. ``own``: it belongs to that test alone. ``used``: the test passed, so that it asked for all it asks for."""

    nodeid: str
    replayed: int
    recorded: int
    live: int
    missing: list[str]
    drift: list[str]
    path: str
    own: bool
    used: bool
    unused: list[str]


@dataclass(slots=True)
class Ledger:
    """The records of a run. ``known``: the directories that collected tests have. ``filtered``: some tests were left out."""

    records: list[Record] = field(default_factory=list[Record])
    known: set[str] = field(default_factory=set[str])
    filtered: bool = False

    def as_data(self) -> dict[str, Any]:
        """For the process that started this one."""
        return {"records": [asdict(record) for record in self.records], "known": sorted(self.known), "filtered": self.filtered}

    def add_data(self, data: dict[str, Any]) -> None:
        """What another process had."""
        self.records += [Record(**record) for record in data["records"]]
        self.known.update(data["known"])
        self.filtered = self.filtered or data["filtered"]

    def unused(self, whole: bool) -> list[Path]:
        """The recordings that nobody asked for. ``whole``: all tests ran and passed, so that those of no test at all are known, too."""
        whole = whole and not self.filtered
        by_path: dict[str, list[Record]] = {}
        for record in self.records:
            by_path.setdefault(record.path, []).append(record)
        found = [
            Path(path, name)
            for path, records in by_path.items()
            if all(record.used for record in records) and (whole or all(record.own for record in records))
            for name in sorted(set.intersection(*(set(record.unused) for record in records)))
        ]
        return [*found, *(self._orphans(by_path.keys() | self.known) if whole else ())]

    def _orphans(self, known: Iterable[str]) -> Iterable[Path]:
        """The recordings in directories of tests that are gone: beside those of tests that are there, and made in the same way."""
        paths = {Path(path) for path in known}
        modules = {path.parent for path in paths if path.parent.parent.name == FOLDER}
        for root in sorted({module.parent for module in modules}):
            for place in sorted(root.glob("*/*/")):
                gone = place.parent in modules or not place.parent.parent.parent.joinpath(f"{place.parent.name}.py").exists()
                if gone and place not in paths and not place.name.startswith(FIXTURE):
                    yield from (path for path in sorted(place.glob("*.json")) if short_key_of(path.name))
