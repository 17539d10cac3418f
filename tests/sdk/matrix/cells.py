"""The columns of the matrix: what is checked of each SDK, with real sockets, and counted where the calls arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.clients import row as attached
from tests.provider import Answer, Provider
from tests.sdk.matrix.bodies import TEXT, VECTOR, script, streamed
from tests.sdk.matrix.row import Calls, Colour, Hands, Row, collect
from tests.sdk.wire import Gate, no_sockets
from wirecache import Cache

__all__ = ["CELLS", "Cell"]


class Cell(NamedTuple):
    """One column."""

    applies: Callable[[Row], bool]
    check: Callable[[Row, Provider, Path], None]


class On(NamedTuple):
    """One colour of an SDK on one cache."""

    row: Row
    colour: Colour
    provider: Provider
    cache: Cache
    hands: Hands

    @property
    def calls(self) -> Calls:
        return self.colour.calls

    def client(self) -> Any:
        """The client with the cache: by the parameter, and if there is none, attached."""
        if self.colour.line is not None:
            return self.hands.make(self.colour.line)
        return self.hands.attached(self.colour.own)

    def own(self) -> Any:
        """The client without."""
        return self.hands.make(self.colour.own)

    def events(self, client: Any, first: Callable[[], None] = lambda: None) -> list[Any]:
        assert self.calls.stream is not None
        return collect(self.hands.loop, self.calls.stream(client), self.colour is self.row.asynchronous, first)

    def ask(self, client: Any, prompt: str = "hello") -> Any:
        return self.hands.settle(self.calls.ask(client, prompt))


Check = Callable[[On], None]


def _each(check: Check, has: str = "ask", **options: Any) -> Callable[[Row, Provider, Path], None]:
    """That check of each colour that has such a call, on caches and counts of their own."""

    def all_of(row: Row, provider: Provider, store: Path) -> None:
        for number, colour in enumerate(row.colours):
            there = getattr(colour, has, None) or getattr(colour.calls, has, None)
            if there is not None:
                with Cache(store / str(number), **options) as cache, Hands.on(row, cache, provider.url) as hands:
                    check(On(row, colour, provider, cache, hands))
                provider.requests.clear()

    return all_of


# -- whole answers ----------------------------------------------------------------------------------------------------


def repeated(on: On) -> None:
    client = on.client()
    for prompt in ("hello", "hello", "bye", "hello", "bye"):
        assert on.row.text(on.ask(client, prompt)) == TEXT
    assert (on.provider.calls, on.cache.stats.hits) == (2, 3)


def of_colour(which: str) -> Callable[[Row, Provider, Path], None]:
    """Return the check for the sync or the async client alone; ``which`` is the one that is left out."""
    return lambda row, provider, store: _each(repeated)(replace(row, **{which: None}), provider, store)


def reached(how: attached.How) -> Check:
    """A client that was made in the SDK's own way."""

    def check(on: On) -> None:
        row, asynchronous = on.row, on.colour is on.row.asynchronous

        def ask(client: Any) -> Any:
            return on.calls.ask(client, "hello")

        def target(made: Any) -> Any:
            return made if row.attach_to is None else on.hands.make(row.attach_to)

        one = attached.Row(row.name, lambda _: on.own(), None if asynchronous else ask, ask if asynchronous else None, target)
        attached.check(one, how, on.provider, on.cache)

    return check


def equal(on: On) -> None:
    """What was asked without a cache, what was recorded, and the hit are one; and the provider's own models read it strictly."""
    live = on.ask(on.own())
    on.row.reset()
    client = on.client()
    recorded, hit = on.ask(client), on.ask(client)
    assert type(live).__name__ == type(recorded).__name__ == type(hit).__name__  # instructor makes a class for each call
    assert on.row.plain(live) == on.row.plain(recorded) == on.row.plain(hit)
    if on.row.model is not None:
        on.row.model(hit)
    assert (on.provider.calls, on.cache.stats.hits) == (2, 1)


def raw(on: On) -> None:
    row, client, begin = on.row, on.client(), on.calls.raw
    assert begin is not None
    plainly = on.ask(client)
    for _ in range(2):
        response = on.hands.settle(begin(client))
        assert str(row.raw_headers(response)["cache-status"]).startswith("wirecache; hit")
        assert row.raw_headers(response)["x-request-id"] == "req_1"
        assert row.plain(on.hands.settle(row.raw_parsed(response))) == row.plain(plainly)
    assert on.provider.calls == 1


# -- streams ----------------------------------------------------------------------------------------------------------


def stream_live(on: On) -> None:
    """By default a stream goes out each time, and its first event is there before the provider has sent the last ones."""
    client, gates = on.client(), []

    def held(request: Any) -> Answer:
        events = streamed(request)
        gates.append(Gate([b"".join(events[:-2]), *events[-2:]], *([2.0] if "stream-live" in on.colour.without else [])))
        return Answer(200, (script(request) or Answer()).headers, gates[-1].answer().chunks)

    on.provider.script = held
    if "stream-live" in on.colour.without:
        on.events(client, lambda: gates[-1].open())
        assert [gate.in_time for gate in gates] == [False], "it is live now: say so in its row"
        return
    for call in (1, 2):
        assert on.events(client, lambda: gates[-1].open())
        assert (on.provider.calls, on.cache.stats.hits, on.cache.stats.stored) == (call, 0, 0)
    assert [gate.in_time for gate in gates] == [True, True]


def stream_recorded(on: On) -> None:
    """With ``streams="record"``: live, recorded and replayed are the same events, and the replay needs no network."""
    live = on.events(on.own())
    on.row.reset()
    client = on.client()
    recorded = on.events(client)
    if "stream-recorded" in on.colour.without:
        assert on.events(client)
        assert (on.provider.calls, on.cache.stats.stored) == (3, 0), "it is recorded now: say so in its row"
        return
    with no_sockets() as tried:
        replayed = on.events(client)
    assert tried == []
    assert len(live) >= 2
    plain = on.row.plain
    assert [plain(event) for event in live] == [plain(event) for event in recorded] == [plain(event) for event in replayed]
    assert (on.provider.calls, on.cache.stats.hits, on.cache.stats.stored) == (2, 1, 1)


# -- other calls ------------------------------------------------------------------------------------------------------


def embeddings(on: On) -> None:
    assert on.calls.embed is not None
    client = on.client() if on.colour.embedder is None else on.hands.make(on.colour.embedder)
    assert [on.hands.settle(on.calls.embed(client)) for _ in range(2)] == [VECTOR] * 2
    assert (on.provider.calls, on.cache.stats.hits) == (1, 1)


def audio(on: On) -> None:
    """Multipart: a new boundary in each request."""
    client = on.client()
    assert on.calls.transcribe is not None
    assert [on.hands.settle(on.calls.transcribe(client)) for _ in range(2)] == [TEXT] * 2
    assert (on.provider.calls, on.cache.stats.hits) == (1, 1)
    assert str(on.provider.requests[0].header("content-type")).startswith("multipart/form-data")


def tools(on: On) -> None:
    """A conversation of two turns, with a tool's answer between: two calls, and on the second run none."""
    client, turn, finals = on.client(), on.calls.tools, []
    assert turn is not None
    for _ in range(2):
        answer = None
        for _ in range(on.row.turns):
            answer = on.hands.settle(turn(client, answer))
        finals.append(on.row.text(answer))
    assert finals == [TEXT] * 2
    assert (on.provider.calls, on.cache.stats.misses, on.cache.stats.hits) == (2, 2, 2)


def offline(row: Row, provider: Provider, store: Path) -> None:
    """A miss in offline mode: the SDK's error shows the message, after one call and no wait."""
    for number, colour in enumerate(row.colours):
        place = store / str(number)
        with Cache(place) as cache, Hands.on(row, cache, provider.url) as hands:
            on = On(row, colour, provider, cache, hands)
            on.ask(on.client())  # what the SDK imports late is there then
        provider.requests.clear()
        with Cache(place, mode="offline") as cache, Hands.on(row, cache, provider.url) as hands, no_sockets() as tried:
            _refused(On(row, colour, provider, cache, hands))
        assert (tried, provider.calls) == ([], 0)


def _refused(on: On) -> None:
    client = on.client()
    assert on.row.text(on.ask(client)) == TEXT
    for number in range(3):
        with pytest.raises(Exception, match="wirecache is offline and has no stored answer for POST"):
            on.ask(client, f"never asked {number}")
    assert (on.cache.stats.misses, on.cache.stats.hits) == (3, 1)  # no SDK sent one again


def upstream(row: Row, provider: Provider, store: Path) -> None:
    """However often and from whichever side it is asked, one call arrives."""
    with Cache(store) as cache, Hands.on(row, cache, provider.url) as hands:
        for _ in range(5):
            for colour in row.colours:
                on = On(row, colour, provider, cache, hands)
                on.ask(on.client())
                row.reset()
        assert (provider.calls, cache.stats.hits) == (1, 5 * len(row.colours) - 1)


def _has(which: str) -> Callable[[Row], bool]:
    return lambda row: any(getattr(colour.calls, which) is not None for colour in row.colours)


def _always(_: Row) -> bool:
    return True


CELLS: dict[str, Cell] = {
    "sync": Cell(lambda row: row.sync is not None, of_colour("asynchronous")),
    "async": Cell(lambda row: row.asynchronous is not None, of_colour("sync")),
    "parameter": Cell(lambda row: any(colour.line for colour in row.colours), _each(repeated, "line")),
    "attach": Cell(_always, _each(reached("attach"))),
    "install": Cell(_always, _each(reached("install"))),
    "equal": Cell(_always, _each(equal)),
    "raw": Cell(_has("raw"), _each(raw, "raw")),
    "stream-live": Cell(_has("stream"), _each(stream_live, "stream")),
    "stream-recorded": Cell(_has("stream"), _each(stream_recorded, "stream", streams="record")),
    "embeddings": Cell(_has("embed"), _each(embeddings, "embed")),
    "audio": Cell(_has("transcribe"), _each(audio, "transcribe")),
    "tools": Cell(_has("tools"), _each(tools, "tools")),
    "offline": Cell(_always, offline),
    "upstream": Cell(_always, upstream),
}
