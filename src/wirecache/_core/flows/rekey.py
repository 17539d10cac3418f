"""May an entry that was made elsewhere answer live calls, and under which key?"""

from __future__ import annotations

from dataclasses import replace

from wirecache._core.flows.completeness import judge_stream
from wirecache._core.flows.storability import answer_refusal_reason, head_refusal_reason, parse_answer
from wirecache._core.headers import media_type
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import KeyOptions, key_of, request_from
from wirecache._core.messages import Entry, Head, RequestSummary, fields_of
from wirecache._core.rules.eligibility import is_event_stream

__all__ = ["import_refusal_reason", "recomputed_key", "rekeyed"]


def recomputed_key(entry: Entry, options: KeyOptions, namespace: str = "") -> str:
    """The key that a call equal to the entry's request has under these options; its own one, where its request is not kept whole."""
    asked = entry.request
    if not asked.whole:
        return entry.key
    request = request_from(asked.method, asked.url, _headers(asked))
    body = parse_body(bytes(entry.request_body), asked.content_type.encode("latin-1", "replace"))
    return key_of(request, body, options, asked.namespace or namespace, asked.sample)


def _headers(asked: RequestSummary) -> dict[str, str]:
    return {**asked.fields, "content-type": asked.content_type} if asked.content_type else dict(asked.fields)


def rekeyed(entry: Entry, options: KeyOptions, namespace: str = "") -> Entry:
    """The entry under that key; one that has no namespace of its own comes into ``namespace``."""
    key = recomputed_key(entry, options, namespace)
    request = entry.request
    if not namespace or request.namespace or not request.whole:
        return entry._replace(key=key)
    return entry._replace(key=key, summary=replace(request, namespace=namespace).to_bytes())


def import_refusal_reason(entry: Entry) -> str | None:
    """Why would a cache not have stored this answer? A cassette keeps errors too, and what HTTP's own rules decide about."""
    asked = entry.request
    if asked.method in ("GET", "HEAD"):
        return asked.method  # served by HTTP's own rules, which count what is not in a cassette
    head = Head(entry.status, fields_of(entry.headers), entry.headers)
    if reason := head_refusal_reason(head):
        return reason
    if is_event_stream(head.fields):
        verdict = judge_stream(media_type(head.fields.get(b"content-type", b"")), entry.body, True)
        return verdict.reason if verdict.whole else verdict.reason or "truncated"
    return answer_refusal_reason(parse_answer(head, entry.body), entry.body)
