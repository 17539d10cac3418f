"""The index: whatever is typed is a valid query, and many exchanges answer soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import quick
from wirecache._inspector.index_rows import excerpt
from wirecache._inspector.index_schema import IndexRow
from wirecache._inspector.search_index import Filters, Order, SearchIndex
from wirecache._inspector.search_query import match_expression, words_of

MANY = 20_000


def row(number: int, **changes: object) -> IndexRow:
    made = IndexRow(
        source="0", ref=f"{number:064x}", key=f"{number:064x}", stored_at=float(number), expires_at=number + 10.0, method="POST", url="https://a/b",
        host="a", endpoint="chat", model=f"m{number % 7}", namespace="", sample=0, status=200, stream=0, test="", prompt=f"prompt {number}",
        answer="answer", input=1, output=2, tokens=number % 1000, usage="1 2 0 0 0 0 0", cost=None, seconds=1.0, size=10, hits=0, chain=b"",
        answer_id="", previous_id="",
    )  # fmt: skip
    return made._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    made = SearchIndex()
    words = [f"word{number}" for number in range(500)]
    for start in range(0, MANY, 1000):
        texts = [
            (f"prompt {number} {' '.join(words[number % 400 : number % 400 + 40])}", "answer", "tool")
            for number in range(start, start + 1000)
        ]
        made.add(zip(map(row, range(start, start + 1000)), texts, strict=True))
    return made


@quick
@given(st.text())
def test_whatever_is_typed_is_a_valid_query(typed: str) -> None:
    index = SearchIndex()
    index.add([(row(1), ("one", "two", "three"))])
    index.find(Filters(text=typed, model=typed, host=typed, test=typed), Order.NEWEST, page=1, limit=1, now=0)
    words_of(typed)


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("a b", '"a"* AND "b"*'),
        ('"a b" c', '"a b" AND "c"*'),
        ("a -b", '"a"* NOT "b"'),
        ("-b", ""),
        ("get_weather", '"get weather"*'),
        ("日本", '"日 本"*'),
        ('"', ""),
        ("a OR b", '"a"* AND "OR"* AND "b"*'),
    ],
)
def test_queries(typed: str, query: str) -> None:
    assert match_expression(typed) == query


@pytest.mark.usefixtures("only_new_garbage")
@pytest.mark.parametrize(
    "filters", [Filters(), Filters(text="prompt"), Filters(text="w"), Filters(text="word17 word18", model="M1"), Filters(fresh=False)]
)
@pytest.mark.parametrize("order", [Order.NEWEST, Order.TOKENS])
def test_many_exchanges_answer_soon(filters: Filters, order: Order, index: SearchIndex) -> None:
    started = time.thread_time()
    found = index.find(filters, order, page=1, limit=50, now=float(MANY))
    assert time.thread_time() - started < 1  # of the processor: a page of 100,000 takes less than 0.2 s
    assert found.total > 0


def test_an_exchange_that_is_written_again_replaces_its_row() -> None:
    index = SearchIndex()
    index.add([(row(1), ("before", "", ""))])
    index.add([(row(1, prompt="again"), ("after", "", ""))])
    assert index.count() == 1
    assert index.find(Filters(text="before"), Order.NEWEST, page=1, limit=9, now=0).total == 0
    assert index.find(Filters(text="after"), Order.NEWEST, page=1, limit=9, now=0).rows[0].prompt == "again"
    index.remove("0", [row(1).ref])
    assert index.count() == 0


def test_what_the_database_refuses_is_replaced() -> None:
    index = SearchIndex()
    index.add([(row(1, prompt="\ud800"), ("\ud800 words", "", ""))])
    assert index.find(Filters(text="words"), Order.NEWEST, page=1, limit=9, now=0).rows[0].prompt == "?"


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(model="m3"),
        Filters(model="*3", fresh=False, host="a"),
        Filters(fresh=True, endpoint="CHAT", status=200, namespace="", source="0"),
        Filters(younger=5000, test=""),
        Filters(text="prompt", model="m3", fresh=False),
        Filters(between=(10.0, 9000.0)),
    ],
    ids=repr,
)
def test_a_list_is_found_by_its_columns_alone(index: SearchIndex, filters: Filters, order: Order) -> None:
    """Rows of a conversation are kilobytes: only those that are shown are read."""
    statements: list[str] = []
    index._database.set_trace_callback(statements.append)
    try:
        found = index.find(filters, order, page=3, limit=7, now=15_000.0)
    finally:
        index._database.set_trace_callback(None)
    chosen = [each for each in statements if "FROM rows INDEXED BY" in each]
    assert len(chosen) == 2
    for statement in chosen:
        plan = " ".join(step[3] for step in index.query(f"EXPLAIN QUERY PLAN {statement}"))
        assert "USING COVERING INDEX" in plan
    everything = index.find(filters, order, page=1, limit=MANY, now=15_000.0)
    assert found.total == everything.total == len(everything.rows) == len(index.all(filters, 15_000.0))
    assert found.rows == everything.rows[14:21]


def test_globs_ignore_case_and_know_each_value() -> None:
    index = SearchIndex()
    rows = [row(number, model=model, host=host) for number, (model, host) in enumerate([("GPT-4o", "a"), ("gpt-4o", "B"), ("\ud800", "a")])]
    index.add((each, ("", "", "")) for each in rows)

    def refs(**filters: str) -> list[str]:
        return [found.ref[-1] for found in index.find(Filters(**filters), Order.OLDEST, page=1, limit=9, now=0).rows]  # type: ignore[arg-type]

    assert refs(model="gpt*") == ["0", "1"]
    assert refs(model="GPT-4O", host="b") == ["1"]
    assert refs(model="[^g]*") == ["2"]
    assert refs(model="gpt-4") == []
    index.add([(rows[0]._replace(model="new"), ("", "", ""))])
    assert (refs(model="new"), refs(model="gpt*")) == (["0"], ["1"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Take it to **Bergen**:\n rain", "Take it to Bergen: rain"),
        ("Run `ls -l`, then ``x``", "Run ls -l, then x"),
        ("**a** and **b**", "a and b"),
        ("2 ** 3 ** 4 and a*b", "2 ** 3 ** 4 and a*b"),
        ("an open **mark", "an open **mark"),
        ("```py\nprint(1)\n```", "```py print(1) ```"),
        ("**" * 10_000, ("**" * 120)),
    ],
)
def test_an_excerpt_has_no_marks_of_markdown(text: str, shown: str) -> None:
    assert excerpt(text) == shown
