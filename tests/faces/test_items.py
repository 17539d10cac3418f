"""A list of inputs is looked up item by item: only what is missing is sent, and the answer has each vector's own text."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.embedder import COHERE, GEMINI, OLLAMA, OPENAI, Embedder, body_for, vector, vectors_in
from tests.faces.ask import WAIT
from tests.faces.face import Client, Face, Reply
from tests.provider import Answer, Provider, ReceivedRequest
from wirecache import Budget, Cache, Exchange, MemoryStore, capture

PATHS = (OPENAI, GEMINI, COHERE, OLLAMA)
each_path = pytest.mark.parametrize("path", PATHS)


@pytest.fixture
def embedder(provider: Provider) -> Embedder:
    """The provider's model."""
    made = Embedder()
    provider.script = made
    return made


@pytest.fixture
def items_cache(make_cache: Callable[..., Cache]) -> Cache:
    """A cache that looks up item by item."""
    return make_cache(embeddings="items")


async def embed(client: Client, provider: Provider, items: Any, path: str = OPENAI, **more: Any) -> Reply:
    """Send a request for the vectors of these items."""
    return await client.post(provider.url + path, json=body_for(path, items, **more))


def expected(path: str, items: list[Any], **more: Any) -> list[Any]:
    """The vectors that a provider without a cache sends."""
    return vectors_in(path, Embedder().answer(path, body_for(path, items, **more)).encode())


def texts_of(requested: list[Any]) -> list[Any]:
    """The texts of a request as the provider got it."""
    return [item["content"]["parts"][0]["text"] if isinstance(item, dict) else item for item in requested]


@each_path
async def test_only_what_is_missing_is_sent(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache, path: str) -> None:
    async with face.client(items_cache) as client:
        first = await embed(client, provider, ["a", "b"], path)
        second = await embed(client, provider, ["c", "b", "d", "a", "c"], path)
        third = await embed(client, provider, ["a", "d"], path)
    assert [texts_of(items) for items in embedder.requested] == [["a", "b"], ["c", "d"]]
    for reply, items in ((first, ["a", "b"]), (second, ["c", "b", "d", "a", "c"]), (third, ["a", "d"])):
        assert vectors_in(path, reply.content) == expected(path, items)
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "application/json"
    assert first.headers["cache-status"] == 'wirecache; fwd=miss; stored; detail="0 of 2 items"'
    assert second.headers["cache-status"] == 'wirecache; fwd=partial; stored; detail="2 of 5 items"'
    assert (second.cache_status.items, second.cache_status.items_reused) == (5, 2)
    assert third.headers["cache-status"] == 'wirecache; hit; ttl=604800; detail="2 of 2 items"'
    assert int(third.headers["age"]) >= 0
    stats = items_cache.stats
    assert (stats.hits, stats.misses, stats.stored) == (1, 2, 2)


async def test_what_is_complete_is_passed_as_it_is(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    """A provider's own answer to all items is not touched, in whatever order it has them."""
    embedder.order = lambda places: list(reversed(places))
    async with face.client(items_cache) as client:
        reply = await embed(client, provider, ["a", "b", "c"])
        again = await embed(client, provider, ["a", "b", "c"])
    assert reply.content.decode() == Embedder(order=embedder.order).answer(OPENAI, body_for(OPENAI, ["a", "b", "c"]))
    assert vectors_in(OPENAI, again.content) == expected(OPENAI, ["a", "b", "c"])
    assert [item["index"] for item in again.json()["data"]] == [0, 1, 2]
    assert provider.calls == 1


async def test_usage_is_of_what_was_billed(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    async with face.client(items_cache) as client:
        usages = [(await embed(client, provider, items)).json()["usage"] for items in (["a", "b"], ["b", "c", "a"], ["a", "b", "c"])]
    assert [usage["total_tokens"] for usage in usages] == [14, 7, 0]
    assert items_cache.stats.billed.input == 21


@pytest.mark.parametrize("path", [OPENAI, OLLAMA])
async def test_a_single_text_and_an_item_share(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache, path: str) -> None:
    async with face.client(items_cache) as client:
        await embed(client, provider, "a", path)
        listed = await embed(client, provider, ["a", "b"], path)
        alone = await embed(client, provider, "b", path)
        of_one = await embed(client, provider, ["a"], path)
    assert embedder.requested == [["a"], ["b"]]
    assert vectors_in(path, listed.content) == expected(path, ["a", "b"])
    assert alone.cache_status.hit
    assert vectors_in(path, alone.content) == expected(path, ["b"])
    assert of_one.cache_status.hit
    assert of_one.cache_status.key is not None


async def test_what_counts_in_an_items_key(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    bodies = [
        {}, {"dimensions": 3}, {"dimensions": 4}, {"encoding_format": "base64"}, {"model": "n"}, {"input_type": "query"},
    ]  # fmt: skip
    async with face.client(items_cache) as client:
        for more in bodies:
            await embed(client, provider, ["a"], **more)
        assert provider.calls == len(bodies)
        await embed(client, provider, ["b"], COHERE, input_type="search_query")
        await embed(client, provider, ["b"], COHERE)
        await embed(client, provider, ["b"], COHERE, embedding_types=["float", "int8"])
    assert provider.calls == len(bodies) + 3


async def test_base64_and_floats(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    async with face.client(items_cache) as client:
        await embed(client, provider, ["a", "b"], encoding_format="base64")
        reply = await embed(client, provider, ["b", "c"], encoding_format="base64")
    assert vectors_in(OPENAI, reply.content) == expected(OPENAI, ["b", "c"], encoding_format="base64")
    assert embedder.requested == [["a", "b"], ["c"]]


async def test_cohere_has_several_lists(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    kinds = {"embedding_types": ["float", "int8"]}
    async with face.client(items_cache) as client:
        await embed(client, provider, ["ä", "b"], COHERE, **kinds)
        reply = await embed(client, provider, ["b", "c", "ä"], COHERE, **kinds)
    assert vectors_in(COHERE, reply.content) == expected(COHERE, ["b", "c", "ä"], **kinds)
    assert reply.json()["meta"]["billed_units"] == {"input_tokens": 2}


@pytest.mark.parametrize(
    ("items", "sent"),
    [
        pytest.param([1, 2, 3], [[[1, 2, 3]]], id="tokens of one input"),
        pytest.param([[1, 2, 3], [4]], [[[1, 2, 3], [4]]], id="tokens of two"),
    ],
)
async def test_tokens(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache, items: Any, sent: Any) -> None:
    async with face.client(items_cache) as client:
        await embed(client, provider, items)
        reply = await embed(client, provider, [[1, 2, 3], [5]])
    assert embedder.requested == [*sent, [[5]]]
    assert vectors_in(OPENAI, reply.content) == expected(OPENAI, [[1, 2, 3], [5]])


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"input": ["a", [1]]}, id="mixed"),
        pytest.param({"input": [{"text": "a"}, {"image": "b"}]}, id="objects"),
        pytest.param({"late_chunking": True}, id="an unknown member"),
    ],
)
async def test_what_is_not_on_the_list_is_one_request(face: Face, provider: Provider, items_cache: Cache, more: dict[str, Any]) -> None:
    async with face.client(items_cache) as client:
        for _ in range(2):
            reply = await embed(client, provider, ["a", "b"], **more)
    assert reply.cache_status.hit
    assert reply.cache_status.items == 0
    assert provider.calls == 1


async def test_a_signed_body_is_one_request(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    async with face.client(items_cache) as client:
        for items in (["a", "b"], ["a", "c"]):
            signed = {"content-digest": "sha-256=:x:"}
            await client.post(provider.url + OPENAI, json=body_for(OPENAI, items), headers=signed)
    assert embedder.requested == [["a", "b"], ["a", "c"]]


async def test_off_by_default(face: Face, provider: Provider, embedder: Embedder, cache: Cache) -> None:
    async with face.client(cache) as client:
        for items in (["a", "b"], ["a", "c"]):
            await embed(client, provider, items)
    assert embedder.requested == [["a", "b"], ["a", "c"]]


BROKEN = [
    pytest.param({"number": lambda place: 0}, "items-index", id="one index for all"),
    pytest.param({"number": lambda place: place + 1}, "items-index", id="counted from 1"),
    pytest.param({"number": lambda place: '"0"'}, "items-index", id="texts"),
    pytest.param({"order": lambda places: places[:-1]}, "items-count", id="one too few"),
    pytest.param({"order": lambda places: [*places, *places]}, "items-count", id="too many"),
    pytest.param({"size": lambda item: len(item)}, "items-length", id="lengths differ"),
    pytest.param({"size": lambda item: 0}, "items-vector", id="empty vectors"),
]


@pytest.mark.parametrize(("changes", "reason"), BROKEN)
async def test_what_does_not_agree_is_passed_and_not_stored(
    face: Face, provider: Provider, items_cache: Cache, changes: dict[str, Any], reason: str
) -> None:
    provider.script = embedder = Embedder(**changes)
    async with face.client(items_cache) as client:
        for _ in range(2):
            reply = await embed(client, provider, ["a", "bb", "ccc"])
            assert reply.cache_status.detail == reason
            assert not reply.cache_status.stored
    assert reply.content.decode() == Embedder(**changes).answer(OPENAI, body_for(OPENAI, ["a", "bb", "ccc"]))
    assert len(embedder.requested) == 2
    assert list(items_cache.entries()) == []


@pytest.mark.parametrize(("changes", "reason"), BROKEN)
async def test_a_part_that_does_not_agree(
    face: Face, provider: Provider, embedder: Embedder, items_cache: Cache, changes: dict[str, Any], reason: str
) -> None:
    """Then the request is sent as it is: the caller gets what it would get without a cache."""
    async with face.client(items_cache) as client:
        await embed(client, provider, ["a"])
        provider.script = broken = Embedder(**changes)
        reply = await embed(client, provider, ["a", "bb", "ccc"])
    assert broken.requested == [["bb", "ccc"], ["a", "bb", "ccc"]]
    assert reply.content.decode() == Embedder(**changes).answer(OPENAI, body_for(OPENAI, ["a", "bb", "ccc"]))
    assert (reply.cache_status.stored, reply.cache_status.detail) == (False, reason)
    assert len(list(items_cache.entries())) == 1


@pytest.mark.parametrize("changes", [{"size": lambda item: 5}, {"model": "m-2"}], ids=["longer vectors", "another model"])
async def test_vectors_of_two_models_are_never_mixed(
    face: Face, provider: Provider, embedder: Embedder, items_cache: Cache, changes: dict[str, Any]
) -> None:
    """The provider has changed its model: what is stored does not go with it, so all is sent for, and stored anew."""
    async with face.client(items_cache) as client:
        await embed(client, provider, ["a"])
        provider.script = renewed = Embedder(**changes)
        reply = await embed(client, provider, ["a", "b"])
        again = await embed(client, provider, ["b", "a"])
    assert renewed.requested == [["b"], ["a", "b"]]
    assert reply.content.decode() == Embedder(**changes).answer(OPENAI, body_for(OPENAI, ["a", "b"]))
    assert reply.cache_status.stored
    assert again.cache_status.hit
    assert vectors_in(OPENAI, again.content) == list(reversed(vectors_in(OPENAI, reply.content)))


async def test_stored_vectors_that_do_not_go_together_are_sent_for(face: Face, provider: Provider, items_cache: Cache) -> None:
    async with face.client(items_cache) as client:
        for text, model in (("a", "m-1"), ("b", "m-2")):
            provider.script = Embedder(model=model)
            await embed(client, provider, text)
        provider.script = newest = Embedder(model="m-3")
        reply = await embed(client, provider, ["a", "b"])
        assert newest.requested == [["a", "b"]]
        assert (await embed(client, provider, ["a", "b"])).cache_status.hit
    assert reply.cache_status.fwd == "miss"


async def test_an_answer_without_numbers_counts_by_its_order(face: Face, provider: Provider, items_cache: Cache) -> None:
    provider.script = embedder = Embedder(number=lambda place: None)
    async with face.client(items_cache) as client:
        await embed(client, provider, ["a", "b"])
        reply = await embed(client, provider, ["b", "c", "a"])
    assert embedder.requested == [["a", "b"], ["c"]]
    assert [item["embedding"] for item in reply.json()["data"]] == [json.loads(vector(item)) for item in ("b", "c", "a")]


@pytest.mark.parametrize("code", [400, 429, 500])
async def test_an_error_is_the_callers(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache, code: int) -> None:
    async with face.client(items_cache) as client:
        await embed(client, provider, ["a"])
        provider.script = lambda _: Answer.of({"error": {"message": "no"}}, code)
        reply = await embed(client, provider, ["a", "b"])
        provider.script = embedder
        again = await embed(client, provider, ["a", "b"])
    assert (reply.status_code, reply.json()) == (code, {"error": {"message": "no"}})
    assert reply.cache_status.header(code) == f"wirecache; fwd=partial; detail=status-{code}"
    assert again.status_code == 200
    assert embedder.requested == [["a"], ["b"]]


async def test_an_answer_that_breaks_off(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    async with face.client(items_cache) as client:
        provider.script = lambda _: Answer(200, {"content-type": "application/json"}, [b'{"data": ['], length=99, cut=True)
        with pytest.raises(face.http.RemoteProtocolError):
            await embed(client, provider, ["a", "b"])
        provider.script = embedder
        assert (await embed(client, provider, ["a", "b"])).status_code == 200
    assert items_cache.stats.misses == 2


async def test_stale_items_answer_in_place_of_an_error(
    face: Face, provider: Provider, embedder: Embedder, make_cache: Callable[..., Cache]
) -> None:
    async with face.client(make_cache(embeddings="items")) as client:
        await embed(client, provider, ["a", "b"])
    async with face.client(make_cache(embeddings="items", ttl=0, stale_if_error="1h")) as client:
        provider.script = lambda _: Answer.of({}, 500)
        reply = await embed(client, provider, ["b", "a"])
        assert (await embed(client, provider, ["b", "c"])).status_code == 500
        provider.script = lambda _: Answer(200, {}, [b"{"], length=9, cut=True)
        cut = await embed(client, provider, ["a"])
        provider.script = embedder
        assert (await embed(client, provider, ["a"])).cache_status.fwd == "stale"
    assert vectors_in(OPENAI, reply.content) == expected(OPENAI, ["b", "a"])
    for stale in (reply, cut):
        assert (stale.cache_status.hit, stale.cache_status.detail) == (True, "stale-if-error")


async def test_offline(face: Face, provider: Provider, embedder: Embedder, make_cache: Callable[..., Cache]) -> None:
    async with face.client(make_cache(embeddings="items")) as client:
        await embed(client, provider, ["a", "b"])
    async with face.client(make_cache(embeddings="items", mode="offline")) as client:
        assert vectors_in(OPENAI, (await embed(client, provider, ["b", "a"])).content) == expected(OPENAI, ["b", "a"])
        reply = await embed(client, provider, ["a", "c", "d"])
    assert reply.status_code == 424
    message = reply.json()["error"]["message"]
    assert message.startswith("2 of 3 items are not stored: wirecache is offline")
    assert "/input" in message
    assert reply.cache_status.detail == "only-if-cached"
    assert provider.calls == 1


async def test_refresh_and_no_cache(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    async with face.client(items_cache) as client:
        await embed(client, provider, ["a"])
        headers = {"cache-control": "no-cache"}
        reply = await client.post(provider.url + OPENAI, json=body_for(OPENAI, ["a", "b", "a"]), headers=headers)
        assert (await embed(client, provider, ["b"])).cache_status.hit
    assert embedder.requested == [["a"], ["a", "b"]]
    assert reply.cache_status.header(200) == "wirecache; fwd=request; stored; detail=no-cache"
    assert vectors_in(OPENAI, reply.content) == expected(OPENAI, ["a", "b", "a"])


async def test_accept_has_the_last_word_on_each_item(
    face: Face, provider: Provider, embedder: Embedder, make_cache: Callable[..., Cache]
) -> None:
    cache = make_cache(embeddings="items", accept=lambda entry: b'"b"' not in bytes(entry.request_body) or "not b")
    async with face.client(cache) as client:
        reply = await embed(client, provider, ["a", "b", "c"])
        await embed(client, provider, ["a", "b", "c"])
    assert embedder.requested == [["a", "b", "c"], ["b"]]
    assert reply.cache_status.detail == "not b"


async def test_a_rejected_answer_is_rejected_item_by_item(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    async with face.client(items_cache) as client:
        await embed(client, provider, ["a", "b", "c"])
        with capture() as exchanges:
            await embed(client, provider, ["a", "b"])
        exchanges[0].discard()
        await embed(client, provider, ["a", "b", "c"])
    assert embedder.requested == [["a", "b", "c"], ["a", "b"]]


async def test_what_it_cost(face: Face, provider: Provider, embedder: Embedder, make_cache: Callable[..., Cache]) -> None:
    exchanges: list[Exchange] = []
    async with face.client(make_cache(embeddings="items", on_exchange=exchanges.append)) as client:
        for items in (["a", "b"], ["a"], ["b", "c"], ["c"]):
            await embed(client, provider, items)
    assert [exchange.endpoint for exchange in exchanges] == ["embeddings"] * 4
    assert [exchange.model for exchange in exchanges] == ["m"] * 4
    costs = [exchange.cost for exchange in exchanges]
    assert [cost.billed and cost.billed.input for cost in costs] == [14, None, 7, None]
    assert [cost.saved and cost.saved.input for cost in costs] == [None, None, None, 7]  # only a single item's cost is known
    assert costs[1].saved_seconds is not None


async def test_budgets(face: Face, provider: Provider, embedder: Embedder, make_cache: Callable[..., Cache]) -> None:
    """A call that is sent counts once, with the tokens of all that was sent; what the store has costs nothing."""
    cache = make_cache(store=MemoryStore(), embeddings="items", budget=Budget(calls=2))
    async with face.client(cache) as client:
        codes = [(await embed(client, provider, items)).status_code for items in (["a", "b"], ["b"], ["b", "c"], ["c", "a"], ["d"])]
    assert codes == [200, 200, 200, 200, 424]
    (spending,) = cache.spending()
    assert (spending.calls, spending.tokens, spending.open) == (2, 21, 0)
    assert embedder.requested == [["a", "b"], ["c"]]


# -- calls at the same time -------------------------------------------------------------------------------------------


async def test_equal_items_of_concurrent_calls_are_sent_once(
    face: Face, provider: Provider, embedder: Embedder, items_cache: Cache
) -> None:
    """Each of twelve calls wants three of twelve items, two of which a neighbour wants, too."""
    provider.delay = 0.2
    wanted = [[f"{(call + step) % 12}" for step in range(3)] for call in range(12)]

    async def call(client: Client, items: list[str]) -> None:
        assert vectors_in(OPENAI, (await embed(client, provider, items)).content) == expected(OPENAI, items)

    async with face.client(items_cache) as client:
        await face.together(*(partial(call, client, items) for items in wanted))
    sent = [item for items in embedder.requested for item in items]
    assert sorted(sent) == sorted({f"{number}" for number in range(12)})


async def test_who_follows_sends_what_its_leader_did_not_store(
    face: Face, provider: Provider, embedder: Embedder, items_cache: Cache
) -> None:
    arrived = threading.Barrier(2)

    def script(request: ReceivedRequest) -> Answer:
        if "bad" in request.json["input"]:
            arrived.wait(WAIT)  # until the other call has sent for its own
            return Answer.of({"error": {"message": "no"}}, 500)
        if "own" in request.json["input"]:
            arrived.wait(WAIT)
        return embedder(request)

    provider.script = script

    async def leader(client: Client) -> None:
        assert (await embed(client, provider, ["shared", "bad"])).status_code == 500

    async def follower(client: Client) -> None:
        while not provider.calls:
            await awaited_moment(face)
        reply = await embed(client, provider, ["own", "shared"])
        assert vectors_in(OPENAI, reply.content) == expected(OPENAI, ["own", "shared"])
        assert reply.json()["usage"]["total_tokens"] == 14

    async with face.client(items_cache) as client:
        await face.together(partial(leader, client), partial(follower, client))
    assert embedder.requested == [["own"], ["shared"]]


async def awaited_moment(face: Face) -> None:
    if face.is_async:
        from anyio.lowlevel import checkpoint

        await checkpoint()


async def test_a_call_that_only_follows_is_collapsed(face: Face, provider: Provider, embedder: Embedder, items_cache: Cache) -> None:
    provider.delay = 0.2
    statuses = []

    async def call(client: Client) -> None:
        statuses.append((await embed(client, provider, ["a", "b"])).cache_status)

    async with face.client(items_cache) as client:
        await face.together(*(partial(call, client) for _ in range(4)))
    assert embedder.requested == [["a", "b"]]
    assert sum(status.stored for status in statuses) == 1
    assert all(status.collapsed or status.hit for status in statuses if not status.stored)


# -- other stores -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["memory", "redis", "tiers"])
async def test_other_stores(face: Face, provider: Provider, embedder: Embedder, redis_url: str, place: str) -> None:
    redis = f"{redis_url}?prefix=items-{face}-{place}:"
    store: Any = {"memory": MemoryStore(), "redis": redis, "tiers": ["memory://", redis]}[place]
    with Cache(store, embeddings="items") as cache:
        cache.clear()
        async with face.client(cache) as client:
            await embed(client, provider, ["a", "b"])
            cache.flush()
            reply = await embed(client, provider, ["b", "c"])
    assert embedder.requested == [["a", "b"], ["c"]]
    assert vectors_in(OPENAI, reply.content) == expected(OPENAI, ["b", "c"])
