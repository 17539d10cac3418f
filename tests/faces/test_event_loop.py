"""What a large request or answer costs is not paid by the event loop: others have their turns meanwhile."""

from __future__ import annotations

import json

import anyio
import anyio.lowlevel
import pytest

from tests.faces.ask import CHAT_PATH
from tests.faces.face import FACES, Face
from tests.provider import CHAT, Answer, Provider
from wirecache import Cache, DiskStore, MemoryStore

LARGE = 8_000_000  # bytes


async def turns_during(face: Face, provider: Provider, cache: Cache, question: bytes) -> tuple[int, bool]:
    """How often came another task to its turn while one request was answered, and was it a hit?"""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with face.client(cache) as client, anyio.create_task_group() as group:
        group.start_soon(others)
        await anyio.lowlevel.checkpoint()
        turns = 0
        reply = await client.post(provider.url + CHAT_PATH, content=question)
        group.cancel_scope.cancel()
    return turns, bool(reply.cache_status.hit)


@pytest.mark.parametrize("chosen", [face for face in FACES if face.is_async], ids=str)
def test_a_large_answer_is_read_and_checked_in_a_thread(chosen: Face, provider: Provider, disk: DiskStore, cache: Cache) -> None:
    provider.script = lambda _: Answer.of({**CHAT, "more": "x" * LARGE})
    question = b'{"model":"m","messages":[]}'
    chosen.run(lambda: turns_during(chosen, provider, cache, question))
    cache.flush()
    turns, hit = chosen.run(lambda: turns_during(chosen, provider, cache, question))
    assert hit
    assert turns > 5  # one or two, if the loop read it


@pytest.mark.parametrize("chosen", [face for face in FACES if face.is_async], ids=str)
def test_a_large_request_is_parsed_in_a_thread(chosen: Face, provider: Provider) -> None:
    cache = Cache(MemoryStore())
    question = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 1000}] * (LARGE // 1000)}).encode()
    chosen.run(lambda: turns_during(chosen, provider, cache, question))
    turns, hit = chosen.run(lambda: turns_during(chosen, provider, cache, question))
    assert hit
    assert turns > 5
