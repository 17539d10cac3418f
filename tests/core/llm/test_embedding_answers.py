"""How are answers with vectors taken apart and put together, number by number as they were written?"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import quick
from tests.embedder import COHERE, GEMINI, OLLAMA, OPENAI, Embedder, body_for, vectors_in
from wirecache._core.llm.embedding_answers import (
    COUNT,
    INDEX,
    LENGTH,
    VECTOR,
    Envelope,
    ItemAnswer,
    ItemReader,
    compose,
    read_answer,
)
from wirecache._core.llm.embedding_requests import SHAPES, AnswerForm

FORMS = {OLLAMA: SHAPES[0].answer, GEMINI: SHAPES[1].answer, COHERE: SHAPES[2].answer, OPENAI: SHAPES[3].answer}
PATHS = st.sampled_from(list(FORMS))
TEXTS = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=6, unique=True)


def answer_of(path: str, items: list[str], **how: Any) -> bytes:
    return Embedder(**how).answer(path, body_for(path, items)).encode()


def read(path: str, body: bytes, count: int) -> ItemAnswer:
    answer = read_answer(FORMS[path], body, count)
    assert isinstance(answer, ItemAnswer)
    return answer


@quick
@given(PATHS, TEXTS, st.data())
def test_what_is_composed_is_what_was_taken_apart(path: str, items: list[str], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(items))))
    body = answer_of(path, items, order=lambda places: order)
    answer = read(path, body, len(items))
    wanted = data.draw(st.lists(st.sampled_from(range(len(items))), max_size=8))
    composed = compose(answer.envelope, [answer.pieces[place] for place in wanted], [answer.envelope])
    assert json.loads(composed).keys() == json.loads(body).keys()
    if wanted:
        vectors = vectors_in(path, body)
        assert vectors_in(path, composed) == [vectors[place] for place in wanted]
        again = read(path, composed, len(wanted))
        assert [piece.likeness for piece in again.pieces] == [answer.pieces[0].likeness] * len(wanted)


@quick
@given(PATHS, st.lists(TEXTS, min_size=1, max_size=3))
def test_the_reader_of_many_reads_as_one_does(path: str, lists: list[list[str]]) -> None:
    reader = ItemReader(FORMS[path])
    for items in lists:
        answer = read(path, answer_of(path, items), len(items))
        for piece in answer.pieces:
            body = compose(answer.envelope, [piece], [])
            assert reader.read(body) == read_answer(FORMS[path], body, 1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"data": {}}', COUNT), ("{}", COUNT), ('{"data": null}', COUNT), ('{"data": []}', COUNT),
        ('{"data": [{"index": 0, "embedding": [1]}]}', COUNT),
        ('{"data": [1, 2]}', VECTOR), ('{"data": [[1], [2]]}', VECTOR), ('{"data": [{"index": 0}, {"index": 1}]}', VECTOR),
        ('{"data": [{"embedding": [1]}, {"embedding": []}]}', VECTOR), ('{"data": [{"embedding": [1]}, {"embedding": [null]}]}', VECTOR),
        ('{"data": [{"embedding": [1]}, {"embedding": null}]}', VECTOR), ('{"data": [{"embedding": [[1]]}, {"embedding": [[1]]}]}', VECTOR),
        ('{"data": [{"embedding": [1]}, {"embedding": [1, 2]}]}', LENGTH),
        ('{"data": [{"embedding": [1]}, {"embedding": "aaaa"}]}', LENGTH),
        ('{"data": [{"embedding": "aaaa"}, {"embedding": "aaaaaaaa"}]}', LENGTH),
        ('{"data": [{"embedding": ""}, {"embedding": ""}]}', VECTOR),
        ('{"data": [{"embedding": [1], "index": 0}, {"embedding": [1]}]}', INDEX),
        ('{"data": [{"embedding": [1], "index": 0}, {"embedding": [1], "index": 0}]}', INDEX),
        ('{"data": [{"embedding": [1], "index": 0.0}, {"embedding": [1], "index": 1}]}', INDEX),
        ('{"data": [{"embedding": [1], "index": null}, {"embedding": [1], "index": null}]}', INDEX),
        ('{"data": [{"embedding": [1], "index": 1}, {"embedding": [1], "index": 2}]}', INDEX),
    ],
)  # fmt: skip
def test_what_does_not_agree(body: str, reason: str) -> None:
    assert read_answer(FORMS[OPENAI], body.encode(), 2) == reason


def test_base64_counts_without_its_escapes() -> None:
    body = rb'{"data": [{"embedding": "a\/aa"}, {"embedding": "aaaa"}]}'
    assert isinstance(read_answer(FORMS[OPENAI], body, 2), ItemAnswer)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"embeddings": {}, "texts": ["a"]}', COUNT), ('{"embeddings": {"float": [[1]], "int8": []}}', COUNT),
        ('{"embeddings": {"float": [[1]], "int8": 1}}', COUNT), ('{"embeddings": {"float": [[1]]}, "texts": ["a", "b"]}', COUNT),
        ('{"embeddings": "a"}', COUNT),
    ],
)  # fmt: skip
def test_lists_of_cohere_that_do_not_agree(body: str, reason: str) -> None:
    assert read_answer(FORMS[COHERE], body.encode(), 1) == reason


@pytest.mark.parametrize(
    "body",
    ['{"embeddings": [[1]], "texts": ["a"]}', '{"embeddings": {"float": [[1]], "int8": null}, "texts": []}', '{"embeddings": [[1]]}'],
)
def test_forms_of_cohere(body: str) -> None:
    assert isinstance(read_answer(FORMS[COHERE], body.encode(), 1), ItemAnswer)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b"a",
        b'{"data": [{"embedding": [1]',
        b'{"data": [{"embedding": [0.5]}], "model": "n"}',
        b'{"data": [{"embedding": [1]}] }',
    ],
)
def test_the_reader_of_many_meets_others(body: bytes) -> None:
    reader = ItemReader(FORMS[OPENAI])
    reader.read(b'{"data": [{"embedding": [1]}], "model": "m"}')
    alone = ItemReader(FORMS[OPENAI]).read(body)
    assert reader.read(body) == alone


def test_the_reader_of_many_sees_a_second_item() -> None:
    reader = ItemReader(FORMS[OPENAI])
    reader.read(b'{"data": [{"embedding": [1]}]}')
    for body in (b'{"data": [{"embedding": [1]}, {"embedding": [2]}]}', b'{"data": [{"embedding": [1]}], "a": [{"embedding": [2]}]}'):
        assert reader.read(body) == read_answer(FORMS[OPENAI], body, 1)
    assert reader.read(b'{"data": [{"embedding": [1], "index": 1}]}') == INDEX


def counted(own: str, *billed: str) -> Any:
    """The usage of an answer that reports that of others."""

    def envelope(usage: str) -> Envelope:
        answer = read_answer(AnswerForm("e", usage=("usage",)), f'{{"e": [[1]], "usage": {usage}}}'.encode(), 1)
        assert isinstance(answer, ItemAnswer)
        return answer.envelope

    return json.loads(compose(envelope(own), [], [envelope(usage) for usage in billed]))["usage"]


def test_usage() -> None:
    own = '{"tokens": 5, "details": [{"kind": "text", "n": 5.5}], "free": false, "other": null}'
    assert counted(own) == {"tokens": 0, "details": [{"kind": "text", "n": 0}], "free": False, "other": None}
    assert counted(own, own) == json.loads(own)
    assert counted(own, '{"tokens": 2}', own) == {"tokens": 7, "details": [{"kind": "text", "n": 5.5}], "free": False, "other": None}
    assert counted("5", "2", "3") == 5
    assert counted("5", '"2"', "true") == 0


def test_usage_keeps_its_own_text() -> None:
    answer = read(OPENAI, answer_of(OPENAI, ["a"]), 1)
    assert compose(answer.envelope, answer.pieces, [answer.envelope]) == answer_of(OPENAI, ["a"])


@pytest.mark.parametrize("path", list(FORMS))
def test_an_item_that_is_not_like_the_last_one_is_read_as_a_whole(path: str) -> None:
    reader = ItemReader(FORMS[path])
    first, second = answer_of(path, ["a"]), answer_of(path, ["b"])
    assert isinstance(reader.read(first), ItemAnswer)
    odd = re.sub(rb"\[(?=[-0-9])", b"[null, ", second)
    assert reader.read(odd) == read_answer(FORMS[path], odd, 1) == VECTOR
    assert reader.read(second) == read_answer(FORMS[path], second, 1)
