"""The stored request that is most like a missed one, and how it differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from wirecache._core.compare.diff import Difference, differences, likeness, part_difference
from wirecache._core.keys.canonical import Body, canonical_text, parse_body
from wirecache._core.keys.fields import key_fields
from wirecache._core.keys.redacted_request import body_members
from wirecache._core.messages import Entry, Request
from wirecache._core.privacy.names import redacted_url
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.rules.eligibility import model_of
from wirecache._core.rules.plan import Plan

__all__ = ["Nearest", "nearest_of", "path_of", "with_nearest"]

SHOWN = 5  # differences
FORMS = frozenset({"form", "multipart"})


class Nearest(NamedTuple):
    """A stored request to the same endpoint, and how it differs from the one that was made."""

    entry: Entry
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """Return the differences, one per line."""
        return "\n".join(f"  {difference}" for difference in self.differences)


def nearest_of(entries: Iterable[Entry], request: Request, body: Body, plan: Plan) -> Nearest | None:
    """Return the entry whose request is most like this one, among those of its method and path; None if there is none."""
    value = body.value if body.kind == "json" else body_members(body, DEFAULT) if body.kind in FORMS else None
    url, fields, model = redacted_url(request), key_fields(request.fields, plan.key.headers), model_of(request, body)
    path = path_of(url)
    best: tuple[float, Entry, Any] | None = None
    for entry in entries:
        summary = entry.request
        if summary.method == request.method and path_of(summary.url) == path:
            stored = _stored_value(entry)
            equal = (summary.model == model, summary.url == url, summary.fields == fields, summary.namespace == plan.namespace)
            score = 4 * likeness(stored, value) + sum(equal)
            if best is None or score > best[0]:
                best = (score, entry, stored)
    if best is None:
        return None
    _, entry, stored = best
    requested = json.loads(canonical_text(body)) if body.kind == "json" else value
    in_body = differences(stored, requested) if stored is not None and requested is not None else ()
    return Nearest(entry, tuple(islice([*_outside_body(entry, request, plan, url), *in_body], SHOWN)))


def path_of(url: str) -> str:
    """Return the path of a URL without its first slash. Only requests with equal paths are compared."""
    return url.partition("://")[2].partition("/")[2].partition("?")[0]


def _stored_value(entry: Entry) -> Any:
    """Return the request body of an entry as a JSON value, or a form as an object; None if it is neither."""
    body = parse_body(bytes(entry.request_body), entry.request.content_type.encode("latin-1", "replace"))
    if body.kind in FORMS:
        return body_members(body, DEFAULT)
    try:
        return json.loads(bytes(entry.request_body))
    except ValueError:
        return None


def _outside_body(entry: Entry, request: Request, plan: Plan, url: str) -> Iterator[Difference]:
    """Yield the differences that are not in the body."""
    summary = entry.request
    if summary.url != url:
        yield part_difference("url", summary.url, url)
    if summary.namespace != plan.namespace:
        yield part_difference("namespace", repr(summary.namespace), repr(plan.namespace))
    if summary.sample != plan.sample:
        yield part_difference("sample", str(summary.sample), str(plan.sample))
    fields = key_fields(request.fields, plan.key.headers)
    for name in sorted(fields.keys() | summary.fields.keys()):
        if fields.get(name) != summary.fields.get(name):
            yield part_difference(f"header {name}", summary.fields.get(name, "absent"), fields.get(name, "absent"))


def with_nearest(message: str, nearest: Nearest, label: str, plan: Plan) -> str:
    """Return the message of a miss with the nearest stored request added. ``label``: that request's name."""
    if plan.cassette is None:
        return f"{message} The nearest stored request differs in: {'; '.join(map(str, nearest.differences))}"
    what, _, how_to_record = message.rpartition("\n")
    return f"{what}\nThe nearest recording, {label}, differs in:\n{nearest}\n{how_to_record}"
