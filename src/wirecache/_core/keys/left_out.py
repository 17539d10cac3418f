"""What ``normalize="coding-agent"`` left out of a request's key, and what another request with that key has in the same places."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wirecache._core.keys.canonical import Body, ignore_members
from wirecache._core.keys.keys import KeyOptions
from wirecache._core.keys.normalizers import left_out
from wirecache._core.messages import Entry

__all__ = ["exchanged_values", "left_out_of", "left_out_once"]


def left_out_of(body: Body, options: KeyOptions) -> dict[str, str]:
    """Return the directories and ids that do not count in the body's key, by their places in the body."""
    return left_out(ignore_members(body.value, options.ignore_body)) if body.kind == "json" else {}


def left_out_once(body: Body, options: KeyOptions) -> tuple[tuple[str, str], ...]:
    """Return each distinct value that does not count in the body's key, with its first place."""
    first: dict[str, str] = {}
    for place, value in left_out_of(body, options).items():
        first.setdefault(value, place)
    return tuple((place, value) for value, place in first.items())


def exchanged_values(entry: Entry, body: Body, options: KeyOptions) -> dict[str, str]:
    """Return the replacements for values of the entry's request: what this body has in the same places, if it differs.

    Values that would have two replacements, or whose places the body lacks, are left out as ambiguous.
    """
    here, meant = left_out_of(body, options), dict[str, set[str]]()
    for place, value in _recorded(entry, options).items() if here else ():
        meant.setdefault(value, set()).add(here.get(place, ""))
    pairs = ((value, next(iter(others))) for value, others in meant.items() if len(others) == 1)
    return {value: other for value, other in pairs if other and other != value}


def _recorded(entry: Entry, options: KeyOptions) -> Mapping[str, str]:
    """Return what was left out of the key of the entry's request, by place."""
    request = entry.request
    if not request.whole:
        return {place: value for place, value in request.left_out}
    try:
        value = json.loads(bytes(entry.request_body))
    except (ValueError, RecursionError):
        return {}
    return left_out_of(Body("json", b"", value), options)
