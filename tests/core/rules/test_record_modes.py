from __future__ import annotations

import pytest

from wirecache._core.rules.record_modes import Action, RecordMode, decide

PLAY, RECORD, REFUSE = Action

# vcrpy's modes (its documentation, "Record Modes"): found and the cassette existed, found on a new one, not found and the cassette
# existed, not found on a new one. Found on a new one is what another process recorded meanwhile.
TABLE = [
    ("none", PLAY, PLAY, REFUSE, REFUSE),
    ("once", PLAY, PLAY, REFUSE, RECORD),
    ("new_episodes", PLAY, PLAY, RECORD, RECORD),
    ("all", RECORD, RECORD, RECORD, RECORD),
    ("rewrite", RECORD, RECORD, RECORD, RECORD),
    ("fork", PLAY, PLAY, RECORD, REFUSE),
]


@pytest.mark.parametrize(("mode", "found_old", "found_new", "missing_old", "missing_new"), TABLE, ids=[row[0] for row in TABLE])
def test_every_cell(mode: str, found_old: Action, found_new: Action, missing_old: Action, missing_new: Action) -> None:
    chosen = RecordMode(mode)
    assert decide(chosen, found=True, existed=True) is found_old
    assert decide(chosen, found=True, existed=False) is found_new
    assert decide(chosen, found=False, existed=True) is missing_old
    assert decide(chosen, found=False, existed=False) is missing_new


def test_the_table_is_whole() -> None:
    assert [row[0] for row in TABLE] == list(RecordMode)


@pytest.mark.parametrize("mode", RecordMode)
def test_which_modes_put_new_recordings_in_place_of_old_ones(mode: RecordMode) -> None:
    assert mode.replaces is (decide(mode, found=True, existed=True) is RECORD)
