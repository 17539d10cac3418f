from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import provider_events as samples
from tests.core.play import quick
from tests.provider_events import COHERE_LINES, NDJSON, SSE, STREAMS, Streamed, chunk, line, sse, typed
from wirecache._core.flows.completeness import StreamVerdict, judge_stream
from wirecache._core.llm.usage import usage_of
from wirecache._core.messages import Usage

COUNTED = Usage(5, 7)
streams = pytest.mark.parametrize("stream", [pytest.param(stream, id=name) for name, stream in STREAMS.items()])


def judge(events: list[bytes], kind: str = SSE, ended: bool = True) -> StreamVerdict:
    return judge_stream(kind.encode(), b"".join(events), ended)


# -- whole and good ---------------------------------------------------------------------------------------------------


@streams
def test_a_stream_to_its_end(stream: Streamed) -> None:
    whole, reason, usage = judge(stream.events, stream.kind)
    assert (whole, reason, usage and usage[:2]) == (True, None, COUNTED[:2] if stream.counts else None)


@streams
def test_a_reader_that_stops_after_the_last_event(stream: Streamed) -> None:
    verdict = judge(stream.events, stream.kind, ended=False)
    assert (verdict.whole, verdict.reason) == (not stream.needs_end, None)


@streams
def test_a_reader_that_stops_before_the_last_event(stream: Streamed) -> None:
    for at in range(len(stream.events)):
        assert not judge(stream.events[:at], stream.kind, ended=False).whole


@streams
def test_a_stream_that_upstream_ends_before_the_last_event(stream: Streamed) -> None:
    for at in range(1, len(stream.events)):
        assert judge(stream.events[:at], stream.kind).whole == has_finished(stream, b"".join(stream.events[:at]))


def has_finished(stream: Streamed, body: bytes) -> bool:
    """Return whether a chat that was cut between two events had its finish reason: many servers send no [DONE] after it."""
    return stream.events[-1] == samples.DONE and b'"finish_reason": "' in body and body.endswith(b"\n\n")


@quick
@given(st.sampled_from(sorted(STREAMS)), st.data())
def test_a_stream_that_is_cut_anywhere(name: str, data: st.DataObject) -> None:
    stream = STREAMS[name]
    body = b"".join(stream.events)
    last = stream.events[-1].rstrip()
    at = data.draw(st.integers(1, len(body) - len(stream.events[-1]) + len(last) - 1))
    for ended in (True, False):
        verdict = judge_stream(stream.kind.encode(), body[:at], ended)
        assert not (verdict.whole and verdict.reason is None) or (ended and has_finished(stream, body[:at])) or b"[DONE]" in body[:at]


@quick
@given(st.sampled_from(sorted(STREAMS)), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
def test_line_ends_comments_and_a_mark_change_nothing(name: str, end: bytes, marked: bool) -> None:
    stream = STREAMS[name]
    body = b"".join(stream.events)
    if stream.kind == SSE:
        body = (b"\xef\xbb\xbf" if marked else b"") + b": hello\n\n" + body.replace(b"\n\n", b"\n\n: ping\n\n")
        body = body.replace(b"\r\n", b"\n").replace(b"\n", end)
    assert judge_stream(stream.kind.encode(), body, True) == judge(stream.events, stream.kind)


@quick
@given(st.binary(max_size=60), st.sampled_from([SSE, NDJSON, COHERE_LINES, "application/vnd.amazon.eventstream", ""]), st.booleans())
def test_any_bytes_can_be_judged(body: bytes, kind: str, ended: bool) -> None:
    judge_stream(kind.encode(), body, ended)


NAMES = ("type", "event_type", "choices", "done", "token", "generated_text", "candidates", "usageMetadata", "promptFeedback", "delta",
         "message", "response", "interaction", "x_groq", "status", "error", "usage", "finish_reason", "finishReason", "blockReason", "meta",
         "tokens", "input_tokens", "eval_count", "incomplete_details", "reason")  # fmt: skip
TYPES = ("error", "ping", "message_stop", "response.completed", "interaction.completed", "message-end", "failed", True, False, None, 7, 0.5)
shapes = st.recursive(
    st.sampled_from(TYPES),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=9,
)


@quick
@given(st.lists(shapes, max_size=4), st.sampled_from([SSE, NDJSON]), st.booleans())
def test_any_shapes_can_be_judged(values: list[Any], kind: str, ended: bool) -> None:
    judge([sse(value) if kind == SSE else line(value) for value in values], kind, ended)


# -- how each dialect ends ---------------------------------------------------------------------------------------

AMAZON = "application/vnd.amazon.eventstream"


def frame(kind: str = "event") -> bytes:
    """A message of Amazon's event stream: lengths, their checksum, headers, payload, checksum (the checksums are not looked at)."""
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for name, value in ((":event-type", "chunk"), (":content-type", "application/json"), (":message-type", kind))
    )
    payload = b'{"bytes": "eyJ0eXBlIjoibWVzc2FnZV9zdGFydCJ9"}'
    size = 12 + len(headers) + len(payload) + 4
    return size.to_bytes(4, "big") + len(headers).to_bytes(4, "big") + b"\0\0\0\0" + headers + payload + b"\0\0\0\0"


ENDS = [
    # id, kind, events, ended, (whole, reason)
    ("chat: no [DONE]", SSE, samples.CHAT[:-1], True, (True, None)),
    ("chat: no [DONE], closed by the reader", SSE, samples.CHAT[:-1], False, (False, None)),
    ("chat: no [DONE], no end", SSE, samples.CHAT[:2], True, (False, None)),
    ("chat: no [DONE], one of two choices has finished", SSE,
     [sse({"choices": [{"index": at, "finish_reason": end}]}) for at, end in ((0, "stop"), (1, None))], True, (False, None)),
    ("chat: no [DONE], both choices have finished", SSE,
     [sse({"choices": [{"index": at, "finish_reason": "stop"}]}) for at in (0, 1)], True, (True, None)),
    ("chat: no [DONE], an empty finish reason", SSE, [sse({"choices": [{"index": 0, "finish_reason": ""}]})], True, (False, None)),
    ("chat: cut within [DONE]", SSE, [*samples.CHAT[:-1], b"data: [DON"], True, (False, None)),
    ("chat: cut within the last event", SSE, [*samples.CHAT[:-1], b'data: {"choices": []}'], True, (False, None)),
    ("chat: [DONE] without a last line end", SSE, [*samples.CHAT[:-1], b"data: [DONE]"], True, (True, None)),
    ("chat: [DONE] without a last line end, closed", SSE, [*samples.CHAT[:-1], b"data: [DONE]"], False, (True, None)),
    ("chat: [DONE], finish reason null throughout", SSE, [sse(chunk({"content": "x"})), samples.DONE], True, (True, "unfinished")),
    ("chat: [DONE], no finish reason at all", SSE, [sse({"choices": [{"delta": {"content": "x"}}]}), samples.DONE], True, (True, None)),
    ("mcp: the reply", SSE, samples.MCP_REPLY, False, (True, None)),
    ("mcp: a request of the server alone", SSE, samples.MCP_REPLY[:1], False, (False, None)),
    ("mcp: a request of the server alone, ended", SSE, samples.MCP_REPLY[:1], True, (False, None)),
    ("mcp: an error as the reply", SSE, [typed("message", jsonrpc="2.0", id=1, error={"code": -32601})], False, (True, "error")),
    ("chat: [DONE] and a blank", SSE, [*samples.CHAT[:-1], b"data: [DONE] \n\n"], True, (True, None)),
    ("chat: closed at the line of [DONE]", SSE, [*samples.CHAT[:-1], b"data: [DONE]\n"], False, (True, None)),
    ("chat: more after [DONE]", SSE, [*samples.CHAT, b": bye\n\n"], False, (True, None)),
    ("chat: tool call", SSE, samples.CHAT_TOOL, False, (True, None)),
    ("chat: limit reached", SSE, [*samples.CHAT[:-3], sse(chunk({}, "length")), samples.DONE], True, (True, None)),
    ("chat: filter", SSE, samples.CHAT_FILTERED, True, (True, "content-filter")),
    ("chat: filter, closed early", SSE, samples.CHAT_FILTERED[:-1], False, (False, "content-filter")),
    ("chat: Azure's filter results first", SSE, [sse({"choices": [], "prompt_filter_results": []}), *samples.CHAT], True, (True, None)),
    ("chat: error", SSE, samples.CHAT_ERROR, True, (True, "error")),
    ("chat: error in a choice", SSE, [*samples.CHAT[:2], sse({"choices": [{"error": {"code": 502}, "delta": {}, "finish_reason": None}]}),
     samples.DONE], True, (True, "error")),
    ("unknown: success false", SSE, [sse({"success": False, "errors": []})], True, (True, "error")),
    ("chat: error, closed by the SDK", SSE, samples.CHAT_ERROR, False, (False, "error")),
    ("chat: error, then [DONE]", SSE, [*samples.CHAT_ERROR, samples.DONE], True, (True, "error")),
    ("chat: error as a named event", SSE, [*samples.CHAT[:2], b"event: error\ndata: overloaded\n\n"], True, (True, "error")),
    ("chat: null errors", SSE, [sse(chunk({"content": "x"}, "stop", error=None)), samples.DONE], True, (True, None)),
    ("chat: half of an emoji", SSE, [sse(chunk({"content": "\ud83d"}))], True, (False, None)),
    ("chat: filter, beside half of an emoji", SSE, [sse(chunk({"content": "\ud83d"}, "content_filter")), samples.DONE], True,
     (True, "content-filter")),
    ("groq: stopped by an error", SSE, samples.GROQ_ERROR, True, (True, "error")),
    ("cerebras: error", SSE, samples.CEREBRAS_ERROR, True, (True, "error")),
    ("mistral: error", SSE, [*samples.MISTRAL[:3], sse(chunk({"content": ""}, "error")), samples.DONE], True, (True, "error")),
    ("completions: no [DONE]", SSE, samples.COMPLETIONS[:-1], True, (True, None)),
    ("responses: limit reached", SSE, samples.RESPONSES_INCOMPLETE, False, (True, None)),
    ("responses: filter", SSE, samples.RESPONSES_FILTERED, True, (True, "content-filter")),
    ("responses: failed", SSE, samples.RESPONSES_FAILED, True, (True, "status-failed")),
    ("responses: error", SSE, samples.RESPONSES_ERROR, True, (True, "error")),
    ("responses: error, closed by the SDK", SSE, samples.RESPONSES_ERROR, False, (False, "error")),
    ("responses: no names", SSE, [sse({"type": "response.created"}), sse({"type": "response.completed"})], False, (True, None)),
    ("responses: half of an emoji at the end", SSE, samples.responses(text="\ud83d\ud83d\ud83d"), False, (True, None)),
    ("responses: [DONE] alone is no end", SSE, [*samples.RESPONSES[:5], samples.DONE], True, (False, None)),
    ("responses: cut", SSE, samples.RESPONSES[:-1], True, (False, None)),
    ("anthropic: no message_stop", SSE, samples.MESSAGES[:-1], True, (False, None)),
    ("anthropic: stop_reason null", SSE,
     [*samples.MESSAGES[:-2], typed("message_delta", delta={"stop_reason": None}), samples.MESSAGES[-1]], True, (True, "unfinished")),
    ("anthropic: refusal", SSE, samples.MESSAGES_REFUSED, True, (True, "content-filter")),
    ("anthropic: error", SSE, samples.MESSAGES_ERROR, True, (True, "error")),
    ("anthropic: error, closed by the SDK", SSE, samples.MESSAGES_ERROR, False, (False, "error")),
    ("anthropic: only pings", SSE, [typed("ping"), typed("ping")], True, (True, "no-answer")),
    ("gemini: closed before the end", SSE, samples.GEMINI, False, (False, None)),
    ("gemini: no finishReason", SSE, samples.GEMINI[:-1], True, (False, None)),
    ("gemini: usage after the finish", SSE, [*samples.GEMINI, sse({"usageMetadata": {"promptTokenCount": 5}})], True, (True, None)),
    ("gemini: SAFETY", SSE, samples.GEMINI_SAFETY, True, (True, "content-filter")),
    ("gemini: blocked", SSE, samples.GEMINI_BLOCKED, True, (True, "content-filter")),
    ("gemini: limit reached", SSE, [*samples.GEMINI[:-1], sse(samples.gemini("", "MAX_TOKENS"))], True, (True, None)),
    ("gemini: malformed call", SSE, [sse(samples.gemini("", "MALFORMED_FUNCTION_CALL"))], True, (True, "malformed-call")),
    ("gemini: error", SSE, samples.GEMINI_ERROR, True, (True, "error")),
    ("gemini: an error that is no event", SSE, samples.GEMINI_BARE_ERROR, True, (True, "no-answer")),
    ("interactions: failed", SSE, samples.interactions("failed"), True, (True, "status-failed")),
    ("interactions: cancelled", SSE, samples.interactions("cancelled"), True, (True, "status-cancelled")),
    ("interactions: a tool is asked for", SSE, samples.interactions("requires_action"), True, (True, None)),
    ("interactions: error", SSE, samples.INTERACTIONS_ERROR, True, (True, "error")),
    ("interactions: cut", SSE, samples.INTERACTIONS[:-1], True, (False, None)),
    ("cohere: limit reached", SSE, samples.cohere("MAX_TOKENS"), False, (True, None)),
    ("cohere: error", SSE, samples.COHERE_ERROR, True, (True, "error")),
    ("cohere: cut", SSE, samples.COHERE[:-1], True, (False, None)),
    ("cohere-v1: toxic", COHERE_LINES, samples.COHERE_V1_TOXIC, True, (True, "content-filter")),
    ("cohere-v1: error", COHERE_LINES, samples.COHERE_V1_ERROR, True, (True, "error")),
    ("cohere-v1: cut", COHERE_LINES, samples.COHERE_V1[:-1], True, (False, None)),
    ("ollama: error", NDJSON, samples.OLLAMA_ERROR, True, (True, "error")),
    ("ollama: error, closed by the SDK", NDJSON, samples.OLLAMA_ERROR, False, (False, "error")),
    ("ollama: cut", NDJSON, samples.OLLAMA[:-1], True, (False, None)),
    ("ollama: no line end at the end", NDJSON, [*samples.OLLAMA[:-1], samples.OLLAMA[-1].rstrip()], True, (True, None)),
    ("ollama: model loaded", NDJSON, [samples.ollama("", done=True, done_reason="load")], True, (True, "no-answer")),
    ("tgi: error", SSE, samples.TGI_ERROR, True, (True, "error")),
    ("tgi: cut", SSE, samples.TGI[:-1], True, (False, None)),
    ("transcript: cut", SSE, samples.TRANSCRIPT[:-1], True, (False, None)),
    ("speech: cut", SSE, samples.SPEECH[:-1], True, (False, None)),
    ("image: cut", SSE, samples.IMAGE[:-1], True, (False, None)),
    ("image edit: cut", SSE, samples.IMAGE_EDIT[:-1], True, (False, None)),
    ("unknown: ended", SSE, [sse({"a": 1}), sse({"a": 2})], True, (True, None)),
    ("unknown: closed", SSE, [sse({"a": 1}), sse({"a": 2})], False, (False, None)),
    ("unknown: closed after [DONE]", SSE, [sse({"a": 1}), samples.DONE], False, (True, None)),
    ("unknown: error", SSE, [sse({"a": 1}), sse({"error": "x"})], True, (True, "error")),
    ("unknown: a named error of plain text", SSE, [b"event: error\ndata: x\n\n"], True, (True, "error")),
    ("unknown: lines", NDJSON, [line({"a": 1}), line({"a": 2})], True, (True, None)),
    ("unknown: cut in an event", SSE, [sse({"a": 1}), b"data: hel"], True, (False, None)),
    ("unknown: cut before the blank line", SSE, [sse({"a": 1}), b"data: hello\r\n"], True, (False, None)),
    ("unknown: a comment at the end", SSE, [sse({"a": 1}), b": bye"], True, (True, None)),
    ("unknown: lines, cut", NDJSON, [line({"a": 1}), b'{"a": '], True, (False, None)),
    ("unknown: lines, no line end at the end", NDJSON, [line({"a": 1}), b'{"a": 2}'], True, (True, None)),
    ("unknown: data that is no JSON", SSE, [b"data: hello\n\n", b"data: [1, 2]\n\n", b"data: 7\n\n"], True, (True, None)),
    ("amazon: ended", AMAZON, [frame(), frame()], True, (True, None)),
    ("amazon: closed", AMAZON, [frame(), frame()], False, (False, None)),
    ("amazon: cut in a message", AMAZON, [frame(), frame()[:-3]], True, (False, None)),
    ("amazon: cut in a length", AMAZON, [frame(), frame()[:3]], True, (False, None)),
    ("amazon: no message", AMAZON, [b"\0\0\0\0"], True, (False, None)),
    ("amazon: exception", AMAZON, [frame(), frame("exception")], True, (True, "error")),
    ("amazon: error", AMAZON, [frame(), frame("error")], True, (True, "error")),
    ("amazon: empty", AMAZON, [], True, (True, "empty")),
    ("empty: ended", SSE, [], True, (True, "empty")),
    ("empty: closed", SSE, [], False, (False, None)),
    ("empty: only comments", SSE, [b": ping\n\n", b": ping\n\n"], True, (True, "no-answer")),
    ("empty: only [DONE]", SSE, [samples.DONE], True, (True, "no-answer")),
    ("empty: blank lines", NDJSON, [b"\n", b"\n"], True, (True, "no-answer")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "events", "ended", "verdict"), [pytest.param(*row[1:], id=row[0]) for row in ENDS])
def test_how_a_stream_ended(kind: str, events: list[bytes], ended: bool, verdict: tuple[bool, str | None]) -> None:
    found = judge(events, kind, ended)
    assert (found.whole, found.reason) == verdict


# -- usage --------------------------------------------------------------------------------------------------------------

USAGES = [
    ("chat: no usage", SSE, [*samples.CHAT[:-2], samples.DONE], None),
    ("chat: in each chunk", SSE,
     [sse(chunk({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": count})) for count in range(1, 8)], COUNTED),
    ("anthropic: from begin and end", SSE, samples.MESSAGES, COUNTED),
    ("anthropic: input again at the end", SSE,
     [samples.MESSAGES[0], typed("message_delta", delta={}, usage={"input_tokens": 6, "output_tokens": 7})], Usage(6, 7)),
    ("gemini: without candidates", SSE, samples.GEMINI_BLOCKED, Usage(5, 0)),
    ("responses: failed", SSE, [samples.RESPONSES[0], typed("response.failed", response=samples.response("failed"))], None),
    ("transcript: by the second", SSE, [typed("transcript.text.done", text="", usage={"type": "duration", "seconds": 3})], None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "events", "usage"), [pytest.param(*row[1:], id=row[0]) for row in USAGES])
def test_usage(kind: str, events: list[bytes], usage: Usage | None) -> None:
    assert judge(events, kind).usage == usage


THOUGHTS = {"promptTokenCount": 5, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "totalTokenCount": 12}
WHOLE: dict[str, dict[str, Any]] = {
    "openai-chat": {"usage": samples.USAGE},
    "groq": {"usage": samples.USAGE},
    "mistral": {"usage": samples.USAGE},
    "openai-responses": {"usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}},
    "anthropic": {"usage": {"input_tokens": 5, "output_tokens": 7}},
    "gemini": {"usageMetadata": THOUGHTS},
    "google-interactions": {"usage": {"total_input_tokens": 5, "total_output_tokens": 7}},
    "cohere": {"usage": {"billed_units": {"input_tokens": 5, "output_tokens": 7}, "tokens": {"input_tokens": 5, "output_tokens": 7}}},
    "cohere-v1": {"meta": {"tokens": {"input_tokens": 5, "output_tokens": 7}}},
    "ollama": {"prompt_eval_count": 5, "eval_count": 7, "done": True},
}


@pytest.mark.parametrize("name", WHOLE)
def test_usage_is_that_of_the_form_without_a_stream(name: str) -> None:
    assert judge(STREAMS[name].events, STREAMS[name].kind).usage == usage_of(WHOLE[name])


def _choice(index: int, reason: str | None) -> bytes:
    return sse({"choices": [{"index": index, "delta": {"content": "x"}, "finish_reason": reason}]})


def _candidate(index: int, reason: str | None) -> bytes:
    return sse({"candidates": [{"index": index, "content": {"parts": []}, **({"finishReason": reason} if reason else {})}]})


@pytest.mark.parametrize("part", [_choice, _candidate])
def test_a_stream_of_several_choices_is_whole_when_all_that_were_requested_have_finished(part: Any) -> None:
    first, both = [part(0, None), part(0, "stop")], [part(0, None), part(1, None), part(0, "stop"), part(1, "stop")]
    for events, requested, whole in ((first, 1, True), (first, 2, False), (both, 2, True), (both[:3], 1, False), (both[:3], 2, False)):
        assert judge_stream(SSE.encode(), b"".join(events), True, requested).whole is whole
    assert judge_stream(SSE.encode(), b"".join([*first, samples.DONE]), True, 2).whole is (part is _choice)


def test_a_choice_that_is_none_says_nothing() -> None:
    body = b'data: {"choices": [null, 3, {"index": 0, "finish_reason": "stop"}]}\n\n'
    assert judge_stream(b"text/event-stream", body, True).whole


@pytest.mark.parametrize(
    ("kind", "body", "ended", "verdict"),
    [
        pytest.param(
            SSE,
            sse({"choices": [{"finish_reason": None}]}) + sse({"choices": [{"index": 0, "finish_reason": "stop"}]}),
            True,
            (True, None),
            id="a choice without an index is the first",
        ),
        pytest.param(
            SSE,
            b"".join(sse({"choices": [{"index": 0, "finish_reason": end}]}) for end in ("stop", None)),
            True,
            (True, None),
            id="what has finished has",
        ),
        pytest.param(SSE, sse({"usageMetadata": {}}), True, (False, None), id="Gemini's usage is no end"),
        pytest.param(SSE, sse({"promptFeedback": {}}), True, (False, None), id="nor is what it says of the prompt"),
        pytest.param(SSE, sse({"jsonrpc": "2.0", "id": 1}), False, (False, None), id="a message that is no reply"),
        pytest.param(SSE, sse({"jsonrpc": "2.0", "id": 1, "method": "ping"}), False, (False, None), id="a request of the server"),
        pytest.param(
            SSE, sse({"jsonrpc": "2.0", "id": 1, "method": "x", "result": {}}), False, (False, None), id="a request with a result"
        ),
        pytest.param(SSE, sse({"jsonrpc": "2.0", "id": 1, "result": {}}), False, (True, None), id="a reply"),
        pytest.param(
            SSE,
            b"".join(typed("message_delta", delta={"stop_reason": end}) for end in ("end_turn", None)) + typed("message_stop"),
            True,
            (True, None),
            id="one reason is enough",
        ),
        pytest.param(NDJSON, line({"done": True, "done_reason": None, "error": None}), True, (True, None), id="Ollama says it by done"),
        pytest.param(SSE, b"event: message_stop\ndata: {}\n\n", False, (True, None), id="a type in the name of the event"),
        pytest.param("text/x", b"abc", True, (True, None), id="no events at all"),
        pytest.param(NDJSON, b'{"a": 1}\nno JSON\n', True, (True, None), id="a line that is whole and no JSON"),
        pytest.param(NDJSON, b'{"a": 1}\nno JSON', True, (False, None), id="a line that is cut"),
        pytest.param(AMAZON, frame() + b"\0\0\0\x10" + bytes(12), True, (True, None), id="a message without headers and content"),
        pytest.param(AMAZON, frame() + b"\0\0\0\x0f" + bytes(11), True, (False, None), id="a message that is shorter than one can be"),
    ],
)
def test_where_a_stream_ends(kind: str, body: bytes, ended: bool, verdict: tuple[bool, str | None]) -> None:
    found = judge_stream(kind.encode(), body, ended)
    assert (found.whole, found.reason) == verdict


@pytest.mark.parametrize("done", [b"", b"data: [DONE]\n\n"])
@pytest.mark.parametrize("event", [b'{"detail": "Rate limited"}', b'{"code": 500, "message": "x"}', b'{"choices": null}'])
def test_reports_of_a_failure_are_no_answer(event: bytes, done: bytes) -> None:
    body = b"data: " + event + b"\n\n" + done
    verdict = judge_stream(b"text/event-stream", body, True, endpoint="chat")
    assert (verdict.whole, verdict.reason) == (True, "no-answer")
    assert judge_stream(b"text/event-stream", body, True).reason is None  # where a rule opened it, it may be the answer
