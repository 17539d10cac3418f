"""With ``collapse="shared"`` the processes on one store share a forward, and none waits for one that was killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.faces.ask import CHAT_PATH, body_of
from tests.faces.face import FACES, Face
from tests.provider import CHAT, Answer, Provider, ReceivedRequest
from wirecache import Cache, ConfigError, DiskStore

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["disk", "redis", "tiers"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    return str(tmp_path) if request.param == "disk" else f"memory://,{tmp_path}"


@contextmanager
def child(face: Face, store: str, url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.faces.collapse_child", face.library, face.colour, store, url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "ready\n"


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def is_the_question(request: ReceivedRequest) -> bool:
    return request.json == body_of()


def test_six_processes_ask_once(provider: Provider, store: str) -> None:
    provider.script = lambda request: slowly(0.5) if is_the_question(request) else None
    with ExitStack() as stack:
        processes = [stack.enter_context(child(face, store, provider.url + CHAT_PATH)) for face in FACES]
        assert all(map(is_ready, processes))
        for process in processes:
            go(process)
        answers = [json.loads(process.communicate(timeout=30)[0]) for process in processes]
    assert {(answer["status"], answer["text"]) for answer in answers} == {(200, json.dumps(CHAT))}
    assert sum(map(is_the_question, provider.requests)) == 1
    assert sum(answer["collapsed"] for answer in answers) == 5
    with Cache(store) as cache:
        assert {entry.request.method for entry in cache.entries()} == {"POST"}  # and no lease among them


def slowly(seconds: float) -> Answer:
    time.sleep(seconds)
    return Answer.of(CHAT)


def test_a_leader_that_is_killed(provider: Provider, store: str) -> None:
    provider.script = lambda request: slowly(30 if calls() == 1 else 0) if is_the_question(request) else None

    def calls() -> int:
        return sum(map(is_the_question, provider.requests))

    with child(FACES[0], store, provider.url + CHAT_PATH) as leader, child(FACES[4], store, provider.url + CHAT_PATH) as follower:
        assert is_ready(leader)
        assert is_ready(follower)
        go(leader)
        while calls() == 0:
            time.sleep(0.01)
        go(follower)
        time.sleep(0.3)
        assert calls() == 1  # it waits
        leader.kill()
        start = time.perf_counter()
        answer = json.loads(follower.communicate(timeout=20)[0])
    assert (answer["status"], answer["collapsed"], calls()) == (200, False, 2)
    assert time.perf_counter() - start < 8  # the lease, which was renewed until then, and some


def test_what_is_not_stored_is_not_shared(provider: Provider, store: str) -> None:
    provider.script = lambda request: slowly(0.3) and Answer.of({"error": {"message": "no"}}, 500) if is_the_question(request) else None
    with ExitStack() as stack:
        processes = [stack.enter_context(child(face, store, provider.url + CHAT_PATH)) for face in FACES[::2]]
        assert all(map(is_ready, processes))
        start = time.perf_counter()
        for process in processes:
            go(process)
        answers = [json.loads(process.communicate(timeout=30)[0]) for process in processes]
    assert [answer["status"] for answer in answers] == [500, 500, 500]
    assert sum(map(is_the_question, provider.requests)) == 3
    assert time.perf_counter() - start < 5


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
