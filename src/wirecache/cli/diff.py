"""``wirecache diff``: where do two entries differ?"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from wirecache import Entry
from wirecache._core.compare.diff import Difference, differences, part_difference
from wirecache._core.llm.answers import answer_text
from wirecache.cli._stores import Store, cache_of, entry_of
from wirecache.cli._terminal import AsJson, plain, print_json

__all__ = ["command"]


def command(
    one: Annotated[str, typer.Argument(help="The key of an entry, or its first digits.", metavar="KEY")],
    other: Annotated[str, typer.Argument(help="The key of another one.", metavar="KEY")],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Compare two entries: what differs in their requests (why the second was no hit of the first), and in their answers."""
    with cache_of(store) as cache:
        first, second = entry_of(cache, one), entry_of(cache, other)
    asked = list(_asked(first, second))
    lines = _answers(first, second)
    if as_json:
        found = [difference._asdict() for difference in asked]
        print_json({"keys": [first.key, second.key], "request": found, "answer": lines})
        return
    typer.echo("request:" if asked else "request: no difference")
    for difference in asked:
        typer.echo(plain(f"  {difference}"))
    typer.echo("answer:" if lines else "answer: no difference")
    for line in lines:
        typer.echo(plain(f"  {line}"))


def _asked(first: Entry, second: Entry) -> Iterator[Difference]:
    """What differs in the requests, outside of the body and in it."""
    one, other = first.request, second.request
    for name in ("method", "url", "namespace", "sample", "content_type"):
        if getattr(one, name) != getattr(other, name):
            yield part_difference(name, str(getattr(one, name)), str(getattr(other, name)))
    for name in sorted(one.fields.keys() | other.fields.keys()):
        if one.fields.get(name) != other.fields.get(name):
            yield part_difference(f"header {name}", one.fields.get(name, "absent"), other.fields.get(name, "absent"))
    yield from differences(_value(first.request_body), _value(second.request_body))


def _value(body: bytes | memoryview) -> Any:
    text = bytes(body).decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _answers(first: Entry, second: Entry) -> list[str]:
    """The difference of what the model wrote, as lines of a patch; the status before it."""
    before, after = (f"status {entry.status}\n{answer_text(entry)}".splitlines() for entry in (first, second))
    return list(difflib.unified_diff(before, after, first.key[:12], second.key[:12], lineterm=""))
