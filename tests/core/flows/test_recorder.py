from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import CHAT, JSON, KEY, WHOLE, ask, head, quick
from tests.provider_events import CHAT as CHAT_EVENTS
from tests.provider_events import SSE, sse
from wirecache._core.flows.recorder import Decoded, DecodedTooLarge, Recorder, Recording
from wirecache._core.keys.canonical import parse_body
from wirecache._core.messages import Entry, RequestSummary, Usage

LENGTH = {**JSON, "content-length": str(len(WHOLE))}
CHUNKED = {**JSON, "transfer-encoding": "chunked"}
BODY = parse_body(b'{"model":"m"}')


def recorder(headers: Any = JSON, status: int = 200, request: Any = None, **more: Any) -> Recorder:
    made = {"max_body": 1000, **more}
    return Recorder(Recording(KEY, head(status, headers), request or ask(), "chat", "m", BODY, **made))


def gunzip(chunks: Sequence[bytes]) -> Decoded:
    return Decoded([gzip.decompress(chunk) for chunk in chunks])


def as_sent(chunks: Sequence[bytes]) -> Decoded:
    raise AssertionError("there is no coding to undo")


@pytest.mark.parametrize(
    ("headers", "chunks", "over", "reason"),
    [
        pytest.param(LENGTH, [WHOLE], "end", None, id="declared length, to its end"),
        pytest.param(LENGTH, [WHOLE], "close", None, id="declared length, closed after the last byte"),
        pytest.param(LENGTH, [WHOLE[:9]], "close", "abandoned", id="declared length, closed early"),
        pytest.param(LENGTH, [WHOLE[:9]], "end", "truncated", id="declared length, ended early"),
        pytest.param(LENGTH, [WHOLE[:9]], "fail", "truncated", id="declared length, broken off"),
        pytest.param(LENGTH, [WHOLE], "fail", "truncated", id="broken off after the last byte"),
        pytest.param(LENGTH, [], "close", "abandoned", id="never read"),
        pytest.param(LENGTH, [WHOLE, b" "], "end", "truncated", id="more than was declared"),
        pytest.param(CHUNKED, [WHOLE[:9], WHOLE[9:]], "end", None, id="chunks, to the end"),
        pytest.param(CHUNKED, [WHOLE[:9], WHOLE[9:]], "close", "abandoned", id="chunks, the end not seen"),
        pytest.param(CHUNKED, [WHOLE[:9]], "fail", "truncated", id="chunks, broken off"),
        pytest.param({**LENGTH, **CHUNKED}, [WHOLE], "close", "abandoned", id="chunks rule over a length"),
        pytest.param(JSON, [WHOLE], "end", None, id="no length, to the end"),
        pytest.param(JSON, [WHOLE], "close", "abandoned", id="no length, the end not seen"),
        pytest.param(JSON, [WHOLE[:9]], "end", "malformed", id="no length, but no JSON"),
        pytest.param({**JSON, "content-length": "x"}, [WHOLE], "end", None, id="a length that is none"),
        pytest.param(JSON, [b" " * 1000], "end", "malformed", id="as large as it may be"),
        pytest.param(JSON, [b" " * 1000, b" "], "end", "too-large", id="too large"),
        pytest.param(JSON, [b" " * 1001, b" " * 1001], "close", "too-large", id="too large, closed"),
        pytest.param({**JSON, "content-length": "0"}, [], "end", "empty", id="empty"),
        pytest.param(JSON, [b'{"error":1}'], "end", "error", id="an error"),
    ],
)
def test_why_not(headers: dict[str, str], chunks: list[bytes], over: str, reason: str | None) -> None:
    at = recorder(headers)
    for chunk in chunks:
        at.feed(chunk)
    {"end": at.end, "fail": at.fail, "close": lambda: None}[over]()
    assert at.refusal_reason(as_sent) == reason


@pytest.mark.parametrize(
    ("more", "reason", "held"),
    [({}, "too-large", False), ({"bodyless": True}, "malformed", True), ({"everything": True}, None, True)],
    ids=["declared", "of a HEAD", "where everything is kept"],
)
def test_nothing_is_held_of_a_body_that_is_declared_too_large(more: dict[str, Any], reason: str | None, held: bool) -> None:
    at = recorder({**JSON, "content-length": "1000001"}, max_body=1_000_000, **more)
    at.feed(b" ")
    assert (bool(at._chunks), at.refusal_reason(as_sent)) == (held, reason)


@quick
@given(st.lists(st.integers(0, len(WHOLE)), max_size=6).map(sorted))
def test_it_does_not_matter_where_chunks_are_cut(cuts: list[int]) -> None:
    at = recorder(CHUNKED)
    for begin, end in zip([0, *cuts], [*cuts, len(WHOLE)], strict=True):
        at.feed(WHOLE[begin:end])
    at.end()
    assert at.refusal_reason(as_sent) is None
    assert at.entry(1.0, 0.0).body == WHOLE


def test_too_large_a_body_is_not_held() -> None:
    at = recorder()
    at.feed(b" " * 900)
    at.feed(b" " * 900)
    assert not any(at._chunks)


def test_the_content_encoding_is_undone() -> None:
    packed = gzip.compress(WHOLE)
    at = recorder({**JSON, "content-encoding": "gzip", "content-length": str(len(packed))})
    at.feed(packed)
    assert at.refusal_reason(gunzip) is None
    made = at.entry(1.0, 0.0)
    assert (made.body, made.headers) == (WHOLE, ((b"content-type", b"application/json"),))


def test_what_cannot_be_decoded_is_not_stored() -> None:
    at = recorder({**JSON, "content-encoding": "gzip"})
    at.feed(b"no gzip")
    at.end()
    assert at.refusal_reason(gunzip) == "undecodable"


def gunzip_as_far_as_it_goes(chunks: Sequence[bytes]) -> Decoded:
    """As the HTTP libraries do it: what is missing at the end raises nothing."""
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    return Decoded([decoder.decompress(chunk) for chunk in chunks], decoder.eof)


@pytest.mark.parametrize("kind", ["text/plain", "audio/mpeg", "application/json"])
@pytest.mark.parametrize("inference", [True, False], ids=["inference", "HTTP's rules"])
def test_a_coding_that_has_not_reached_its_end(kind: str, inference: bool) -> None:
    """The framing is consistent, since the body was compressed first and cut later."""
    packed = gzip.compress(WHOLE)[:-4]
    at = recorder({"content-type": kind, "content-encoding": "gzip", "content-length": str(len(packed))}, inference=inference)
    at.feed(packed)
    at.end()
    assert at.refusal_reason(gunzip_as_far_as_it_goes) == "truncated"


def test_a_stream_whose_coding_has_not_reached_its_end() -> None:
    """Events of no known dialect are not whole then; after [DONE] nothing is missing."""
    for events, reason in ((sse({"a": 1}) * 9, "truncated"), (b"".join(CHAT_EVENTS), None)):
        packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
        packed = packer.compress(events) + packer.flush(zlib.Z_SYNC_FLUSH)
        at = recorder({"content-type": SSE, "content-encoding": "gzip", "transfer-encoding": "chunked"}, stream=True, max_body=9000)
        at.feed_at(packed, 0.1)
        at.end()
        assert at.refusal_reason(gunzip_as_far_as_it_goes) == reason


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("application/json", WHOLE, None),
        ("application/json", WHOLE[:-9], "malformed"),
        ("text/plain", WHOLE, None),
        ("text/plain", b"hello", "no-end"),
        ("audio/mpeg", b"ID3", "no-end"),
        (SSE, b"".join(CHAT_EVENTS), None),
        (SSE, b"".join(CHAT_EVENTS[:-1]), "no-end"),
        (SSE, sse({"a": 1}), "no-end"),
        ("application/x-ndjson", b'{"done": true}\n', None),
        ("application/json", b"", "empty"),
    ],
)
def test_a_body_whose_end_only_the_close_of_the_connection_shows(kind: str, body: bytes, reason: str | None) -> None:
    for everything in (False, True):
        made = recorder(
            {"content-type": kind}, stream=kind in (SSE, "application/x-ndjson"), everything=everything, max_body=9000
        ).recording
        at = Recorder(made._replace(head=made.head._replace(ends_by_close=True)))
        at.feed_at(body, 0.0)
        at.end()
        assert at.refusal_reason(as_sent) == (None if everything else reason)


def test_a_coding_shows_the_end_of_a_body() -> None:
    made = recorder({"content-type": "text/plain", "content-encoding": "gzip"}).recording
    for packed, reason in ((gzip.compress(b"hello"), None), (gzip.compress(b"hello")[:-1], "truncated")):
        at = Recorder(made._replace(head=made.head._replace(ends_by_close=True)))
        at.feed(packed)
        at.end()
        assert at.refusal_reason(gunzip_as_far_as_it_goes) == reason


def test_a_cassette_keeps_what_http_says_is_over() -> None:
    packed = gzip.compress(WHOLE)[:-4]
    at = recorder({**JSON, "content-encoding": "gzip", "content-length": str(len(packed))}, everything=True)
    at.feed(packed)
    at.end()
    assert at.refusal_reason(gunzip_as_far_as_it_goes) is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(SSE, b"".join(CHAT_EVENTS[:2]), id="no last event"),
        pytest.param(SSE, b"".join(CHAT_EVENTS[:2]) + b'data: {"choi', id="cut in an event"),
        pytest.param(SSE, bytes(range(256)), id="random bytes"),
        pytest.param(SSE, b"", id="empty"),
        pytest.param("application/x-ndjson", b'{"done": false}\n{"do', id="lines, cut"),
        pytest.param("application/vnd.amazon.eventstream", b"\0\0\0\x20\0", id="frames, cut"),
        pytest.param("application/json", b'{"choices": [', id="no JSON"),
    ],
)
def test_a_cassette_keeps_what_ended_within_an_event(kind: str, body: bytes) -> None:
    for over, reason in (("end", None), ("fail", "truncated")):
        at = recorder({"content-type": kind, "transfer-encoding": "chunked"}, stream="json" not in kind, everything=True, max_body=9000)
        at.feed_at(body, 0.1)
        {"end": at.end, "fail": at.fail}[over]()
        assert at.refusal_reason(as_sent) == reason
        assert reason or at.entry(1.0, 0.0).body == body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "chunks", [[], CHAT_EVENTS[:2], [*CHAT_EVENTS[:2], CHAT_EVENTS[2][:9]]], ids=["nothing", "events", "half an event"]
)
def test_a_cassette_keeps_what_a_reader_took(chunks: list[bytes], stream: bool) -> None:
    at = recorder({"content-type": SSE}, stream=stream, everything=True, max_body=9000)
    for chunk in chunks:
        at.feed_at(chunk, 0.1)
    assert at.refusal_reason(as_sent) is None
    made = at.entry(1.0, 0.0)
    assert (made.body, made.ended_by_reader) == (b"".join(chunks), True)


def test_what_passed_its_last_event_is_whole_whoever_ended_it() -> None:
    at = recorder({"content-type": SSE}, stream=True, everything=True, max_body=9000)
    for chunk in CHAT_EVENTS:
        at.feed_at(chunk, 0.1)
    assert at.refusal_reason(as_sent) is None
    assert not at.entry(1.0, 0.0).ended_by_reader


@pytest.mark.parametrize(
    ("everything", "over", "reason"),
    [(False, "close", "abandoned"), (True, "fail", "truncated"), (True, "undecodable", "undecodable")],
)
def test_what_a_reader_took_is_not_kept(everything: bool, over: str, reason: str) -> None:
    at = recorder({**CHUNKED, "content-encoding": "gzip"}, everything=everything)
    at.feed(b"no gzip" if over == "undecodable" else gzip.compress(WHOLE)[:30])
    if over == "fail":
        at.fail()
    assert at.refusal_reason(gunzip_as_far_as_it_goes) == reason


def stored(headers: Any = JSON, body: bytes = WHOLE, now: float = 1000.0, **more: Any) -> Entry:
    at = recorder(headers, **more)
    at.feed(body)
    at.end()
    assert at.refusal_reason(as_sent) is None
    return at.entry(now, 0.5)


def test_what_an_entry_holds() -> None:
    made = stored([("Content-Type", "application/json"), ("X-Request-Id", "r"), ("x-a", "1"), ("x-a", "2")], ttl=60.0)
    headers = ((b"content-type", b"application/json"), (b"x-request-id", b"r"), (b"x-a", b"1"), (b"x-a", b"2"))
    assert made == Entry(KEY, 200, headers, WHOLE, 1000.0, 0.5, b"HTTP/1.1", Usage(5, 7), 60.0, made.summary, b'{"model":"m"}')
    assert made.request == RequestSummary("POST", CHAT, "chat", "m", {})
    assert (made.status_code, made.content, made.text, made.json()) == (200, WHOLE, WHOLE.decode(), json.loads(WHOLE))


SECRET = "s3cr3t"
CREDENTIALS = {
    name: SECRET
    for name in (
        "authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "proxy-authorization",
        "x-amz-security-token",
        "x-auth-token",
    )
}


def test_no_secret_is_stored() -> None:
    """Not even one that the answer's Vary names, and none of the names in the URL."""
    request = ask(f"https://h/v1/chat/completions?key={SECRET}&a=1&Access_Token={SECRET}", headers={**CREDENTIALS, "accept": "x/y"})
    headers = {**JSON, "vary": ", ".join([*CREDENTIALS, "Accept"]), "set-cookie": SECRET, "openai-organization": SECRET}
    made = stored(headers, request=request)
    assert SECRET not in repr(made._replace(request_body=bytes(made.request_body)))
    assert made.request.fields == {"accept": "x/y"}
    assert made.request.url == "https://h/v1/chat/completions?key=REDACTED&a=1&Access_Token=REDACTED"


@pytest.mark.parametrize("name", ["openai-organization", "openai-project", "x-goog-user-project", "x-custom-auth"])
def test_request_headers_are_kept_by_a_list(name: str) -> None:
    made = stored({**JSON, "vary": name}, request=ask(headers={name: SECRET}))
    assert SECRET not in repr(made)


def test_no_secret_is_stored_under_an_encoded_name() -> None:
    assert SECRET not in stored(request=ask(f"https://h/v1/chat/completions?%6Bey={SECRET}")).request.url


def test_an_answer_ages_since_it_came_or_since_it_was_born() -> None:
    headers = {**JSON, "age": "100"}
    assert stored(headers, inference=False, born=900.0).stored_at == 900.0
    assert stored(headers).stored_at == 1000.0


def test_http_answers_are_not_judged_by_what_they_say() -> None:
    assert stored(body=b'{"error": 1, "status": "queued"}', inference=False).usage is None


def test_the_answer_to_a_head_has_a_length_and_no_body() -> None:
    at = recorder(LENGTH, inference=False, bodyless=True)
    assert at.refusal_reason(as_sent) is None
    assert at.entry(1.0, 0.0).body == b""


def test_summaries_are_plain_json() -> None:
    assert re.fullmatch(
        rb'\{"method": "POST", "url": "https://[^"]+", "endpoint": "chat", "model": "m", "fields": \{\}\}', stored().summary
    )


@pytest.mark.parametrize(("location", "reason"), [("/x?page=2", None), ("https://h/x?sig=s3cr3t", "secret-location")])
def test_a_redirect_with_a_secret_in_its_target_is_not_stored(location: str, reason: str | None) -> None:
    made = recorder({"location": location, "content-length": "0"}, 301, inference=False)
    made.end()
    assert made.refusal_reason(as_sent) == reason


def test_a_stream_that_became_too_large_keeps_no_times() -> None:
    at = recorder({"content-type": SSE}, stream=True, max_body=100)
    for chunk in (b"data: 1\n\n" * 9, b"data: 2\n\n" * 9, b"data: [DONE]\n\n"):
        at.feed_at(chunk, 0.1)
    at.end()
    assert at.refusal_reason(as_sent) == "too-large"
    assert at.size > 100


def test_a_stream_without_its_own_times_has_none() -> None:
    at = recorder({"content-type": SSE}, stream=True, max_body=9000)
    for chunk in CHAT_EVENTS:
        at.feed(chunk)
    at.end()
    assert at.refusal_reason(as_sent) is None
    assert at.entry(1.0, 0.0).chunk_times == b""


def test_streams_that_are_not_kept_and_answers_of_http_that_only_the_close_ends() -> None:
    stream = recorder({"content-type": SSE}, stream=True, keeps_streams=False, max_body=9000)
    stream.feed_at(b"".join(CHAT_EVENTS), 0.1)
    stream.end()
    assert stream.refusal_reason(as_sent) == "stream"
    made = recorder({"content-type": "application/json"}, inference=False).recording
    for body, reason in ((WHOLE, None), (b'{"cut": ', "malformed")):
        at = Recorder(made._replace(head=made.head._replace(ends_by_close=True)))
        at.feed(body)
        at.end()
        assert at.refusal_reason(as_sent) == reason


def test_usage_is_known_when_the_body_is_over() -> None:
    at = recorder()
    at.feed(WHOLE)
    assert at.usage is None
    at.end()
    assert at.refusal_reason(as_sent) is None
    assert at.usage == Usage(5, 7)


def test_a_get_that_a_rule_caches_keeps_what_selected_it() -> None:
    request = ask("https://h/v1/search", "GET", {"accept-encoding": "br", "accept-language": "de", "x-team": "a", "user-agent": "x"})
    headers = {**JSON, "vary": "accept-encoding, accept-language"}
    at = Recorder(recorder(headers, request=request).recording._replace(headers=("x-team",)))
    at.feed(WHOLE)
    at.end()
    assert at.refusal_reason(as_sent) is None
    assert at.entry(1.0, 0.0).request.fields == {"accept-language": "de", "x-team": "a"}


def test_what_becomes_too_large_when_it_is_decoded_is_not_stored() -> None:
    def bomb(chunks: Sequence[bytes]) -> Decoded:
        raise DecodedTooLarge

    at = recorder({**JSON, "content-encoding": "gzip"})
    at.feed(gzip.compress(WHOLE))
    at.end()
    assert at.refusal_reason(bomb) == "too-large"
