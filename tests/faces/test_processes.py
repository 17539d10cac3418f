"""Two processes on one disk store, one after the other and at the same time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.faces.ask import CHAT_PATH, ask, body_of
from tests.faces.face import FACES, Face
from tests.programs import AnyProgram, started
from tests.provider import Provider
from wirecache import Cache, DiskStore


@contextmanager
def child(face: Face, store: Path | str, url: str) -> Iterator[AnyProgram]:
    with started("-m", "tests.faces.child", face.library, face.colour, str(store), url, json.dumps(body_of())) as program:
        yield program


def answer_of(program: AnyProgram) -> dict[str, Any]:
    out, error = program.communicate(timeout=200)
    assert program.returncode == 0, error
    assert not error
    answer: dict[str, Any] = json.loads(out)
    return answer


def ask_in_a_child(face: Face, store: Path | str, url: str) -> dict[str, Any]:
    with child(face, store, url) as program:
        return answer_of(program)


async def test_another_process_hits_what_this_one_stored(face: Face, provider: Provider, disk: DiskStore, cache: Cache) -> None:
    async with face.client(cache) as client:
        reply = await ask(client, provider)
    other = ask_in_a_child(face, disk.path, provider.url + CHAT_PATH)
    assert other == {"hit": True, "key": reply.cache_status.key, "sha": hashlib.sha256(reply.content).hexdigest(), "status": 200}
    assert provider.calls == 1


def test_this_process_hits_what_others_stored(provider: Provider, disk: DiskStore, cache: Cache) -> None:
    """Faces at once, each in a process of its own: what they store is one entry, and this process reads it."""
    url, faces = provider.url + CHAT_PATH, FACES[::2]
    with ExitStack() as stack:
        answers = [answer_of(program) for program in [stack.enter_context(child(face, disk.path, url)) for face in faces]]
    assert len({answer["sha"] for answer in answers}) == 1
    assert sum(answer["hit"] for answer in answers) == len(faces) - provider.calls
    calls = provider.calls
    for library in ("httpx", "httpx2"):
        with Face(library, "sync").client(cache).native as client:
            assert client.post(url, json=body_of()).extensions["wirecache"].hit
    assert provider.calls == calls
    assert [entry.key for entry in cache.entries()] == [answers[0]["key"]]


@pytest.mark.parametrize("through", ["disk", "redis", "tiers"])
def test_one_library_and_colour_hits_in_a_process_what_another_stored_in_another(
    provider: Provider, redis_url: str, tmp_path: Path, through: str
) -> None:
    redis = f"{redis_url}?prefix={uuid4()}:&timeout=20"
    store = {"disk": str(tmp_path / "shared"), "redis": redis, "tiers": f"memory://,disk://{tmp_path}/shared?open_wait=60,{redis}"}[through]
    url = provider.url + CHAT_PATH
    first = ask_in_a_child(Face("httpx", "sync"), store, url)
    second = ask_in_a_child(Face("httpx2", "asyncio"), store, url)
    assert (first["hit"], second) == (False, {**first, "hit": True})
    assert provider.calls == 1
