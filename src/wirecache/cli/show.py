"""``wirecache show``: one entry, shown as a conversation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from wirecache._core.quantity import quantity
from wirecache._core.shortened import shortened
from wirecache._views.entry_json import EntryDetails, entry_details
from wirecache._views.formats import format_duration, format_size
from wirecache.cli._options import JsonOption, StoreOption
from wirecache.cli._stores import find_entry, open_cache
from wirecache.cli._terminal import print_json, print_text

__all__ = ["command"]

LONGEST = 100  # characters of a parameter


def command(
    key: Annotated[str, typer.Argument(help="The key of an entry, or its first digits.", metavar="KEY")],
    raw: Annotated[bool, typer.Option("--raw", help="Print the body of the answer and nothing else, byte for byte.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an entry: prompt and answer as a conversation, tool calls, parameters, headers, timings and token usage."""
    with open_cache(store) as cache:
        entry = find_entry(cache, key)
    if raw:
        sys.stdout.flush()
        sys.stdout.buffer.write(entry.body)
        sys.stdout.buffer.flush()
        return
    details = entry_details(entry)
    if as_json:
        print_json(details)
    else:
        print_text("\n".join([*_head(details), "", *_conversation(details)]))


def _head(entry: EntryDetails) -> Iterator[str]:
    """Yield the lines before the conversation."""
    yield f"key       {entry['key']}"
    yield f"request   {entry['method']} {entry['url']}"
    yield f"endpoint  {entry['endpoint'] or 'unknown'}, model {entry['model'] or 'none'}"
    own_ttl = f", its own ttl: {entry['ttl']}" if entry["ttl"] is not None else ""
    yield f"stored    {entry['stored_at']}, {format_duration(entry['age'])} ago{own_ttl}"
    yield f"answer    status {entry['status']}, {format_size(entry['bytes'])}, upstream took {entry['seconds']:.3f} s"
    if entry["namespace"] or entry["sample"]:
        yield f"call      namespace {entry['namespace']!r}, sample {entry['sample']}"
    if usage := entry["usage"]:
        yield f"tokens    {usage['input']:,} in, {usage['output']:,} out"
    if chunks := entry["chunks"]:
        first, last = chunks[0]["at"], chunks[-1]["at"]
        yield f"stream    {quantity(len(chunks), 'chunk')}, the first after {first:.3f} s, the last after {last:.3f} s"
    parameters = ((name, json.dumps(value, ensure_ascii=False)) for name, value in entry["parameters"].items())
    yield from _fields("sent with", ((name, shortened(text, LONGEST)) for name, text in parameters))
    yield from _fields("sent", entry["request_headers"].items())
    yield from _fields("headers", entry["headers"])


def _fields(title: str, fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    for number, (name, value) in enumerate(fields):
        yield f"{'' if number else title:<10}{name}: {value}"


def _conversation(entry: EntryDetails) -> Iterator[str]:
    for turn in [*entry["conversation"], entry["answer"]]:
        yield f"--- {turn['role']}"
        if turn["text"]:
            yield turn["text"]
        for call in turn["tool_calls"]:
            yield f"calls {call['name']}({call['arguments']})"
