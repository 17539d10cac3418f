"""The differences of the requests and answers of two entries."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from wirecache._core.compare.diff import Difference, differences, part_difference
from wirecache._core.keys.canonical import parse_body
from wirecache._core.keys.redacted_request import body_members
from wirecache._core.llm.answers import answer_text
from wirecache._core.messages import Entry
from wirecache._core.privacy.redaction import DEFAULT

__all__ = ["answer_differences", "outside_differences", "request_differences"]


def request_differences(before: Entry, after: Entry) -> Iterator[Difference]:
    """Yield the differences of the requests: first those outside the body, then those in it."""
    yield from outside_differences(before, after)
    yield from differences(_value(before), _value(after))


def outside_differences(before: Entry, after: Entry) -> Iterator[Difference]:
    """Yield the differences of the requests that are not in their bodies."""
    one, other = before.request, after.request
    for name in ("method", "url", "namespace", "sample", "content_type"):
        if getattr(one, name) != getattr(other, name):
            yield part_difference(name, str(getattr(one, name)), str(getattr(other, name)))
    for name in sorted(one.fields.keys() | other.fields.keys()):
        if one.fields.get(name) != other.fields.get(name):
            yield part_difference(f"header {name}", one.fields.get(name, "absent"), other.fields.get(name, "absent"))


def _value(entry: Entry) -> Any:
    """Return the request body as a JSON value, a form as an object, anything else as text."""
    body = parse_body(bytes(entry.request_body), entry.request.content_type.encode("latin-1", "replace"))
    if body.kind in ("form", "multipart"):
        return body_members(body, DEFAULT)
    text = bytes(entry.request_body).decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def answer_differences(before: Entry, after: Entry) -> list[str]:
    """Return the lines of a unified diff of the two statuses and the texts that the model wrote."""
    old, new = (f"status {entry.status}\n{answer_text(entry)}".splitlines() for entry in (before, after))
    return list(difflib.unified_diff(old, new, before.key[:12], after.key[:12], lineterm=""))
