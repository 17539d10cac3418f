"""Re-keying of entries that were made elsewhere (a cassette, a batch): may they answer live calls, and under which key?"""

from __future__ import annotations

from dataclasses import replace

from wirecache._core.flows.completeness import judge_stream
from wirecache._core.flows.items import item_entries, split_answer
from wirecache._core.flows.recorder import Recording
from wirecache._core.flows.storability import answer_refusal_reason, head_refusal_reason, parse_answer
from wirecache._core.headers import fields_of
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.keys import KeyOptions, key_of, request_from
from wirecache._core.llm.embedding_requests import split_request
from wirecache._core.messages import Entry, Head

__all__ = ["import_refusal_reason", "recomputed_key", "rekeyed", "split_entry"]


def recomputed_key(entry: Entry, options: KeyOptions, namespace: str = "") -> str:
    """Return the key of the entry's request under these options; its current key if the entry does not keep the whole request."""
    summary = entry.request
    if not summary.whole:
        return entry.key
    request = request_from(summary.method, summary.url, summary.headers)
    body = parse_body(bytes(entry.request_body), summary.content_type.encode("latin-1", "replace"))
    return key_of(request, body, options, summary.namespace or namespace, summary.sample)


def rekeyed(entry: Entry, options: KeyOptions, namespace: str = "") -> Entry:
    """Return the entry under its recomputed key; one without a namespace is moved into ``namespace``."""
    key = recomputed_key(entry, options, namespace)
    request = entry.request
    if not namespace or request.namespace or not request.whole:
        return entry._replace(key=key)
    return entry._replace(key=key, summary=replace(request, namespace=namespace).to_bytes())


def split_entry(entry: Entry, options: KeyOptions, namespace: str = "") -> list[Entry] | str | None:
    """Return one entry per item if the request is looked up item by item; None if the entry is to be kept whole.

    A str is the reason why the answer cannot be split.
    """
    summary = entry.request
    if not summary.whole:
        return None
    request = request_from(summary.method, summary.url, summary.headers)
    body = parse_body(bytes(entry.request_body), summary.content_type.encode("latin-1", "replace"))
    if (batch := split_request(request, body)) is None:
        return None
    head = Head(entry.status, fields_of(entry.headers), entry.headers, entry.http_version)
    found = split_answer(batch, head, entry.body, len(batch.items))
    if found.reason is not None:
        return found.reason
    space = summary.namespace or namespace
    keys = [key_of(request, batch.body_of_one(place), options, space, summary.sample) for place in range(len(batch.items))]
    recording = Recording(
        "", head, request, summary.endpoint, summary.model, body, len(body.raw), entry.ttl, space, summary.sample, headers=options.headers
    )
    return item_entries(batch, keys, found, recording, entry.stored_at, entry.seconds)


def import_refusal_reason(entry: Entry) -> str | None:
    """Return why a cache would not store this answer, or None. Cassettes also keep errors, and answers to GET and HEAD."""
    method = entry.request.method
    if method in ("GET", "HEAD"):
        return method  # HTTP's own rules apply, which need headers that a cassette does not keep
    if entry.ended_by_reader:
        return "abandoned"
    head = Head(entry.status, fields_of(entry.headers), entry.headers)
    if reason := head_refusal_reason(head):
        return reason
    kind = entry.stream_kind
    if kind is not None:
        verdict = judge_stream(kind, entry.body, True)
        return verdict.reason if verdict.whole else verdict.reason or "truncated"
    return answer_refusal_reason(parse_answer(head, entry.body), entry.body, entry.request.endpoint)
