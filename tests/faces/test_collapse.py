"""Equal requests at the same time share one forward: across tasks, threads, colours and libraries, and none waits in vain."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.faces.ask import CHAT_PATH, WAIT, Gate, ask, body_of
from tests.faces.face import FACES, Client, Face
from tests.provider import CHAT, Answer, Provider, ReceivedRequest
from tests.stores.contract import until
from wirecache import Cache, MemoryStore
from wirecache._storage.single_flight import single_flight_of

MANY = 24
LIBRARIES = ("httpx", "httpx2")


def followers(cache: Cache) -> int:
    """Return how many calls wait for a leader's answer: tasks by a callback, threads on the condition of the future."""
    futures: list[Any] = [flight.stored for flight in single_flight_of(cache.store)._in_flight.values()]
    return sum(len(future._done_callbacks) + len(future._condition._waiters) for future in futures)


async def run_here(wait: Callable[[], object]) -> None:
    wait()


async def test_many_equal_calls_are_one(face: Face, provider: Provider, cache: Cache) -> None:
    provider.script = lambda _: until(lambda: followers(cache) == MANY - 1, WAIT)
    statuses = []

    async def call(client: Client) -> None:
        reply = await ask(client, provider)
        assert reply.json() == CHAT
        statuses.append(reply.cache_status)

    async with face.client(cache) as client:
        await face.together(*(partial(call, client) for _ in range(MANY)))
    assert provider.calls == 1
    collapsed = [status for status in statuses if status.collapsed]
    assert len(collapsed) == MANY - 1
    assert {(status.hit, status.fwd, status.stored) for status in collapsed} == {(False, "miss", False)}
    assert collapsed[0].header(200).startswith('wirecache; fwd=miss; collapsed; key="')
    stats = cache.stats
    assert (stats.misses, stats.collapsed, stats.stored, stats.hits) == (1, MANY - 1, 1, 0)
    assert stats.tokens == 12 * (MANY - 1)


def test_across_colours_and_libraries(provider: Provider, cache: Cache) -> None:
    """Six kinds of clients, each in its own thread, two caches on one store."""
    provider.delay = 0.2
    start = threading.Barrier(12)

    async def call(face: Face, used: Cache) -> None:
        async with face.client(used) as client:
            assert (await ask(client, provider)).json() == CHAT

    def work(face: Face, used: Cache) -> None:
        start.wait()
        face.run(partial(call, face, used))

    with ThreadPoolExecutor(12) as pool:
        for made in [pool.submit(work, face, used) for face in FACES for used in (cache, Cache(cache.store))]:
            made.result()
    assert provider.calls == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: Answer.of({"error": {"message": "overloaded"}}, 500), id="error"),
        pytest.param(lambda: Answer.of({**CHAT, "choices": []}), id="no answer"),
        pytest.param(lambda: Answer(200, {"content-type": "application/json"}, [b"{"], length=9, cut=True), id="cut"),
        pytest.param(lambda: Answer(raw=b""), id="no head"),
    ],
)
async def test_what_is_not_stored_is_not_shared(face: Face, provider: Provider, cache: Cache, answer: Callable[[], Answer]) -> None:
    """The first fails; all others go on by themselves, at the same time."""

    def script(_: ReceivedRequest) -> Answer | None:
        if provider.calls > 1:
            return None
        until(lambda: followers(cache) == 7, WAIT)
        return answer()

    provider.script = script

    async def call(client: Client) -> None:
        try:
            reply = await ask(client, provider)
        except face.http.TransportError:
            return
        assert not reply.cache_status.collapsed

    async with face.client(cache) as client:
        await face.together(*(partial(call, client) for _ in range(8)))
        assert (await ask(client, provider)).cache_status.hit
    assert provider.calls == 8


def together(calls: int) -> Callable[[ReceivedRequest], None]:
    """A script that answers no call before that many have arrived."""
    barrier = threading.Barrier(calls)
    return lambda _: barrier.wait(WAIT) and None


async def test_no_collapse(face: Face, provider: Provider, make_cache: Callable[..., Cache]) -> None:
    provider.script = together(4)
    async with face.client(make_cache(collapse=False)) as client:
        await face.together(*(partial(ask, client, provider) for _ in range(4)))
    assert provider.calls == 4


async def test_streams_do_not_wait_for_each_other(face: Face, provider: Provider, make_cache: Callable[..., Cache]) -> None:
    provider.script = together(4)
    async with face.client(make_cache(streams="record")) as client:
        await face.together(*(partial(ask, client, provider, stream=True) for _ in range(4)))
        provider.script = None
        assert provider.calls == 4
        assert (await ask(client, provider, stream=True)).cache_status.hit


async def test_a_follower_keeps_its_own_timeout(face: Face, provider: Provider, cache: Cache) -> None:
    gate, arrived = Gate(), Gate()

    def think(_: ReceivedRequest) -> None:
        arrived.open()
        gate.wait()

    async def lead(client: Client) -> None:
        await ask(client, provider)

    async def follow(client: Client) -> None:
        await (anyio.to_thread.run_sync(arrived.wait) if face.is_async else run_here(arrived.wait))
        with pytest.raises(face.http.ReadTimeout, match=r"within 0\.1 s to an equal request"):
            await client.post(provider.url + CHAT_PATH, json=body_of(), timeout=0.1)
        gate.open()

    provider.script = think

    async with face.client(cache) as client:
        await face.together(partial(lead, client), partial(follow, client))
    assert provider.calls == 1


async def test_two_that_hold_an_answer_unread_and_wait_for_each_others_end_by_their_timeouts(
    face: Face, provider: Provider, cache: Cache
) -> None:
    """Each is a leader and a follower at once. Nobody looks for such a circle: a timeout ends it, and what was held is still stored."""
    held, over = (Gate(), Gate()), (Gate(), Gate())

    async def wait(gate: Gate) -> None:
        await (anyio.to_thread.run_sync(gate.wait) if face.is_async else run_here(gate.wait))

    async def call(client: Client, own: int, other: int) -> None:
        url = provider.url + CHAT_PATH
        async with client.stream("POST", url, json=body_of(str(own))) as reply:
            held[own].open()
            await wait(held[other])
            with pytest.raises(face.http.ReadTimeout, match=r"within 0\.1 s to an equal request"):
                await client.post(url, json=body_of(str(other)), timeout=0.1)
            over[own].open()
            await wait(over[other])
            await reply.read()

    async with face.client(cache) as client:
        await face.together(partial(call, client, 0, 1), partial(call, client, 1, 0))
        assert [(await ask(client, provider, str(number))).cache_status.hit for number in (0, 1)] == [True, True]
    assert provider.calls == 2


async def test_a_leader_that_drops_its_answer_unread(face: Face, provider: Provider, cache: Cache) -> None:
    """In the same thread and task it would wait for itself: it goes on alone, while the first response is still open."""
    async with face.client(cache) as client, client.stream("POST", provider.url + CHAT_PATH, json=body_of()) as reply:
        assert (await ask(client, provider)).status_code == 200
        assert not reply.cache_status.stored
    assert provider.calls == 2


@pytest.mark.parametrize("colour", ["asyncio", "trio"])
def test_a_sync_call_on_an_event_loop_waits_for_no_task_of_that_loop(colour: str, provider: Provider, cache: Cache) -> None:
    """It blocks the loop, so the task that leads could never go on."""
    face, arrived, answered = Face("httpx", colour), Gate(), Gate()

    def script(_: ReceivedRequest) -> None:
        if provider.calls == 1:
            arrived.open()
            answered.wait()

    async def body() -> None:
        async with face.client(cache) as client, anyio.create_task_group() as group:
            group.start_soon(ask, client, provider)
            await anyio.to_thread.run_sync(arrived.wait)
            with Face("httpx", "sync").client(cache).native as sync_client:
                status = sync_client.post(provider.url + CHAT_PATH, json=body_of(), timeout=3).extensions["wirecache"]
            answered.open()
        assert (status.collapsed, status.stored) == (False, True)

    provider.script = script
    face.run(body)
    assert provider.calls == 2


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.usefixtures("only_new_garbage")
def test_a_leader_that_abandons_its_body(library: str, provider: Provider, cache: Cache) -> None:
    head_is_out, go_on = threading.Event(), threading.Event()

    def lead() -> None:
        with Face(library, "sync").client(cache).native as client:
            request = client.build_request("POST", provider.url + CHAT_PATH, json=body_of())
            response = client.send(request, stream=True)
            head_is_out.set()
            assert go_on.wait(WAIT)
            del request, response  # neither read nor closed
            gc.collect()

    def follow() -> bool:
        assert head_is_out.wait(WAIT)
        threading.Thread(target=lambda: until(lambda: followers(cache) == 1, WAIT) or go_on.set()).start()
        with Face(library, "sync").client(cache).native as client:
            return bool(client.post(provider.url + CHAT_PATH, json=body_of()).extensions["wirecache"].collapsed)

    with ThreadPoolExecutor(2) as pool:
        leading, following = pool.submit(lead), pool.submit(follow)
        leading.result()
        assert following.result() is False
    assert provider.calls == 2


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("colour", ["asyncio", "trio"])
def test_a_leader_that_is_cancelled(library: str, colour: str, provider: Provider) -> None:
    face, cache = Face(library, colour), Cache(MemoryStore())
    arrived, go_on = Gate(), Gate()

    def script(_: ReceivedRequest) -> None:
        if provider.calls == 1:
            arrived.open()
            go_on.wait()

    provider.script = script

    async def lead(client: Client, scope: anyio.CancelScope) -> None:
        with scope:
            await ask(client, provider)

    async def body() -> None:
        scope = anyio.CancelScope()
        async with face.client(cache) as client, anyio.create_task_group() as group:
            group.start_soon(lead, client, scope)
            await anyio.to_thread.run_sync(arrived.wait)
            group.start_soon(cancel_soon, scope)
            reply = await ask(client, provider)
            assert not reply.cache_status.collapsed

    async def cancel_soon(scope: anyio.CancelScope) -> None:
        while followers(cache) == 0:
            await anyio.lowlevel.checkpoint()
        scope.cancel()

    face.run(body)
    go_on.open()
    assert provider.calls == 2
