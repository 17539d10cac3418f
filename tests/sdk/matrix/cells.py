"""The columns of the matrix: what is checked of each SDK, with real sockets, and counted where the calls arrive."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.attach import row as attached
from tests.provider import Answer, Provider
from tests.sdk.matrix.bodies import TEXT, VECTOR, script, streamed
from tests.sdk.matrix.row import Colour, Hands, Row, collect, plain
from tests.sdk.wire import Gate, no_sockets
from wirecache import Cache, attach

__all__ = ["CELLS", "Cell", "applies"]

PATIENCE = 0.5  # seconds; the first retry of an SDK would cost more


class Cell(NamedTuple):
    """One column."""

    title: str
    applies: Callable[[Row], bool]
    check: Callable[[Row, Provider, Path], None]


def applies(row: Row, cell: Cell) -> bool:
    """Is there such a thing in this SDK?"""
    return cell.applies(row)


def _client(hands: Hands, row: Row, colour: Colour) -> Any:
    """The client with the cache: by the parameter, and if there is none, attached."""
    if colour.line is not None:
        return hands.make(colour.line)
    made = hands.make(colour.own)
    attach(made if row.attach_to is None else hands.make(row.attach_to), hands.cache)
    return made


def _own(hands: Hands, colour: Colour) -> Any:
    return hands.make(colour.own)


# -- whole answers ----------------------------------------------------------------------------------------------------


def _asked_again(row: Row, colour: Colour, provider: Provider, store: Path) -> None:
    with Cache(store) as cache, Hands.on(row, cache, provider.url) as hands:
        client = _client(hands, row, colour)
        for prompt in ("hello", "hello", "bye", "hello", "bye"):
            assert row.text(hands.settle(colour.calls.ask(client, prompt))) == TEXT
        assert (provider.calls, cache.stats.misses, cache.stats.hits) == (2, 2, 3)


def sync(row: Row, provider: Provider, store: Path) -> None:
    assert row.sync is not None
    _asked_again(row, row.sync, provider, store)


def asynchronous(row: Row, provider: Provider, store: Path) -> None:
    assert row.asynchronous is not None
    _asked_again(row, row.asynchronous, provider, store)


def parameter(row: Row, provider: Provider, store: Path) -> None:
    """Given as the README writes it, and nothing attached or installed."""
    for number, colour in enumerate(row.colours):
        if colour.line is not None:
            _asked_again(row, colour, provider, store / str(number))
            provider.asked.clear()


def _reached(how: attached.How, row: Row, provider: Provider, store: Path) -> None:
    for number, colour in enumerate(row.colours):
        with Cache(store / str(number)) as cache, Hands.on(row, cache, provider.url) as hands:
            ask: Any = lambda client, calls=colour.calls: calls.ask(client, "hello")  # noqa: E731
            to = row.attach_to
            attached.check(
                attached.Row(
                    row.name,
                    lambda _, hands=hands, colour=colour: _own(hands, colour),
                    None if colour is row.asynchronous else ask,
                    ask if colour is row.asynchronous else None,
                    (lambda made: made) if to is None else (lambda made, hands=hands: hands.make(to)),
                ),
                how,
                provider,
                cache,
            )
            provider.asked.clear()


def by_attach(row: Row, provider: Provider, store: Path) -> None:
    _reached("attach", row, provider, store)


def by_install(row: Row, provider: Provider, store: Path) -> None:
    _reached("install", row, provider, store)


def equal(row: Row, provider: Provider, store: Path) -> None:
    """What was asked without a cache, what was recorded, and the hit are one; and the provider's own models read it strictly."""
    for number, colour in enumerate(row.colours):
        with Cache(store / str(number)) as cache, Hands.on(row, cache, provider.url) as hands:
            live = hands.settle(colour.calls.ask(_own(hands, colour), "hello"))
            row.reset()
            client = _client(hands, row, colour)
            recorded, hit = [hands.settle(colour.calls.ask(client, "hello")) for _ in range(2)]
            assert type(live) is type(recorded) is type(hit)
            assert row.plain(live) == row.plain(recorded) == row.plain(hit)
            if row.model is not None:
                row.model(hit)
            assert (provider.calls, cache.stats.hits) == (2, 1)
            provider.asked.clear()


def raw(row: Row, provider: Provider, store: Path) -> None:
    for number, colour in enumerate(row.colours):
        begin = colour.calls.raw
        if begin is None:
            continue
        with Cache(store / str(number)) as cache, Hands.on(row, cache, provider.url) as hands:
            client = _client(hands, row, colour)
            plainly = hands.settle(colour.calls.ask(client, "hello"))
            for _ in range(2):
                response = hands.settle(begin(client))
                assert str(row.raw_headers(response)["cache-status"]).startswith("wirecache; hit")
                assert row.raw_headers(response)["x-request-id"] == "req_1"
                assert row.plain(hands.settle(row.raw_parsed(response))) == row.plain(plainly)
        assert provider.calls == 1
        provider.asked.clear()


# -- streams ----------------------------------------------------------------------------------------------------------


def stream_live(row: Row, provider: Provider, store: Path) -> None:
    """By default a stream goes out each time, and its first event is there before the provider has sent the last ones."""
    for number, colour in enumerate(row.colours):
        stream = colour.calls.stream
        if stream is None:
            continue
        with Cache(store / str(number)) as cache, Hands.on(row, cache, provider.url) as hands:
            client = _client(hands, row, colour)
            for call in (1, 2):
                gates: list[Gate] = []

                def held(asked: Any, gates: list[Gate] = gates) -> Answer:
                    events = streamed(asked)
                    gates.append(Gate([b"".join(events[:-2]), *events[-2:]]))
                    return Answer(200, (script(asked) or Answer()).headers, gates[-1].answer().chunks)

                provider.script = held
                assert collect(hands.loop, lambda: stream(client), lambda gates=gates: gates[-1].open())
                assert [gate.in_time for gate in gates] == [True]
                assert (provider.calls, cache.stats.hits, cache.stats.stored) == (call, 0, 0)
        provider.asked.clear()


def stream_recorded(row: Row, provider: Provider, store: Path) -> None:
    """With ``streams="record"``: live, recorded and replayed are the same events, and the replay needs no network."""
    for number, colour in enumerate(row.colours):
        stream = colour.calls.stream
        if stream is None:
            continue
        with Cache(store / str(number), streams="record") as cache, Hands.on(row, cache, provider.url) as hands:
            live = collect(hands.loop, lambda: stream(_own(hands, colour)))
            row.reset()
            client = _client(hands, row, colour)
            recorded = collect(hands.loop, lambda: stream(client))
            with no_sockets() as tried:
                replayed = collect(hands.loop, lambda: stream(client))
            assert tried == []
            assert len(live) >= 2
            assert [row.plain(each) for each in live] == [row.plain(each) for each in recorded] == [row.plain(each) for each in replayed]
            assert (provider.calls, cache.stats.hits, cache.stats.stored) == (2, 1, 1)
        provider.asked.clear()


# -- other calls ------------------------------------------------------------------------------------------------------


def _twice(row: Row, provider: Provider, store: Path, which: str, expected: Any) -> None:
    for number, colour in enumerate(row.colours):
        call = getattr(colour.calls, which)
        if call is None:
            continue
        with Cache(store / str(number)) as cache, Hands.on(row, cache, provider.url) as hands:
            client = _other(hands, colour) if which == "embed" and colour.embedder else _client(hands, row, colour)
            answers = [hands.settle(call(client)) for _ in range(2)]
            assert answers == [expected] * 2
            assert (provider.calls, cache.stats.hits) == (1, 1)
        provider.asked.clear()


def _other(hands: Hands, colour: Colour) -> Any:
    assert colour.embedder is not None
    return hands.make(colour.embedder[0])


def embeddings(row: Row, provider: Provider, store: Path) -> None:
    _twice(row, provider, store, "embed", VECTOR)


def audio(row: Row, provider: Provider, store: Path) -> None:
    """Multipart: a new boundary in each request."""
    _twice(row, provider, store, "transcribe", TEXT)


def tools(row: Row, provider: Provider, store: Path) -> None:
    """A conversation of two turns, with a tool's answer between: two calls, and on the second run none."""
    for number, colour in enumerate(row.colours):
        turn = colour.calls.tools
        if turn is None:
            continue
        with Cache(store / str(number)) as cache, Hands.on(row, cache, provider.url) as hands:
            client = _client(hands, row, colour)
            finals = []
            for _ in range(2):
                answer = None
                for _ in range(row.turns):
                    answer = hands.settle(turn(client, answer))
                finals.append(row.text(answer))
            assert finals == [TEXT] * 2
            assert (provider.calls, cache.stats.misses, cache.stats.hits) == (2, 2, 2)
        provider.asked.clear()


def offline(row: Row, provider: Provider, store: Path) -> None:
    """A miss in offline mode: the SDK's error shows the message, after one call and no wait."""
    for number, colour in enumerate(row.colours):
        with Cache(store / str(number)) as cache, Hands.on(row, cache, provider.url) as hands:
            hands.settle(colour.calls.ask(_client(hands, row, colour), "hello"))  # what the SDK imports late is there then
        provider.asked.clear()
        with Cache(store / str(number), mode="offline") as cache, Hands.on(row, cache, provider.url) as hands, no_sockets() as tried:
            client = _client(hands, row, colour)
            assert row.text(hands.settle(colour.calls.ask(client, "hello"))) == TEXT
            seconds = [_refused(hands, colour, client, f"never asked {number}") for number in range(3)]
            assert (cache.stats.misses, cache.stats.hits) == (3, 1)
            assert min(seconds) < PATIENCE
        assert (tried, provider.calls) == ([], 0)


def _refused(hands: Hands, colour: Colour, client: Any, prompt: str) -> float:
    begun = time.perf_counter()
    try:
        hands.settle(colour.calls.ask(client, prompt))
    except Exception as error:
        seconds = time.perf_counter() - begun
        assert "wirecache is offline and has no stored answer for POST" in str(error)
        return seconds
    raise AssertionError("answered what was never asked")


def upstream(row: Row, provider: Provider, store: Path) -> None:
    """However often and from whichever side it is asked, one call arrives."""
    with Cache(store) as cache, Hands.on(row, cache, provider.url) as hands:
        for _ in range(5):
            for colour in row.colours:
                hands.settle(colour.calls.ask(_client(hands, row, colour), "hello"))
                row.reset()
        assert (provider.calls, cache.stats.hits) == (1, 5 * len(row.colours) - 1)


def _has(which: str) -> Callable[[Row], bool]:
    return lambda row: any(getattr(colour.calls, which) is not None for colour in row.colours)


def _always(_: Row) -> bool:
    return True


CELLS: dict[str, Cell] = {
    "sync": Cell("sync", lambda row: row.sync is not None, sync),
    "async": Cell("async", lambda row: row.asynchronous is not None, asynchronous),
    "parameter": Cell("by parameter", lambda row: any(colour.line for colour in row.colours), parameter),
    "attach": Cell("`attach`", _always, by_attach),
    "install": Cell("`install`, `run`", _always, by_install),
    "equal": Cell("a hit equals live", _always, equal),
    "raw": Cell("raw response", _has("raw"), raw),
    "stream-live": Cell("stream passes live", _has("stream"), stream_live),
    "stream-recorded": Cell("stream recorded", _has("stream"), stream_recorded),
    "embeddings": Cell("embeddings", _has("embed"), embeddings),
    "audio": Cell("audio upload", _has("transcribe"), audio),
    "tools": Cell("tool loop", _has("tools"), tools),
    "offline": Cell("offline miss", _always, offline),
    "upstream": Cell("calls upstream", _always, upstream),
}
