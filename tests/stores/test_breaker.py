"""When the breaker connects, and what callers get meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.stores.contract import until
from wirecache import StoreError
from wirecache.stores import _breaker
from wirecache.stores._breaker import Breaker


class Server:
    """Counts the connections; fails, or hangs, as long as it is to."""

    def __init__(self) -> None:
        self.fails = False
        self.answers = threading.Event()
        self.answers.set()
        self.connections = 0

    def connect(self) -> object:
        self.connections += 1
        self.answers.wait(30)
        if self.fails:
            raise OSError("refused")
        return object()

    def breaker(self, *, polls: bool, wait: float = 10.0) -> Breaker[object]:
        return Breaker(self.connect, lambda error: f"down: {error}", wait=wait, polls=polls, thread_name="wirecache-test")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(params=[True, False], ids=["polls", "does-not-poll"])
def polls(request: pytest.FixtureRequest) -> bool:
    value: bool = request.param
    return value


def test_all_callers_get_one_resource(server: Server, polls: bool) -> None:
    breaker = server.breaker(polls=polls)
    resources: list[object] = []
    threads = [threading.Thread(target=lambda: resources.append(breaker.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(resources) == {breaker.current}
    assert server.connections == 1


def test_during_an_outage_calls_are_refused_at_once_with_the_first_message(
    server: Server, polls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_breaker, "LONGEST_PAUSE", 60.0)
    monkeypatch.setattr(_breaker, "FIRST_PAUSE", 60.0)
    server.fails = True
    breaker = server.breaker(polls=polls)
    for _ in range(3):
        with pytest.raises(StoreError, match=r"^down: refused$"):
            breaker.get()
    assert server.connections == 1
    breaker.reset()


def test_who_waits_too_long_begins_an_outage(server: Server, polls: bool) -> None:
    server.answers.clear()
    breaker = server.breaker(polls=polls, wait=0.01)
    with pytest.raises(StoreError, match=r"^down: None$"):
        breaker.get()
    with pytest.raises(StoreError, match=r"^down: None$"):
        breaker.raise_if_down()
    server.answers.set()
    until(lambda: breaker.current is not None)
    breaker.raise_if_down()
    assert server.connections == 1


def test_one_that_polls_is_up_again_without_a_call(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_breaker, "FIRST_PAUSE", 0.01)
    breaker = server.breaker(polls=True)
    first = breaker.get()
    server.fails = True
    assert str(breaker.failed(first, OSError("reset"))) == "down: reset"
    until(lambda: server.connections >= 3)
    assert breaker.current is None
    server.fails = False
    until(lambda: breaker.current is not None)
    assert breaker.get() is not first


def test_one_that_polls_stops_when_nobody_calls(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_breaker, "POLLS_FOR", 0.0)
    server.fails = True
    breaker = server.breaker(polls=True)
    with pytest.raises(StoreError):
        breaker.get()
    until(lambda: not running())
    assert server.connections == 1
    breaker.raise_if_down()  # it is unknown again


def test_one_that_does_not_poll_connects_at_a_call_when_the_outage_is_over(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_breaker, "RETRY_AFTER", 0.05)
    server.fails = True
    breaker = server.breaker(polls=False)
    with pytest.raises(StoreError):
        breaker.get()
    server.fails = False
    assert not running()
    until(lambda: not refuses(breaker.raise_if_down))
    assert (breaker.current, server.connections) == (None, 1)
    assert breaker.get() is breaker.current


def test_a_late_failure_of_an_old_resource_is_not_held_against_the_new_one(server: Server) -> None:
    breaker = server.breaker(polls=True)
    old = breaker.get()
    breaker.discard(old)
    new = breaker.get()
    assert str(breaker.failed(old, OSError("reset"))) == "down: reset"
    assert breaker.get() is new


def test_what_connects_after_a_reset_is_given_to_those_who_wait_and_to_nobody_else(server: Server, polls: bool) -> None:
    server.answers.clear()
    breaker = server.breaker(polls=polls)
    resources: list[object] = []
    waiting = threading.Thread(target=lambda: resources.append(breaker.get()))
    waiting.start()
    until(lambda: server.connections == 1)
    assert breaker.reset() is None
    server.answers.set()
    waiting.join()
    assert len(resources) == 1
    assert breaker.current is None


def test_at_interpreter_exit_the_caller_connects(server: Server, polls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    breaker = server.breaker(polls=polls)
    assert breaker.get() is breaker.current


def running() -> bool:
    return any(thread.name == "wirecache-test" for thread in threading.enumerate())


def refuses(call: Callable[[], object]) -> bool:
    try:
        call()
    except StoreError:
        return True
    return False
