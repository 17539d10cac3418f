"""``wirecache diff``: the differences of two entries."""

from __future__ import annotations

from typing import Annotated

import typer

from wirecache._views.entry_diff import answer_differences, request_differences
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
    request, answer = list(request_differences(before, after)), answer_differences(before, after)
    if as_json:
        print_json({"keys": [before.key, after.key], "request": [difference._asdict() for difference in request], "answer": answer})
        return
    _print_part("request", list(map(str, request)))
    _print_part("answer", answer)


def _print_part(name: str, lines: list[str]) -> None:
    print_text(f"{name}:" if lines else f"{name}: no difference")
    for line in lines:
        print_text(f"  {line}")
