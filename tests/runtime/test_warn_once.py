from __future__ import annotations

import pytest

from wirecache._runtime.warn_once import WarnOnce


def test_each_cause_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    warn_once = WarnOnce()
    assert [warn_once(cause, "trouble: %s", cause) for cause in ("full", "full", "gone", "full")] == [True, False, True, False]
    assert caplog.messages == ["trouble: full", "trouble: gone"]


def test_the_causes_are_limited(caplog: pytest.LogCaptureFixture) -> None:
    warn_once = WarnOnce(limit=3)
    assert [warn_once(cause, "trouble") for cause in range(10)] == [True] * 3 + [False] * 7
    assert len(caplog.messages) == 3


def test_what_was_logged_before_a_fork_is_not_logged_after_it() -> None:
    warn_once = WarnOnce()
    warn_once("full", "trouble")
    warn_once._lock.acquire()  # as another thread of the parent may have done
    warn_once.after_fork()
    assert not warn_once("full", "trouble")
    assert warn_once("gone", "trouble")
