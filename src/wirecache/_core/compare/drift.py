"""Does the provider still answer as it did? A live answer against the recorded one: status, shape, and if asked for the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wirecache._core.compare.diff import ABSENT, Difference, difference
from wirecache._core.headers import media_type
from wirecache._core.llm.answers import answer_text, json_values
from wirecache._core.messages import Entry, fields_of
from wirecache._core.rules.eligibility import is_event_stream

__all__ = ["drift"]


def drift(recorded: Entry, live: Entry, *, text: bool = False) -> list[Difference]:
    """Where they differ in status, media type and JSON shape (names of members, types of values); with ``text``, in what was said.

    A value that is null once has the shape of what it is else. Items of a list have one shape together, so have the events of one type.
    """
    found = [difference("status", recorded.status, live.status)] if recorded.status != live.status else []
    kinds = [media_type(fields_of(entry.headers).get(b"content-type", b"")).decode("latin-1") for entry in (recorded, live)]
    if kinds[0] != kinds[1]:
        found.append(difference("content-type", *kinds))
    found += _compared(_shape_of(recorded), _shape_of(live))
    if text and (was := answer_text(recorded)) != (now := answer_text(live)):
        found.append(difference("text", was, now))
    return found


def _shape_of(entry: Entry) -> Any:
    values = json_values(entry)
    if not is_event_stream(fields_of(entry.headers)):
        return _shape(values[0]) if values else "no JSON"
    shapes: dict[str, Any] = {}
    for value in values:
        name = value.get("type") or value.get("event_type") or "event" if isinstance(value, dict) else "event"
        shapes[str(name)] = _merged(shapes.get(str(name)), _shape(value))
    return shapes


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    if isinstance(value, list):
        merged: Any = None
        for item in value:
            merged = _merged(merged, _shape(item))
        return [merged]
    return {type(None): None, bool: "true or false", str: "a text"}.get(type(value), "a number")


def _merged(one: Any, other: Any) -> Any:
    """The shape that has both."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _merged(one.get(name), other.get(name)) for name in {**one, **other}}
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(one[0], other[0])]
    return one


def _compared(was: Any, now: Any, pointer: str = "") -> Iterator[Difference]:
    if was is None or now is None:
        return
    if isinstance(was, dict) and isinstance(now, dict):
        for name in {**was, **now}:
            step = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in was and name in now:
                yield from _compared(was[name], now[name], step)
            else:
                yield difference(step, was.get(name, ABSENT), now.get(name, ABSENT))
    elif isinstance(was, list) and isinstance(now, list):
        yield from _compared(was[0], now[0], f"{pointer}/*")
    elif was != now:
        yield difference(pointer or "/", was, now)
