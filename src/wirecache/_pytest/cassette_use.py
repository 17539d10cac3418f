"""The use of a cassette by one test (or fixture), and whether the test must fail because of it."""

from __future__ import annotations

import shlex

import pytest

from wirecache._caches.cassette import Cassette
from wirecache._clients.install import Installed, install
from wirecache._pytest.budget import CassetteCost, RunBudget
from wirecache._pytest.cassette_paths import CassetteLocation
from wirecache._pytest.held_cassette import HeldCassette, NotRecordedFailure
from wirecache._pytest.options import CassetteOptions
from wirecache._pytest.results import CassetteResult

__all__ = ["CassetteUse", "record_command"]


class CassetteUse:
    """The cassette of a test, from before its fixtures are set up until after they are torn down; or of a fixture of several tests.

    ``name``: the cassette's name in messages. ``run_started_at``: in seconds since the epoch.
    """

    def __init__(
        self, nodeid: str, location: CassetteLocation, options: CassetteOptions, *, name: str, command: str, run_started_at: float
    ) -> None:
        self.options = options
        self.held = HeldCassette(location, options.cassette, name=name, record_command=command, run_started_at=run_started_at)
        self.passed, self.skipped = True, False
        self._nodeid, self._location, self._name = nodeid, location, name
        self._files_before = self._files()
        self._installed: Installed[Cassette] | None = None
        self._reported_misses = 0
        self._reported_drifts = 0

    @property
    def is_installed(self) -> bool:
        """Whether the cassette is now installed under all clients."""
        return self._installed is not None

    def install(self) -> None:
        """Install the cassette under all clients."""
        self._installed = self._installed or install(self.held.cassette, in_process=self.options.in_process)

    def uninstall(self) -> None:
        """Remove the cassette from all clients."""
        if self._installed is not None:
            self._installed.__exit__()
            self._installed = None

    def has_foreign_recordings(self) -> bool:
        """Return whether another process has written recordings to the directory since the run began."""
        return not self._files() <= self._files_before

    def _files(self) -> set[str]:
        return {path.name for path in self._location.path.glob("*.json")}

    def add_report(self, report: pytest.TestReport) -> None:
        """Record how a phase ended. An expected failure counts as a pass: the test did what it should, and needs its recordings."""
        expected = hasattr(report, "wasxfail")
        self.passed = self.passed and (report.passed or expected)
        self.skipped = self.skipped or (report.skipped and not expected)

    def take_failure(self) -> str | None:
        """Return why the test must fail, or None. Each reason is returned only once, so that it is reported once."""
        misses, drifts = self.held.raised[self._reported_misses :], self.held.drift[self._reported_drifts :]
        self._reported_misses, self._reported_drifts = len(self.held.raised), len(self.held.drift)
        reasons = [f"The code under test went on without an answer:\n{message}" for message in dict.fromkeys(misses)]
        if drifts:
            differences = "\n".join(map(str, drifts))
            reasons.append(f"Live answers differ from the recordings of {self._name} (recorded -> live):\n{differences}")
        return "\n\n".join(reasons) or None

    def fail_if_needed(self) -> None:
        """Fail the test if there is a reason that has not been reported yet."""
        failure = self.take_failure()
        if failure is not None:
            raise (pytest.fail.Exception if self.held.verifies else NotRecordedFailure)(failure, pytrace=False)

    def finish(self, *, write: bool, budget: RunBudget | None = None) -> CassetteResult:
        """Write what was recorded, or drop it. Return what happened. Raises ``CassetteError`` if it cannot be written."""
        report = self.held.close(write=write)
        cost = budget.cost_of(self.held.cassette) if budget is not None else CassetteCost()
        return CassetteResult(
            nodeid=self._nodeid,
            replayed=0 if self.held.verifies else report.replayed,
            recorded=report.recorded if write else 0,
            live=report.live + (0 if write else report.recorded),
            missing=[message.splitlines()[0] for message in dict.fromkeys(report.missing)],
            drift=[str(drift) for drift in self.held.drift],
            path=str(self._location.path),
            is_exclusive=self._location.is_exclusive,
            is_complete=self.passed,
            unused=list(report.unused),
            **cost._asdict(),
        )


def record_command(nodeid: object) -> str:
    """Return the command that records the cassette of a test, quoted for a shell."""
    nodeid = str(nodeid)
    quoted = shlex.quote(nodeid) if set(nodeid) & set('"$`\\!') else f'"{nodeid}"'
    return f"pytest {quoted} --wirecache-record=new_episodes"
