"""What was asked of the cassette of one test (or fixture), and must the test fail for it?"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from wirecache._caches.cassette import Cassette, hold_for_test
from wirecache._clients.install import Installed, install
from wirecache._pytest.ledger import Record
from wirecache._pytest.places import Place
from wirecache._pytest.wanted import Wanted
from wirecache.errors import NotRecorded

if TYPE_CHECKING:
    from _pytest.outcomes import Failed
else:
    Failed = pytest.fail.Exception

__all__ = ["Case", "Missing", "command"]


class Missing(NotRecorded, Failed):
    """pytest's own failure, too.

    By it pytest knows that a test failed: of a plain ``BaseException`` it leaves fixtures half torn down. It is none of those that end an
    event loop or a task group (``KeyboardInterrupt``, ``SystemExit``).
    """


Missing.__module__, Missing.__qualname__, Missing.__name__ = "wirecache", "NotRecorded", "NotRecorded"  # what a report shows


class Case:
    """The cassette of a test, from before its fixtures until after their end.

    ``where``: how the cassette is called in messages. ``how``: the command that records it. ``since``: when the run began.
    """

    def __init__(self, nodeid: str, place: Place, wish: Wanted, *, where: str, how: str, since: float) -> None:
        self.nodeid, self.place, self.wish, self.where = nodeid, place, wish, where
        self.cassette = Cassette(place.path, **wish.options)
        self.raised: list[str] = []  # the misses that were raised, since a thread or a task may lose what is raised in it
        self.cassette.engine.not_recorded = self._not_recorded
        hold_for_test(self.cassette, how_to_record=how, root=place.root, run_started_at=since, name=where)
        self.passed, self.skipped = True, False
        self._before = self._files()
        self._installed: Installed[Cassette] | None = None
        self._told = [0, 0]  # how many misses, and how many drifts, a report has shown

    def _not_recorded(self, message: str) -> NotRecorded:
        self.raised.append(message)
        return Missing(message)

    @property
    def installed(self) -> bool:
        """Is it under all clients now?"""
        return self._installed is not None

    def install(self) -> None:
        """Put it under all clients."""
        self._installed = self._installed or install(self.cassette)

    def uninstall(self) -> None:
        """Take it away from under them."""
        if self._installed is not None:
            self._installed.__exit__()
            self._installed = None

    def recorded_by_another(self) -> bool:
        """Did another process record the same meanwhile?"""
        return not self._files() <= self._before

    def _files(self) -> set[str]:
        return {path.name for path in self.place.path.glob("*.json")}

    def note(self, report: pytest.TestReport) -> None:
        """Take note of how a phase ended. An expected failure is a pass: the test did what it should, and needs its recordings for it."""
        self.passed = self.passed and (report.passed or hasattr(report, "wasxfail"))
        self.skipped = self.skipped or (report.skipped and not hasattr(report, "wasxfail"))

    def fault(self) -> str | None:
        """Why the test must fail, as far as no report has shown it yet."""
        misses, drifts = self.raised[self._told[0] :], self.cassette.drift[self._told[1] :]
        self._told = [len(self.raised), len(self.cassette.drift)]
        told = [f"The code under test went on without an answer:\n{message}" for message in dict.fromkeys(misses)]
        if drifts:
            differ = "\n".join(map(str, drifts))
            told.append(f"Live answers differ from the recordings of {self.where} (recorded -> live):\n{differ}")
        return "\n\n".join(told) or None

    def settle(self, keep: bool) -> Record:
        """Write what was recorded, or forget it; what happened. Raises ``CassetteError`` if it cannot be written."""
        cassette = self.cassette
        if keep:
            cassette.close()
        else:
            cassette.engine.source.rollback()
        told = cassette.report()
        return Record(
            nodeid=self.nodeid,
            replayed=told.replayed if cassette.engine.source.verify is None else 0,
            recorded=told.recorded if keep else 0,
            live=told.live + (0 if keep else told.recorded),
            missing=[message.splitlines()[0] for message in dict.fromkeys(told.missing)],
            drift=[str(drift) for drift in cassette.drift],
            path=str(self.place.path),
            own=self.place.own,
            used=self.passed,
            unused=list(told.unused),
        )


def command(nodeid: object) -> str:
    """What a user types to record that test."""
    nodeid = str(nodeid)
    quoted = shlex.quote(nodeid) if set(nodeid) & set('"$`\\!') else f'"{nodeid}"'
    return f"pytest {quoted} --wirecache-record=new_episodes"
