"""What did ``normalize="coding-agent"`` leave out of the key of a request, and what stands in its place in another one with that key?"""

from __future__ import annotations

import json
from collections.abc import Mapping

from wirecache._core.keys.canonical import Body, ignore_members
from wirecache._core.keys.keys import KeyOptions
from wirecache._core.keys.normalizers import left_out
from wirecache._core.messages import Entry

__all__ = ["exchanged_values", "left_out_of", "left_out_once"]


def left_out_of(body: Body, options: KeyOptions) -> dict[str, str]:
    """Return the directories and ids that do not count in the body's key, by their places in it."""
    return left_out(ignore_members(body.value, options.ignore_body)) if body.kind == "json" else {}


def left_out_once(body: Body, options: KeyOptions) -> tuple[tuple[str, str], ...]:
    """Return each value that does not count in the body's key, once, with the first of its places."""
    first: dict[str, str] = {}
    for place, value in left_out_of(body, options).items():
        first.setdefault(value, place)
    return tuple((place, value) for value, place in first.items())


def exchanged_values(entry: Entry, body: Body, options: KeyOptions) -> dict[str, str]:
    """Return what stands in the request with this body in place of each value that the entry's request has, where that is another one.

    A value that stands for two, or whose place the body does not have, is not among them: nobody could say what is meant.
    """
    here, meant = left_out_of(body, options), dict[str, set[str]]()
    for place, value in _recorded(entry, options).items() if here else ():
        meant.setdefault(value, set()).add(here.get(place, ""))
    pairs = ((value, next(iter(others))) for value, others in meant.items() if len(others) == 1)
    return {value: other for value, other in pairs if other and other != value}


def _recorded(entry: Entry, options: KeyOptions) -> Mapping[str, str]:
    """Return what was left out of the key of the entry's request, by its places."""
    request = entry.request
    if not request.whole:
        return {place: value for place, value in request.left_out}
    try:
        value = json.loads(bytes(entry.request_body))
    except (ValueError, RecursionError):
        return {}
    return left_out_of(Body("json", b"", value), options)
