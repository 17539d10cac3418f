"""The nearest stored request: the index names a few that may be it, and it is the one that an exact search of all finds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.ui import sample
from wirecache import Cache, MemoryStore
from wirecache._core.compare.diff import likeness
from wirecache._core.compare.nearest import nearest_of
from wirecache._core.keys.canonical import canonical_text, parse_body
from wirecache._core.keys.keys import request_from
from wirecache._core.messages import Entry
from wirecache._core.rules.plan import Plan
from wirecache._inspector.index_rows import indexed
from wirecache._inspector.index_schema import place_of
from wirecache._inspector.nearest import candidates
from wirecache._inspector.search_index import SearchIndex
from wirecache._inspector.sources import StoreSource

Body = dict[str, Any]
TOPICS = ("harbours", "orchards", "lanterns", "glaciers", "violins")
LONG = "Answer in three short sentences, for a reader who has never heard of it, and name your sources. " * 4
MANY = 300


def stored_bodies() -> list[Body]:
    """Chats with a system prompt, with a clock in it, with a long instruction before what is asked, and with tools."""
    return [_body(number) for number in range(MANY)]


def _body(number: int) -> Body:
    about = f"{TOPICS[number % 5]} of town{number * 7919 % 10_007}x and of the year {1000 + number}"
    call = {"id": f"call_{number}", "type": "function", "function": {"name": "look_up", "arguments": json.dumps({"at": number})}}
    messages: list[Body] = [
        [{"role": "system", "content": "You are brief."}, {"role": "user", "content": f"Tell me of the {about}."}],
        [{"role": "system", "content": f"It is 2026-11-{number % 28 + 1:02d} 10:{number % 60:02d}."}, {"role": "user", "content": about}],
        [{"role": "user", "content": f"{LONG} The {about}."}],
        [{"role": "user", "content": f"Look up the {about}."}, {"role": "assistant", "tool_calls": [call]},
         {"role": "tool", "tool_call_id": call["id"], "content": f"found {number} of {about}"}],
    ][number % 4]  # fmt: skip
    return {"model": "gpt-4o", "temperature": 0, "messages": messages}


def alike(entry: Entry, body: Body) -> float:
    return likeness(json.loads(bytes(entry.request_body)), body)


def clock(body: Body) -> None:
    body["messages"][0]["content"] = f"Now: 2026-12-01 08:00. {body['messages'][0]['content']}"


def last_words(body: Body) -> None:
    body["messages"][-1]["content"] += " Be quick."


def first_words(body: Body) -> None:
    body["messages"][-1]["content"] = f"(2026-12-01 08:00) {body['messages'][-1]['content']}"


def one_more(body: Body) -> None:
    body["messages"] += [{"role": "assistant", "content": "Done."}, {"role": "user", "content": "Go on."}]


def setting(body: Body) -> None:
    body["temperature"] = 0.7


@pytest.fixture(scope="module")
def stored() -> tuple[list[Entry], SearchIndex]:
    now = time.time()
    answer = sample.chat_answer("Certainly.", 10, 2)
    entries = [sample.exchange(sample.OPENAI, body, answer, now=now, age=age) for age, body in enumerate(stored_bodies())]
    source, index = StoreSource("0", Cache(MemoryStore())), SearchIndex()
    index.add([indexed(source, entry.key, entry, now) for entry in entries])
    return entries, index


@pytest.mark.parametrize("change", [clock, last_words, first_words, one_more, setting], ids=lambda change: change.__name__)
def test_it_is_the_one_that_an_exact_search_finds(change: Callable[[Body], None], stored: tuple[list[Entry], SearchIndex]) -> None:
    entries, index = stored
    by_key = {entry.key: entry for entry in entries}
    request = request_from("POST", sample.OPENAI, {})
    for number in range(MANY - 40, MANY, 13):  # of the oldest, in each form
        changed = _body(number)
        change(changed)
        body = parse_body(json.dumps(changed).encode())
        found = candidates(index, "0", place_of("POST", sample.OPENAI), canonical_text(body))
        assert len(found) <= 72
        exact = nearest_of(entries, request, body, Plan())
        quick = nearest_of((by_key[ref] for ref in found), request, body, Plan())
        assert exact is not None
        assert quick is not None
        assert alike(quick.entry, changed) == alike(exact.entry, changed)
        assert quick.entry is entries[number]


def test_other_sources_and_paths_are_not_near(stored: tuple[list[Entry], SearchIndex]) -> None:
    _, index = stored
    raw = json.dumps(_body(0)).encode()
    assert candidates(index, "1", place_of("POST", sample.OPENAI), raw) == []
    assert candidates(index, "0", place_of("POST", sample.EMBEDDINGS), raw) == []
    assert candidates(index, "0", place_of("PUT", sample.OPENAI), raw) == []


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"null", b"[]", b'{"messages": [{"role": "user", "content": "\\ud800 \\u0000 \\" AND ("}]}']
)
def test_any_body_has_candidates(raw: bytes, stored: tuple[list[Entry], SearchIndex]) -> None:
    assert candidates(stored[1], "0", place_of("POST", sample.OPENAI), raw)


def test_the_cache_of_this_process_searches_no_longer_because_somebody_looks() -> None:
    cache = Cache(MemoryStore())
    before = cache.engine.search_seconds
    StoreSource("0", cache).explain({"url": sample.OPENAI, "body": {"model": "gpt-4o"}}, lambda *_: None)
    assert cache.engine.search_seconds == before
