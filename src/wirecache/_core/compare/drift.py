"""Drift: does the provider still answer as recorded? Compares status, shape and, optionally, text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wirecache._core.compare.diff import ABSENT, Difference, difference
from wirecache._core.headers import content_media_type, fields_of
from wirecache._core.llm.answers import answer_text, json_values
from wirecache._core.messages import Entry

__all__ = ["drift"]


def drift(recorded: Entry, live: Entry, *, text: bool = False) -> list[Difference]:
    """Return where the answers differ in status, media type and JSON shape; with ``text``, also in what the model wrote.

    The shape is the names of members and the types of values. The items of a list are merged into one shape, as are the events of one
    type; null is compatible with any type. If a reader ended one of the answers, only what both have is compared.
    """
    is_part = recorded.ended_by_reader or live.ended_by_reader
    found = [difference("status", recorded.status, live.status)] if recorded.status != live.status else []
    types = [content_media_type(fields_of(entry.headers)).decode("latin-1") for entry in (recorded, live)]
    if types[0] != types[1]:
        found.append(difference("content-type", *types))
    shapes = _shape_of(recorded), _shape_of(live)
    found += _shape_differences(*(_shared(*shapes) if is_part else shapes))
    texts = (answer_text(recorded), answer_text(live)) if text else ("", "")
    size = min(map(len, texts)) if is_part else None
    if texts[0][:size] != texts[1][:size]:
        found.append(difference("text", *texts))
    return found


def _shared(recorded: Any, live: Any) -> tuple[Any, Any]:
    """Return the shapes of the event types that both answers have; empty if one of them is not a stream."""
    if not (isinstance(recorded, _Events) and isinstance(live, _Events)):
        return None, None
    names = recorded.keys() & live.keys()
    return {name: recorded[name] for name in names}, {name: live[name] for name in names}


class _Events(dict[str, Any]):
    """The shapes of a stream's events, by type."""


def _shape_of(entry: Entry) -> Any:
    values = json_values(entry)
    if entry.stream_kind is None:
        return _shape(values[0]) if values else "not JSON"
    shapes = _Events()
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
    return {type(None): None, bool: "true or false", str: "a string"}.get(type(value), "a number")


def _merged(one: Any, other: Any) -> Any:
    """Return the shape that covers both; None is the shape of null."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _merged(one.get(name), other.get(name)) for name in {**one, **other}}
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(one[0], other[0])]
    return one


def _shape_differences(recorded: Any, live: Any, pointer: str = "") -> Iterator[Difference]:
    if recorded is None or live is None:
        return
    if isinstance(recorded, dict) and isinstance(live, dict):
        for name in {**recorded, **live}:
            step = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in recorded and name in live:
                yield from _shape_differences(recorded[name], live[name], step)
            else:
                yield difference(step, recorded.get(name, ABSENT), live.get(name, ABSENT))
    elif isinstance(recorded, list) and isinstance(live, list):
        yield from _shape_differences(recorded[0], live[0], f"{pointer}/*")
    elif recorded != live:
        yield difference(pointer or "/", recorded, live)
