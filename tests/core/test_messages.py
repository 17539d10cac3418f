from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import ANSWER, entry, quick
from wirecache._core.messages import CHUNK_SIZE, Chunk, RequestSummary, Usage, pack_chunks

texts = st.text(max_size=5)


@quick
@given(st.lists(st.builds(Chunk, st.integers(0, 2**32 - 1), st.floats(allow_nan=False))))
def test_chunks_are_read_as_they_were_packed(chunks: list[Chunk]) -> None:
    packed = pack_chunks(chunks)
    assert len(packed) == CHUNK_SIZE * len(chunks)
    assert entry(chunk_times=packed).chunks == tuple(chunks)


summaries = st.builds(
    RequestSummary,
    method=texts,
    url=texts,
    endpoint=texts,
    model=st.none() | texts,
    fields=st.dictionaries(texts, texts, max_size=2),
    namespace=texts,
    sample=st.integers(0),
    content_type=texts,
    whole=st.booleans(),
)


@quick
@given(summaries)
def test_a_summary_is_read_as_it_was_written(summary: RequestSummary) -> None:
    assert RequestSummary.from_bytes(summary.to_bytes()) == summary
    assert entry(summary=summary.to_bytes()).request == summary


def test_a_summary_leaves_out_what_has_its_default() -> None:
    summary = RequestSummary("POST", "https://h/", "chat", "m", {})
    assert json.loads(summary.to_bytes()) == {"method": "POST", "url": "https://h/", "endpoint": "chat", "model": "m", "fields": {}}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"method": "POST"}', b'{"other": 1}', b"[" * 100_000,
        b'{"method": 1, "url": "u", "endpoint": "", "model": null, "fields": {}}',
        b'{"method": "POST", "url": "u", "endpoint": "", "model": [], "fields": {}}',
        b'{"method": "POST", "url": "u", "endpoint": "", "model": null, "fields": []}',
        b'{"method": "POST", "url": "u", "endpoint": "", "model": null, "fields": {"a": 1}}',
        b'{"method": "POST", "url": "u", "endpoint": "", "model": null, "fields": {}, "sample": "1"}',
    ],
)  # fmt: skip
def test_what_is_not_a_summary_is_a_value_error_and_empty_in_an_entry(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        RequestSummary.from_bytes(data)
    assert entry(summary=data).request == RequestSummary("", "", "", None, {})


def test_an_entry_has_the_names_of_a_response() -> None:
    answer = entry()
    assert (answer.status_code, answer.content, answer.json()) == (200, answer.body, ANSWER)
    assert answer.text == answer.body.decode()
    assert entry(body=b"\xff").text == "\ufffd"
    with pytest.raises(ValueError, match=r"."):
        entry(body=b"{").json()


def test_answers_are_equal_by_what_their_reader_gets() -> None:
    made = entry(body=b"x")
    assert made.answer == made._replace(stored_at=9.0, seconds=9.0).answer
    for other in (made._replace(body=b"y"), made._replace(status=201), made._replace(ended_by_reader=True)):
        assert made.answer != other.answer


def test_the_total_of_usage_is_input_and_output() -> None:
    assert Usage(5, 7, cached=3, written=2, written_1h=1, reasoning=4, other=6).total == 12


def test_which_stream_an_entry_is() -> None:
    made = entry(headers=((b"content-type", b"text/plain"),), body=b": hi\n\ndata: 1\n\n")
    assert made.stream_kind is None
    assert made._replace(chunk_times=pack_chunks([Chunk(len(made.body), 0.1)])).stream_kind == b"text/event-stream"


def test_the_headers_of_a_summary_have_the_type_of_a_body_that_is_not_json() -> None:
    summary = RequestSummary("POST", "https://h/", "chat", "m", {"a": "1"})
    assert summary.headers == {"a": "1"}
    form = RequestSummary("POST", "https://h/", "chat", "m", {"a": "1"}, content_type="text/plain")
    assert form.headers == {"a": "1", "content-type": "text/plain"}
