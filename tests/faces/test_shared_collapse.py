"""With ``collapse="shared"`` the processes on one store share a forward, and none waits for one that was killed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.faces.ask import CHAT_PATH, body_of
from tests.faces.face import FACES, Face
from tests.programs import AnyProgram, go, line_of, started
from tests.provider import CHAT, Answer, Provider, ReceivedRequest
from tests.stores.contract import until
from wirecache import Cache, ConfigError, DiskStore
from wirecache._storage import leases


@pytest.fixture(params=["disk", "redis", "tiers"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return f"{request.getfixturevalue('redis_url')}?timeout=20&prefix={uuid4()}:"
    disk = f"disk://{tmp_path}?open_wait=50&lock_wait=50"
    return disk if request.param == "disk" else f"memory://,{disk}"


@contextmanager
def child(face: Face, store: str, url: str) -> Iterator[AnyProgram]:
    with started("-m", "tests.faces.collapse_child", face.library, face.colour, store, url) as program:
        yield program


def is_ready(program: AnyProgram) -> bool:
    return line_of(program) == "ready"


def is_the_question(request: ReceivedRequest) -> bool:
    return request.json == body_of()


def test_six_processes_ask_once(provider: Provider, store: str) -> None:
    may = threading.Event()
    provider.script = lambda request: may.wait(50) and None if is_the_question(request) else None
    with ExitStack() as stack:
        processes = [stack.enter_context(child(face, store, provider.url + CHAT_PATH)) for face in FACES]
        assert all(map(is_ready, processes))
        for process in processes:
            go(process)
        assert [line_of(process) for process in processes] == ["asking"] * 6
        time.sleep(0.3)  # so that they come to wait; one that is late on a busy machine finds the answer
        may.set()
        answers = [json.loads(process.communicate(timeout=200)[0]) for process in processes]
    assert {(answer["status"], answer["text"]) for answer in answers} == {(200, json.dumps(CHAT))}
    assert sum(map(is_the_question, provider.requests)) == 1
    assert sum(answer["collapsed"] or answer["hit"] for answer in answers) == 5
    assert any(answer["collapsed"] for answer in answers)
    with Cache(store) as cache:
        assert {entry.request.method for entry in cache.entries()} == {"POST"}  # and no lease among them


def test_a_leader_that_is_killed(provider: Provider, store: str) -> None:
    killed, ended = threading.Event(), threading.Event()
    came: list[bool] = []  # was the leader dead when each of them came?

    def script(request: ReceivedRequest) -> None:
        if is_the_question(request):
            came.append(killed.is_set())
            if len(came) == 1:
                ended.wait(50)

    provider.script = script
    with child(FACES[0], store, provider.url + CHAT_PATH) as leader, child(FACES[4], store, provider.url + CHAT_PATH) as follower:
        assert is_ready(leader)
        assert is_ready(follower)
        go(leader)
        until(lambda: came, 50)
        go(follower)
        assert line_of(follower) == "asking"
        time.sleep(0.3)  # the time to ask, if it did not wait
        killed.set()
        leader.kill()
        answer = json.loads(follower.communicate(timeout=200)[0])
        ended.set()
    assert (answer["status"], answer["collapsed"], came) == (200, False, [False, True])


def test_what_is_not_stored_is_not_shared(provider: Provider, store: str) -> None:
    """No one waits until the lease of the first ends."""
    came: list[float] = []
    may = threading.Event()

    def script(request: ReceivedRequest) -> Answer | None:
        if not is_the_question(request):
            return None
        came.append(time.monotonic())
        may.wait(50)
        return Answer.of({"error": {"message": "no"}}, 500)

    provider.script = script
    with ExitStack() as stack:
        processes = [stack.enter_context(child(face, store, provider.url + CHAT_PATH)) for face in FACES[::2]]
        assert all(map(is_ready, processes))
        for process in processes:
            go(process)
        assert [line_of(process) for process in processes] == ["asking"] * 3
        time.sleep(0.3)  # so that they come to wait
        answered = time.monotonic()
        may.set()
        answers = [json.loads(process.communicate(timeout=200)[0]) for process in processes]
    assert [answer["status"] for answer in answers] == [500, 500, 500]
    assert len(came) == 3
    assert max(came) - answered < leases.TTL


def test_a_store_that_cannot_hold_leases() -> None:
    class Two:
        def get(self, key: str) -> bytes | None:
            return None

        def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            pass

    with pytest.raises(ConfigError, match="needs a store with add"):
        Cache(Two(), collapse="shared")
    with pytest.raises(ConfigError, match="must be True"):
        Cache(DiskStore(), collapse="sometimes")  # type: ignore[arg-type]
