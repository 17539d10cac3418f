"""In a block of samples, each repetition of an equal request has an entry of its own, and a second run gets them again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import pytest

from tests.embedder import Embedder
from tests.faces.ask import ask, chat
from tests.faces.face import Client, Face
from tests.faces.test_items import embed
from tests.provider import Answer, Provider, ReceivedRequest
from wirecache import Cache, Cassette, options, samples


@pytest.fixture
def drawing(provider: Provider) -> Provider:
    """A provider that never answers twice alike."""
    numbers = count(1)
    provider.script = lambda _: Answer.of(chat(f"answer {next(numbers)}"))
    return provider


async def text_of(client: Client, provider: Provider, text: str = "hi") -> str:
    content: str = (await ask(client, provider, text)).json()["choices"][0]["message"]["content"]
    return content


async def test_a_second_run_gets_the_same_answers(face: Face, drawing: Provider, cache: Cache) -> None:
    runs = []
    async with face.client(cache) as client:
        for _ in range(2):
            with samples():
                runs.append([await text_of(client, drawing, text) for text in ("a", "b", "a", "a", "b")])
        outside = await text_of(client, drawing, "a")
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 5 == drawing.calls
    assert outside == runs[0][0]  # sample 0 is what a call without samples gets


async def test_more_samples_cost_only_what_is_more(face: Face, drawing: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        for count in (2, 4):
            with samples():
                answers = {await text_of(client, drawing) for _ in range(count)}
    assert len(answers) == 4 == drawing.calls


async def test_at_the_same_time(face: Face, drawing: Provider, cache: Cache) -> None:
    """Threads and tasks count together; none of them is collapsed with another one."""
    runs: list[list[str]] = []

    async def call(client: Client) -> None:
        runs[-1].append(await text_of(client, drawing))

    async with face.client(cache) as client:
        for _ in range(2):
            runs.append([])
            with samples():
                await face.together(*(partial(call, client) for _ in range(12)))
    assert sorted(runs[0]) == sorted(runs[1])
    assert len(set(runs[0])) == 12 == drawing.calls


@pytest.mark.parametrize("fails", ["status", "connection"])
async def test_the_repetition_of_what_failed_is_the_same_sample(face: Face, provider: Provider, cache: Cache, fails: str) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if provider.calls == 2:
            return Answer.of({"error": {}}, 500) if fails == "status" else Answer(raw=b"")
        return Answer.of(chat(f"answer {provider.calls}"))

    provider.script = script
    async with face.client(cache) as client:
        with samples():
            first = [await text_of(client, provider)]
            try:
                assert (await ask(client, provider)).status_code == 500
            except face.http.TransportError:
                assert fails == "connection"
            first.append(await text_of(client, provider))
        with samples():
            assert [await text_of(client, provider) for _ in range(2)] == first
    assert provider.calls == 3


async def test_blocks_within_blocks_and_a_call_that_says_which_it_is(face: Face, drawing: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        with samples():
            first = [await text_of(client, drawing), await text_of(client, drawing)]
            with samples():
                assert await text_of(client, drawing) == first[0]
            with options(sample=1):
                assert await text_of(client, drawing) == first[1]
            assert await text_of(client, drawing) not in first
    assert drawing.calls == 3


async def test_other_requests_are_not_numbered(face: Face, provider: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        with samples():
            for _ in range(2):
                reply = await client.post(provider.url + "/v1/files", content=b"x")
                assert reply.cache_status.detail == "no-rule"
                assert (await client.get(provider.url + "/v1/models")).status_code == 200


async def test_offline(face: Face, drawing: Provider, make_cache: Callable[..., Cache]) -> None:
    async with face.client(make_cache()) as client:
        with samples():
            first = [await text_of(client, drawing) for _ in range(2)]
    async with face.client(make_cache(mode="offline")) as client:
        with samples():
            assert [await text_of(client, drawing) for _ in range(2)] == first
            assert [(await ask(client, drawing)).status_code for _ in range(2)] == [424, 424]


async def test_on_a_cassette(face: Face, drawing: Provider, tmp_path: object) -> None:
    runs = []
    for mode in ("once", "none"):
        with Cassette(f"{tmp_path}/cassette", mode) as cassette:
            async with face.client(cassette) as client:  # type: ignore[arg-type]
                with samples():
                    runs.append([await text_of(client, drawing) for _ in range(3)])
    assert runs[0] == runs[1]
    assert drawing.calls == 3


async def test_with_items(face: Face, provider: Provider, make_cache: Callable[..., Cache]) -> None:
    provider.script = embedder = Embedder()
    async with face.client(make_cache(embeddings="items")) as client:
        for _ in range(2):
            with samples():
                for _ in range(2):
                    await embed(client, provider, ["a", "b"])
    assert embedder.requested == [["a", "b"], ["a", "b"]]


async def test_what_explain_sees_is_no_repetition(face: Face, drawing: Provider, cache: Cache) -> None:
    async with face.client(cache) as client:
        with samples():
            await text_of(client, drawing)
            request = client.native.build_request("POST", drawing.url + "/v1/chat/completions", json={"model": "m"})
            cache.explain(request)
            assert await text_of(client, drawing) == "answer 2"
