"""A call is cancelled at each of its awaits: nothing half is kept, nobody waits for it, and the next call is answered."""

from __future__ import annotations

import json
import types
from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.faces.ask import CHAT_PATH, body_of, chat, stops_early
from tests.faces.face import FACES, Client, Face
from tests.faults.seeds import IS_LONG
from tests.provider import CHAT_EVENTS, Answer, Provider, ReceivedRequest, events
from wirecache import Budget, Cache

GUARD = 45.0  # seconds after which a call that would hang fails
MOST = 400  # awaits that a call may have
ASYNC = [face for face in FACES if face.is_async and (IS_LONG or str(face) in ("httpx-trio", "httpx2-asyncio"))]


@types.coroutine
def stepped(coroutine: Any, at: int, act: Callable[[], object]) -> Generator[Any, Any, Any]:
    """Await the coroutine, and ``act`` when it waits for the ``at``-th time."""
    step, value, waits = coroutine.send, None, 0
    while True:
        try:
            trap = step(value)
        except StopIteration as stop:
            return stop.value
        waits += 1
        if waits == at:
            act()
        try:
            step, value = coroutine.send, (yield trap)
        except BaseException as error:
            step, value = coroutine.throw, error


def answer(request: ReceivedRequest) -> Answer:
    """Each prompt has an answer of its own, in some pieces."""
    if request.method == "GET":
        head = {"content-type": "text/plain", "etag": '"1"', "cache-control": "max-age=0"}
        return Answer(304, head) if request.header("if-none-match") else Answer(200, head, [b"te", b"xt"])
    prompt = request.json["messages"][0]["content"]
    if request.json.get("stream"):
        return events(*CHAT_EVENTS, {**CHAT_EVENTS[0], "choices": [{"index": 0, "delta": {"content": prompt}}]})
    body = json.dumps(chat(prompt + "x" * 300_000 * prompt.startswith("large"))).encode()
    return Answer(200, {"content-type": "application/json"}, [body[:40], body[40:]])


class Scene:
    """One kind of call. ``prepare`` is done before, uncancelled; ``call`` is cancelled."""

    def __init__(self, client: Client, url: str) -> None:
        self.client = client
        self.url = url

    async def send(self, prompt: str, **more: Any) -> bytes:
        if prompt.startswith("get"):
            return bytes((await self.client.get(f"{self.url}/v1/models?{prompt.replace(' ', '-')}")).content)
        reply = await self.client.post(self.url + CHAT_PATH, json=body_of(prompt, **more))
        assert reply.status_code == 200, reply.text
        return bytes(reply.content)


Options = dict[str, Any]
SCENES: dict[str, tuple[Options, Options, bool]] = {  # options of the cache, of the request, and whether it was asked before
    "miss": ({}, {}, False),
    "hit": ({}, {}, True),
    "large miss": ({}, {}, False),
    "large hit": ({}, {}, True),
    "stream": ({"streams": "record"}, {"stream": True}, False),
    "stream hit": ({"streams": "record"}, {"stream": True}, True),
    "stream that passes": ({}, {"stream": True}, False),
    "shared": ({"collapse": "shared"}, {}, False),
    "budget": ({"budget": Budget(calls=100_000)}, {}, False),
    "get": ({}, {}, False),
    "get again": ({}, {}, True),
    "stale": ({"ttl": 0, "stale_if_error": "1h"}, {}, True),
}


async def cancelled_at_each(scene: Scene, cache: Cache, name: str, more: Options, is_known: bool) -> int:
    """Cancel the call at its first await, at its second, and so on until it gets through; return how many it has."""
    for at in range(1, MOST):
        prompt = f"{name} {at}"
        if is_known:
            await scene.send(prompt, **more)
            await cache.aflush()
        with anyio.CancelScope() as scope:
            await stepped(scene.send(prompt, **more), at, scope.cancel)
        with anyio.fail_after(GUARD):
            whole = await scene.send(prompt, **more)
            assert whole == await scene.send(prompt, **more)
        assert prompt.encode() in whole or name.startswith("get"), "the answer of this prompt"
        assert all(entry.body == whole for entry in cache.entries())
        cache.clear()
        if not scope.cancelled_caught:
            return at
    raise AssertionError(f"it has more than {MOST} awaits")


@stops_early
@pytest.mark.parametrize("face", ASYNC, ids=str)
async def test_cancelled_at_each_await(face: Face, provider: Provider, tmp_path: Path) -> None:
    provider.script = answer
    awaits = {}
    async with AsyncExitStack() as stack:
        for name, (options, more, is_known) in SCENES.items():
            cache = Cache(tmp_path, **options)
            client = await stack.enter_async_context(face.client(cache, timeout=GUARD))
            awaits[name] = await cancelled_at_each(Scene(client, provider.url), cache, name, more, is_known)
    assert awaits["hit"] < awaits["get"] <= awaits["large miss"], "each call was cancelled before it was over, and got through at last"


@stops_early
@pytest.mark.parametrize("face", ASYNC, ids=str)
async def test_a_leader_that_is_cancelled_at_each_await(face: Face, provider: Provider, tmp_path: Path) -> None:
    """Those who joined it go on by themselves."""
    provider.script = answer
    with Cache(tmp_path) as cache:
        async with face.client(cache, timeout=GUARD) as client:
            scene = Scene(client, provider.url)
            for at in range(1, MOST):
                answers: list[bytes] = []
                begun = anyio.Event()

                async def follow(at: int = at, answers: list[bytes] = answers, begun: anyio.Event = begun) -> None:
                    await begun.wait()
                    answers.append(await scene.send(f"led {at}"))

                def act(begun: anyio.Event = begun) -> None:
                    begun.set()

                with anyio.fail_after(GUARD):
                    async with anyio.create_task_group() as group:
                        for _ in range(3):
                            group.start_soon(follow)
                        with anyio.CancelScope() as scope:
                            await stepped(_first(scene.send(f"led {at}"), act), at, scope.cancel)
                assert len(set(answers)) == 1
                assert f"led {at}".encode() in answers[0]
                if not scope.cancelled_caught:
                    return
    raise AssertionError(f"it has more than {MOST} awaits")


async def _first(call: Awaitable[Any], act: Callable[[], object]) -> Any:
    """Let those who wait begin, and then call."""
    act()
    return await call
