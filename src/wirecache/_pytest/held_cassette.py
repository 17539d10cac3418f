"""A cassette as a test uses it: nothing is written until it is known how the test ended.

All of the plugin's access to a cassette's internals is in this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from wirecache._caches.cassette import Cassette, CassetteReport, hold_for_test
from wirecache._pytest.cassette_paths import CassetteLocation
from wirecache.cassette._session import Drift
from wirecache.errors import NotRecorded

if TYPE_CHECKING:
    from _pytest.outcomes import Failed
else:
    Failed = pytest.fail.Exception

__all__ = ["HeldCassette", "NotRecordedFailure"]


class NotRecordedFailure(NotRecorded, Failed):
    """A miss that is also pytest's own failure.

    pytest leaves fixtures half torn down after a plain ``BaseException``. This one does not end an event loop or a task group as
    ``KeyboardInterrupt`` and ``SystemExit`` do.
    """


# what a report shows
NotRecordedFailure.__module__, NotRecordedFailure.__qualname__, NotRecordedFailure.__name__ = "wirecache", "NotRecorded", "NotRecorded"


class HeldCassette:
    """A cassette that writes nothing before ``close``.

    ``name``: its name in messages. ``record_command``: the command that records it. ``run_started_at``: in seconds since the epoch;
    later recordings belong to other tests of the run.
    """

    def __init__(
        self, location: CassetteLocation, options: Mapping[str, Any], *, name: str, record_command: str, run_started_at: float
    ) -> None:
        self.cassette = Cassette(location.path, **options)
        self.raised: list[str] = []  # messages of misses: a thread, a task or the code under test may swallow the exceptions
        self.cassette.engine.not_recorded = self._not_recorded
        hold_for_test(self.cassette, how_to_record=record_command, root=location.root, run_started_at=run_started_at, name=name)

    def _not_recorded(self, message: str) -> NotRecorded:
        self.raised.append(message)
        return NotRecordedFailure(message)

    @property
    def drift(self) -> list[Drift]:
        """The requests whose live answers differ from the recordings."""
        return self.cassette.drift

    @property
    def verifies(self) -> bool:
        """Whether live answers are compared with the recordings, and nothing is written."""
        return self.cassette.engine.source.verify is not None

    def close(self, *, write: bool) -> CassetteReport:
        """Write what was recorded, or drop it. Return what happened. Raises ``CassetteError`` if it cannot be written."""
        if write:
            self.cassette.close()
        else:
            self.cassette.engine.source.rollback()
        return self.cassette.report()
