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
from wirecache.cli._options import JsonOption, StoreOption
from wirecache.cli._stores import find_entry, open_cache
from wirecache.cli._terminal import print_json, print_text

__all__ = ["command"]


def command(
    first: Annotated[str, typer.Argument(help="The key of an entry, or its first digits.", metavar="KEY")],
    second: Annotated[str, typer.Argument(help="The key of the other entry, or its first digits.", metavar="KEY")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two entries: their requests (why the second was not a hit on the first) and their answers."""
    with open_cache(store) as cache:
        before, after = find_entry(cache, first), find_entry(cache, second)
    request, answer = list(_request_differences(before, after)), _answer_differences(before, after)
    if as_json:
        print_json({"keys": [before.key, after.key], "request": [difference._asdict() for difference in request], "answer": answer})
        return
    _print_part("request", list(map(str, request)))
    _print_part("answer", answer)


def _print_part(name: str, lines: list[str]) -> None:
    print_text(f"{name}:" if lines else f"{name}: no difference")
    for line in lines:
        print_text(f"  {line}")


def _request_differences(before: Entry, after: Entry) -> Iterator[Difference]:
    """Yield the differences of the requests: first those outside the body, then those in it."""
    one, other = before.request, after.request
    for name in ("method", "url", "namespace", "sample", "content_type"):
        if getattr(one, name) != getattr(other, name):
            yield part_difference(name, str(getattr(one, name)), str(getattr(other, name)))
    for name in sorted(one.fields.keys() | other.fields.keys()):
        if one.fields.get(name) != other.fields.get(name):
            yield part_difference(f"header {name}", one.fields.get(name, "absent"), other.fields.get(name, "absent"))
    yield from differences(_json_or_text(before.request_body), _json_or_text(after.request_body))


def _json_or_text(body: bytes | memoryview) -> Any:
    text = bytes(body).decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _answer_differences(before: Entry, after: Entry) -> list[str]:
    """Return the lines of a unified diff of the two statuses and the texts that the model wrote."""
    old, new = (f"status {entry.status}\n{answer_text(entry)}".splitlines() for entry in (before, after))
    return list(difflib.unified_diff(old, new, before.key[:12], after.key[:12], lineterm=""))
