"""Which entries match a selection, and which page of them is shown? Each filter alone and together, each order, and any page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import CHAT, entry, quick
from wirecache._core.compare.query import Selection, Sort, host_of, page_of
from wirecache._core.messages import Entry, RequestSummary, Usage

STORED_AT = 1000.0
NOW = STORED_AT + 60


def asking(prompt: str, answer: str = "Bern.", *, url: str = CHAT, endpoint: str = "chat", model: str | None = "gpt-4o") -> Entry:
    body = {"choices": [{"message": {"role": "assistant", "content": answer}}]}
    return entry(
        stored_at=STORED_AT,
        body=json.dumps(body).encode(),
        request_body=json.dumps({"messages": [{"role": "user", "content": prompt}]}, ensure_ascii=False).encode(),
        summary=RequestSummary("POST", url, endpoint, model, {}).to_bytes(),
    )


CAPITAL = asking("What is the capital of Switzerland?")


@pytest.mark.parametrize(
    ("filters", "entry", "matches"),
    [
        pytest.param({}, CAPITAL, True, id="no condition"),
        pytest.param({"model": "gpt-4o"}, CAPITAL, True, id="a model"),
        pytest.param({"model": "GPT-4O"}, CAPITAL, True, id="a model in another case"),
        pytest.param({"model": "gpt-4"}, CAPITAL, False, id="the beginning of a model"),
        pytest.param({"model": "gpt-*"}, CAPITAL, True, id="a wildcard"),
        pytest.param({"model": "gpt-??"}, CAPITAL, True, id="single wildcards"),
        pytest.param({"model": "gpt-[34]o"}, CAPITAL, True, id="a set of characters"),
        pytest.param({"model": "*"}, asking("x", model=None), True, id="any model, where there is none"),
        pytest.param({"model": "gpt*"}, asking("x", model=None), False, id="a model, where there is none"),
        pytest.param({"host": "api.openai.com"}, CAPITAL, True, id="a host"),
        pytest.param({"host": "openai.com"}, CAPITAL, False, id="a part of a host"),
        pytest.param({"host": "localhost"}, asking("x", url="http://localhost:8000/v1/chat"), False, id="a host without its port"),
        pytest.param({"host": "localhost:*"}, asking("x", url="http://localhost:8000/v1/chat"), True, id="a host with any port"),
        pytest.param({"endpoint": "CHAT"}, CAPITAL, True, id="an endpoint"),
        pytest.param({"endpoint": "responses"}, CAPITAL, False, id="another endpoint"),
        pytest.param({"model": "gpt-4o", "host": "localhost"}, CAPITAL, False, id="one of two conditions"),
        pytest.param({"model": "gpt-4o", "host": "*", "endpoint": "ch*"}, CAPITAL, True, id="all of three conditions"),
        pytest.param({"text": "capital of"}, CAPITAL, True, id="text of the prompt"),
        pytest.param({"text": "BERN"}, CAPITAL, True, id="text of the answer in another case"),
        pytest.param({"text": "STRASSE"}, asking("Straße"), True, id="text that only case folding makes equal"),
        pytest.param({"text": "Zürich"}, CAPITAL, False, id="text of neither"),
        pytest.param({"text": "choices"}, CAPITAL, False, id="a name in the JSON of the answer"),
        pytest.param({"text": "Bern", "model": "claude*"}, CAPITAL, False, id="text, but another model"),
        pytest.param({"text": "\ufffd"}, entry(stored_at=STORED_AT, request_body=b"\xff"), True, id="bytes that are not UTF-8"),
    ],
)
def test_filters_of_request_and_answer(filters: dict[str, Any], entry: Entry, matches: bool) -> None:
    assert Selection(**filters).matches(entry, NOW) is matches


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        pytest.param({"younger": 60.0}, True, id="exactly the greatest age"),
        pytest.param({"younger": 59.9}, False, id="above the greatest age"),
        pytest.param({"older": 60.0}, True, id="exactly the least age"),
        pytest.param({"older": 60.1}, False, id="below the least age"),
        pytest.param({"younger": 90.0, "older": 30.0}, True, id="between"),
        pytest.param({"younger": 0.0}, False, id="no age at all"),
        pytest.param({"older": 0.0}, True, id="any age"),
        pytest.param({"older": 30.0, "text": "Zürich"}, False, id="the age, but another text"),
    ],
)
def test_filters_of_the_age(filters: dict[str, Any], matches: bool) -> None:
    assert Selection(**filters).matches(CAPITAL, NOW) is matches


@pytest.mark.parametrize("filters", [{"model": "*"}, {"host": "h"}, {"endpoint": "e"}, {"text": "t"}, {"younger": 0.0}, {"older": 0.0}])
def test_a_selection_with_a_condition_is_true(filters: dict[str, Any]) -> None:
    assert Selection(**filters)


def test_a_selection_without_one_is_false() -> None:
    assert not Selection()


def test_the_text_is_read_only_if_the_other_conditions_are_met() -> None:
    unreadable: Any = CAPITAL._replace(request_body=None)
    assert not Selection(model="claude*", text="x").matches(unreadable, NOW)
    assert not Selection(older=61.0, text="x").matches(unreadable, NOW)
    with pytest.raises(TypeError):
        Selection(text="x").matches(unreadable, NOW)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.openai.com/v1/chat", "api.openai.com"),
        ("http://localhost:8000/v1?q=a@b", "localhost:8000"),
        ("https://user:pass@host/x", "host"),
        ("http://[::1]:80/", "[::1]:80"),
        ("/v1/chat", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


# -- sorting and paging -----------------------------------------------------------------------------------------------


def sized(number: int, *, stored_at: float = 0.0, size: int = 0, seconds: float = 0.0, usage: Usage | None = None) -> Entry:
    return entry(key=f"{number:064x}", stored_at=stored_at, body=b"x" * size, seconds=seconds, usage=usage)


ENTRIES = [
    sized(0, stored_at=1, size=3, seconds=0.2, usage=Usage(9, 1)),
    sized(1, stored_at=3, size=1, seconds=0.3),
    sized(2, stored_at=2, size=2, seconds=0.1, usage=Usage(1, 10)),
]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (Sort.NEWEST, [1, 2, 0]),
        (Sort.OLDEST, [0, 2, 1]),
        (Sort.SIZE, [0, 2, 1]),
        (Sort.SECONDS, [1, 0, 2]),
        (Sort.TOKENS, [2, 0, 1]),
    ],
)
def test_each_order(sort: Sort, order: list[int]) -> None:
    page = page_of(ENTRIES, sort, 1, 10, newest_first=False)
    assert [int(found.key, 16) for found in page.entries] == order
    assert not page.more


def test_entries_that_are_newest_first_are_read_no_further_than_they_are_shown() -> None:
    read = []

    def entries() -> Iterator[Entry]:
        for number in range(100):
            read.append(number)
            yield sized(number)

    page = page_of(entries(), Sort.NEWEST, 2, 3)
    assert [int(found.key, 16) for found in page.entries] == [3, 4, 5]
    assert (page.more, len(read)) == (True, 7)  # one more than the pages have, to know that there are more


SORT_KEYS: dict[Sort, Any] = {
    Sort.NEWEST: lambda one: -one.stored_at,
    Sort.OLDEST: lambda one: one.stored_at,
    Sort.SIZE: lambda one: -len(one.body),
    Sort.SECONDS: lambda one: -one.seconds,
    Sort.TOKENS: lambda one: -(one.usage.total if one.usage else 0),
}
ANY_ENTRY = st.builds(
    sized,
    st.integers(0, 999),
    stored_at=st.integers(0, 5).map(float),
    size=st.integers(0, 5),
    seconds=st.integers(0, 5).map(float),
    usage=st.none() | st.builds(Usage, st.integers(0, 5), st.integers(0, 5)),
)


@quick
@given(st.lists(ANY_ENTRY, max_size=12), st.sampled_from(Sort), st.integers(1, 5), st.booleans())
def test_the_pages_together_are_the_sorted_entries(entries: list[Entry], sort: Sort, limit: int, newest_first: bool) -> None:
    if newest_first:
        entries = sorted(entries, key=SORT_KEYS[Sort.NEWEST])
    pages = [page_of(iter(entries), sort, number, limit, newest_first=newest_first) for number in range(1, len(entries) // limit + 3)]
    assert [found for page in pages for found in page.entries] == sorted(entries, key=SORT_KEYS[sort])
    assert [page.more for page in pages] == [number * limit < len(entries) for number in range(1, len(pages) + 1)]
    assert all(len(page.entries) == limit for page in pages if page.more)
