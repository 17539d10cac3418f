from __future__ import annotations

import threading

import pytest

from wirecache._runtime.threads import run_in_thread


def test_the_result_is_in_the_future() -> None:
    future = run_in_thread(lambda: threading.current_thread().name, "wirecache-test")
    assert future.result(10) == "wirecache-test"


def test_an_error_is_in_the_future() -> None:
    future = run_in_thread(lambda: 1 // 0, "wirecache-test")
    with pytest.raises(ZeroDivisionError):
        future.result(10)


def test_a_caller_may_stop_waiting() -> None:
    go_on = threading.Event()
    future = run_in_thread(lambda: go_on.wait(30), "wirecache-test")
    with pytest.raises(TimeoutError):
        future.result(0.01)
    go_on.set()
    assert future.result(10)


def test_at_interpreter_exit_it_runs_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert run_in_thread(threading.get_ident, "wirecache-test").result(0) == threading.get_ident()
