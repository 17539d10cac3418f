"""Budgets on every face: what is counted, what is not, and what a refused call gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.faces.ask import CHAT_PATH, Gate, ask, body_of, stops_early
from tests.faces.face import Client, Face, Reply, awaited
from tests.provider import CHAT, Answer, Provider, events
from tests.stores.two_methods import TwoMethods
from wirecache import Budget, Cache, Cassette, Rule, Spending, options

OPENAI, ANTHROPIC = "https://api.openai.com/v1/chat/completions", "https://api.anthropic.com/v1/messages"


@pytest.fixture
def budgeted(tmp_path: Path) -> Iterator[Callable[..., Cache]]:
    """Caches with budgets, each on a memory store of its own unless the test says otherwise."""
    made: list[Cache] = []

    def make(*budgets: Budget, **options: Any) -> Cache:
        made.append(Cache(**{"store": "memory://", "budget": budgets, **options}))
        return made[-1]

    yield make
    for cache in made:
        cache.close()


def spent(cache: Cache | Cassette) -> Spending:
    """Return what is spent of the one budget."""
    (spending,) = cache.spending()
    return spending


def error_of(reply: Reply) -> dict[str, Any]:
    """Return the error of a refused call, once it is checked that no SDK would retry it."""
    assert reply.status_code == 424
    assert reply.headers["x-should-retry"] == "false"
    error: dict[str, Any] = reply.json()["error"]
    assert (error["type"], error["code"]) == ("budget_exceeded", "budget_exceeded")
    return error


def answering(face: Face, value: Any) -> Any:
    """A transport that stands for providers of any name."""

    async def answer(request: Any) -> Any:
        return face.http.Response(200, json=value, request=request)

    return face.transport(answer)


def client_on(face: Face, cache: Cache, transport: Any) -> Client:
    make = face.http.AsyncClient if face.is_async else face.http.Client
    return Client(make(transport=face.cache_transport(cache, transport)), face.is_async)


# -- limits -----------------------------------------------------------------------------------------------------------


async def test_a_limit_of_calls(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=2))
    async with face.client(cache) as client:
        replies = [await ask(client, provider, text) for text in ("a", "b", "a", "b", "c", "a")]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 200, 424, 200]
    assert [reply.cache_status.hit for reply in replies] == [False, False, True, True, False, True]
    assert provider.calls == 2
    assert replies[4].cache_status.detail == "budget-exceeded"
    message = error_of(replies[4])["message"]
    assert "the budget of 2 calls per run is spent: 2 calls (m 2 calls). POST http://127.0.0.1" in message
    assert "--max-calls" in message
    assert (spent(cache).calls, spent(cache).refused, spent(cache).open) == (2, 1, 0)
    assert cache.stats.refused_for["budget-exceeded"] == 1


async def test_a_limit_of_dollars_at_prices_that_were_computed_by_hand(face: Face, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(usd="0.01"))
    answer = {**CHAT, "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}}
    async with client_on(face, cache, answering(face, answer)) as client:
        codes = [(await client.post(OPENAI, json={**body_of(str(i)), "model": "gpt-4o"})).status_code for i in range(6)]
    each = Decimal("0.0025") * 600 / 1000 + Decimal("0.00125") * 400 / 1000 + Decimal("0.01") * 100 / 1000  # 0.003
    assert codes == [200, 200, 200, 200, 424, 424]
    assert spent(cache).usd == 4 * each
    assert spent(cache).models["gpt-4o"]["usd"] == 4 * each


async def test_a_limit_of_tokens_that_a_response_crosses(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(tokens=13))
    async with face.client(cache) as client:
        codes = [(await ask(client, provider, str(i))).status_code for i in range(3)]
    assert codes == [200, 200, 424]
    assert spent(cache).tokens == 24


async def test_all_of_several_budgets_hold(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=3), Budget(tokens=24, window="day"), Budget(calls=1, namespace="small"))
    async with face.client(cache) as client:
        with options(namespace="small"):
            codes = [(await ask(client, provider, str(i))).status_code for i in range(2)]
        codes += [(await ask(client, provider, str(i))).status_code for i in range(2)]
    assert codes == [200, 424, 200, 424]
    assert [spending.calls for spending in cache.spending()] == [2, 2, 1]


async def test_limits_of_one_scope_share_a_counter_and_count_once(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=2), Budget(tokens=100))
    async with face.client(cache) as client:
        codes = [(await ask(client, provider, str(i))).status_code for i in range(3)]
    assert codes == [200, 200, 424]


async def test_a_budget_for_a_model(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=0, model="dear-*"))
    async with face.client(cache) as client:
        assert (await ask(client, provider, model="dear-1")).status_code == 424
        assert (await ask(client, provider, model="cheap")).status_code == 200


async def test_a_refusal_is_no_missing_recording(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=0), miss="raise")
    async with face.client(cache) as client:
        error_of(await ask(client, provider))


async def test_a_cassette_records_within_a_budget_and_replays_for_nothing(face: Face, provider: Provider, tmp_path: Path) -> None:
    for known, sent in ((), "a"), ("a", "ab"):
        with Cassette(tmp_path / "c", "new_episodes", budget=Budget(calls=1)) as cassette:
            async with face.client(cassette) as client:
                codes = [(await ask(client, provider, text)).status_code for text in sent]
            assert codes == [200, 424][: len(sent)]
            assert (spent(cassette).calls, cassette.report().replayed) == (1, len(known))
            assert cassette.report().missing == ()


# -- what is not billed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
async def test_an_error_of_upstream_is_not_billed(face: Face, provider: Provider, budgeted: Callable[..., Cache], status: int) -> None:
    cache = budgeted(Budget(calls=1))
    provider.script = lambda request: Answer.of({"error": {"message": "no"}}, status) if len(provider.requests) < 3 else None
    async with face.client(cache) as client:
        codes = [(await ask(client, provider, str(i))).status_code for i in range(4)]
    assert codes == [status, status, 200, 424]
    assert (spent(cache).calls, spent(cache).untold) == (1, 0)


async def test_what_was_not_sent_is_not_billed(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=1))
    async with face.client(cache) as client:
        for _ in range(2):
            with pytest.raises(face.http.ConnectError):
                await client.post("http://127.0.0.1:1/v1/chat/completions", json=body_of())
        assert (await ask(client, provider)).status_code == 200
    assert spent(cache).calls == 1


async def test_what_was_given_up_after_it_was_sent_may_be_billed(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache, gate = budgeted(Budget(calls=1)), Gate()
    provider.script = lambda _: Answer.of(CHAT) if gate.wait() else None
    async with face.client(cache, timeout=0.05) as client:
        with pytest.raises(face.http.ReadTimeout):
            await ask(client, provider)
        gate.open()
        error_of(await ask(client, provider, "b"))
    assert (spent(cache).calls, spent(cache).untold, spent(cache).open) == (1, 1, 0)


async def test_what_is_no_call_to_a_model_is_not_counted(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=0))
    async with face.client(cache) as client:
        assert (await client.get(f"{provider.url}/v1/models")).status_code == 200
        assert (await client.post(f"{provider.url}/v1/files", content=b"x")).status_code == 200


@pytest.mark.parametrize("model", ["llama3.2", "qwen2.5:7b"])
async def test_a_model_on_this_machine_costs_no_dollars(face: Face, provider: Provider, budgeted: Callable[..., Cache], model: str) -> None:
    cache = budgeted(Budget(usd=0.01))
    async with face.client(cache) as client:
        codes = [(await ask(client, provider, str(i), model=model)).status_code for i in range(3)]
    assert codes == [200, 200, 200]
    assert (spent(cache).usd, spent(cache).calls, spent(cache).unpriced) == (0, 3, 0)


async def test_a_model_that_is_free_at_its_provider_costs_nothing(face: Face, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(usd="0.0001"))
    async with client_on(face, cache, answering(face, CHAT)) as client:
        body = {"model": "meta-llama/llama-3.3-70b-instruct:free", "messages": []}
        codes = [
            (await client.post("https://openrouter.ai/api/v1/chat/completions", json={**body, "seed": i})).status_code for i in range(2)
        ]
    assert codes == [200, 200]
    assert spent(cache).usd == 0


# -- what has no price, and what reports nothing ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "model"),
    [
        (OPENAI, "gpt-of-tomorrow"),
        ("https://gateway.example.com/v1/chat/completions", "llama-3.3-70b"),  # many run it, at prices of their own
        ("http://127.0.0.1:4000/v1/chat/completions", "gpt-of-tomorrow"),  # a gateway on this machine
    ],
)
async def test_an_unknown_price_refuses_or_is_allowed_as_said(face: Face, budgeted: Callable[..., Cache], url: str, model: str) -> None:
    refusing, allowing = budgeted(Budget(usd=1)), budgeted(Budget(usd=1, unpriced="allow"))
    for cache in (refusing, allowing):
        async with client_on(face, cache, answering(face, CHAT)) as client:
            reply = await client.post(url, json={**body_of(), "model": model})
        if cache is refusing:
            assert "is not known, so a budget in dollars cannot count it" in error_of(reply)["message"]
            assert reply.cache_status.detail == "budget-unpriced"
        else:
            assert reply.status_code == 200
    assert (spent(refusing).calls, spent(refusing).unpriced) == (0, 0)
    assert (spent(allowing).calls, spent(allowing).unpriced, spent(allowing).usd) == (1, 1, 0)


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o"])
@pytest.mark.parametrize("origin", ["https://gateway.example.com", "http://127.0.0.1:4000"])
async def test_a_gateway_is_counted_at_the_price_of_who_alone_can_run_the_model(
    face: Face, budgeted: Callable[..., Cache], origin: str, model: str
) -> None:
    cache = budgeted(Budget(usd=1))
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000}
    async with client_on(face, cache, answering(face, {**CHAT, "usage": usage})) as client:
        await client.post(f"{origin}/v1/chat/completions", json={**body_of(), "model": model})
    assert (spent(cache).usd, spent(cache).unpriced) == (Decimal("0.0125"), 0)  # 2.50 and 10.00 dollars for a million


async def test_images_have_no_price_by_tokens(face: Face, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(usd=1))
    async with client_on(face, cache, answering(face, {"data": []})) as client:
        error_of(await client.post("https://api.openai.com/v1/images/generations", json={"model": "gpt-image-1", "prompt": "x"}))


async def test_an_answer_without_a_usage_is_listed(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(tokens=100))
    provider.script = lambda _: Answer.of({name: value for name, value in CHAT.items() if name != "usage"})
    async with face.client(cache) as client:
        await ask(client, provider)
    assert (spent(cache).calls, spent(cache).untold, spent(cache).tokens) == (1, 1, 0)


async def test_a_part_with_a_price_of_its_own_is_listed_and_the_rest_is_counted(face: Face, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(usd=1))
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"audio_tokens": 500}}
    async with client_on(face, cache, answering(face, {**CHAT, "usage": usage})) as client:
        await client.post(OPENAI, json={**body_of(), "model": "gpt-4o"})
    assert (spent(cache).usd, spent(cache).unpriced) == (Decimal("0.0025"), 1)


# -- streams, and bodies that are not recorded ------------------------------------------------------------------------

USAGE_EVENT = {**CHAT, "object": "chat.completion.chunk", "choices": []}
CONTENT_EVENT = {
    "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
}  # fmt: skip
MESSAGE_EVENTS = (
    {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m",
                                          "usage": {"input_tokens": 5, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
)  # fmt: skip
both_ways = pytest.mark.parametrize("streams", ["bypass", "record"])


@both_ways
async def test_a_stream_counts_what_its_events_report(face: Face, provider: Provider, budgeted: Callable[..., Cache], streams: str) -> None:
    cache = budgeted(Budget(tokens=12), streams=streams)
    provider.script = lambda _: events(CONTENT_EVENT, USAGE_EVENT)
    async with face.client(cache) as client:
        reply = await ask(client, provider, stream=True)
        assert b"[DONE]" in await reply.read()
        error_of(await ask(client, provider, "b", stream=True))
        again = await ask(client, provider, stream=True)
    assert again.status_code == (200 if streams == "record" else 424)
    assert (spent(cache).tokens, spent(cache).calls, spent(cache).untold) == (12, 1, 0)


@both_ways
async def test_a_stream_that_reports_nothing_is_listed(
    face: Face, provider: Provider, budgeted: Callable[..., Cache], streams: str
) -> None:
    cache = budgeted(Budget(tokens=100), streams=streams)
    provider.script = lambda _: events(CONTENT_EVENT)
    async with face.client(cache) as client:
        await ask(client, provider, stream=True)
    assert (spent(cache).tokens, spent(cache).untold, spent(cache).open) == (0, 1, 0)


@stops_early
@both_ways
async def test_a_stream_that_is_abandoned_counts_as_far_as_it_was_read(
    face: Face, provider: Provider, budgeted: Callable[..., Cache], streams: str
) -> None:
    cache = budgeted(Budget(tokens=100), streams=streams)
    provider.script = lambda _: events(*MESSAGE_EVENTS, done=False)
    async with face.client(cache) as client:
        body = {"model": "m", "max_tokens": 5, "stream": True, "messages": []}
        async with client.stream("POST", f"{provider.url}/v1/messages", json=body) as reply, reply.over("iter_lines") as lines:
            async for line in lines:
                if "content_block_delta" in line:
                    break
    assert (spent(cache).tokens, spent(cache).untold, spent(cache).open, spent(cache).calls) == (6, 1, 0, 1)


@both_ways
async def test_a_stream_that_nobody_reads_is_listed(face: Face, provider: Provider, budgeted: Callable[..., Cache], streams: str) -> None:
    cache = budgeted(Budget(tokens=100), streams=streams)
    provider.script = lambda _: events(CONTENT_EVENT, USAGE_EVENT)
    async with face.client(cache) as client, client.stream("POST", provider.url + CHAT_PATH, json=body_of(stream=True)):
        assert spent(cache).open == 1
    assert (spent(cache).untold, spent(cache).open, spent(cache).calls) == (1, 0, 1)


async def test_bypassed_calls_count(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(tokens=36))
    async with face.client(cache) as client:
        with options(mode="off"):
            await ask(client, provider)
        await client.post(provider.url + CHAT_PATH, json=body_of(), headers={"cache-control": "no-store"})
        await client.post(provider.url + CHAT_PATH, json=body_of(background=True))
        with options(mode="off"):
            error_of(await ask(client, provider))
    assert (spent(cache).tokens, spent(cache).calls, spent(cache).untold) == (36, 3, 0)


async def test_a_compressed_stream_that_passes_is_read_too(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    import gzip

    cache = budgeted(Budget(tokens=12))
    whole = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in (CONTENT_EVENT, USAGE_EVENT)) + b"data: [DONE]\n\n"
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    provider.script = lambda _: Answer(200, headers, [gzip.compress(whole)])
    async with face.client(cache) as client:
        assert await (await ask(client, provider, stream=True)).read() == whole
    assert spent(cache).tokens == 12


async def test_what_a_rule_opened_counts(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=1), rules=[Rule(path="/own")])
    provider.script = lambda _: Answer.of({"value": 1})
    async with face.client(cache) as client:
        codes = [(await client.post(f"{provider.url}/own", json={"q": q})).status_code for q in range(2)]
    assert codes == [200, 424]


# -- several calls at once --------------------------------------------------------------------------------------------


async def test_calls_under_way_are_admitted_up_to_the_limit(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=5))
    codes: list[int] = []

    async def one(client: Client, number: int) -> None:
        codes.append((await ask(client, provider, str(number))).status_code)

    async with face.client(cache) as client:
        await face.together(*(partial(one, client, number) for number in range(16)))
    assert sorted(codes) == [200] * 5 + [424] * 11
    assert provider.calls == 5
    assert (spent(cache).calls, spent(cache).open) == (5, 0)


async def test_equal_calls_that_collapse_count_once(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=1))
    codes: list[int] = []

    async def one(client: Client) -> None:
        codes.append((await ask(client, provider)).status_code)

    async with face.client(cache) as client:
        await face.together(*(partial(one, client) for _ in range(8)))
    assert codes == [200] * 8
    assert spent(cache).calls == 1


async def test_a_stale_entry_that_answers_for_an_error_gives_the_place_back(
    face: Face, provider: Provider, budgeted: Callable[..., Cache]
) -> None:
    cache = budgeted(Budget(calls=2), ttl=0, stale_if_error="1d")
    async with face.client(cache) as client:
        await ask(client, provider)
        provider.script = lambda _: Answer.of({}, 503)
        for _ in range(3):
            assert (await ask(client, provider)).cache_status.detail == "stale-if-error"
    assert spent(cache).calls == 1


async def test_what_a_proxy_counts_is_not_counted_again(
    face: Face, provider: Provider, budgeted: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only budgets of the variable are the proxy's, too: those of the program's code count what it sends anywhere."""
    monkeypatch.setenv("WIRECACHE_PROXY", provider.url.removeprefix("http://"))
    monkeypatch.setenv("WIRECACHE_BUDGET", "calls=1")
    for cache, calls in ((Cache("memory://"), 0), (budgeted(Budget(calls=2, name="own")), 2)):
        async with face.client(cache) as client:
            for text in "ab":
                assert (await ask(client, provider, text)).status_code == 200
        assert (spent(cache).calls, spent(cache).open) == (calls, 0)
        cache.close()


# -- a counter in trouble ---------------------------------------------------------------------------------------------


class NoCounter(TwoMethods):
    """A store that keeps entries, and whose counter fails."""

    def count(self, counter: str, amounts: Any, *, ttl: float) -> dict[str, int]:
        raise OSError("gone")


async def test_a_counter_that_cannot_be_read_refuses(face: Face, provider: Provider) -> None:
    with Cache(NoCounter(), budget=Budget(calls=5)) as cache:
        async with face.client(cache) as client:
            reply = await ask(client, provider)
    assert "cannot be read or written, so it is not known what was spent: OSError: gone" in error_of(reply)["message"]
    assert reply.cache_status.detail == "budget-unreadable"
    assert provider.calls == 0


async def test_closing_a_reply_twice_settles_once(face: Face, provider: Provider, budgeted: Callable[..., Cache]) -> None:
    cache = budgeted(Budget(calls=5))
    async with face.client(cache) as client:
        reply = await ask(client, provider)
        await reply.close()
        await awaited(reply.native.aclose() if face.is_async else reply.native.close())
    assert (spent(cache).open, spent(cache).tokens) == (0, 12)


async def test_a_call_that_is_cancelled_after_it_was_sent_may_be_billed(
    face: Face, provider: Provider, budgeted: Callable[..., Cache]
) -> None:
    if not face.is_async:
        return  # a sync call cannot be cancelled
    cache, gate, arrived = budgeted(Budget(calls=5)), Gate(), Gate()

    def answer(_: Any) -> Answer | None:
        arrived.open()
        return Answer.of(CHAT) if gate.wait() else None

    provider.script = answer
    async with face.client(cache) as client, anyio.create_task_group() as group:
        group.start_soon(partial(ask, client, provider))
        assert await anyio.to_thread.run_sync(arrived.wait)
        group.cancel_scope.cancel()
    gate.open()
    assert (spent(cache).calls, spent(cache).untold, spent(cache).open) == (1, 1, 0)
