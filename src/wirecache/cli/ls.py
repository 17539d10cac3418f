"""``wirecache ls``: what is in the store?"""

from __future__ import annotations

from typing import Annotated

import typer

from wirecache._core.compare.query import Sort, page_of
from wirecache._views.entry_json import EntryRow, entry_row
from wirecache._views.formats import format_duration, format_size
from wirecache.cli._options import (
    AgeOption,
    EndpointOption,
    HostOption,
    JsonOption,
    ModelOption,
    OlderOption,
    StoreOption,
    TextOption,
    selection_of,
)
from wirecache.cli._stores import open_cache, selected_entries
from wirecache.cli._terminal import one_line, print_columns, print_json, print_text

__all__ = ["command"]

KEY = 12  # digits of a key that are shown; every command takes them
LONGEST = 32  # characters of a model or a host
COLUMNS = ("key", "age", "model", "endpoint", "host", "tokens", "size", "prompt")
RIGHT_ALIGNED = frozenset({"age", "tokens", "size"})


def command(
    model: ModelOption = "",
    host: HostOption = "",
    endpoint: EndpointOption = "",
    text: TextOption = "",
    age: AgeOption = None,
    older: OlderOption = None,
    sort: Annotated[Sort, typer.Option(help="The order; newest is the order of storing, and the fastest.")] = Sort.NEWEST,
    limit: Annotated[int, typer.Option(help="Entries per page.", min=1)] = 20,
    page: Annotated[int, typer.Option(help="The number of the page.", min=1)] = 1,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List entries of the store, newest first: key, age, model, endpoint, host, tokens, size, prompt.

    Keys are shown by their first digits, which show, diff and rm take.
    """
    selection = selection_of(model, host, endpoint, text, age=age, older=older)
    with open_cache(store) as cache:
        entries = selected_entries(cache, selection, "Searching")
        found = page_of(entries, sort, page, limit, newest_first=hasattr(cache.store, "newest"))
        rows = [entry_row(entry) for entry in found.entries]
        if as_json:
            print_json({"entries": rows, "page": page, "more": found.more})
        elif rows:
            print_columns(COLUMNS, [_cells(row) for row in rows], RIGHT_ALIGNED)
            if found.more:
                print_text(f"There are more entries: --page {page + 1}")
        else:
            print_text(f"No {'matching ' if selection or page > 1 else ''}entries in {cache.store!r}.")


def _cells(row: EntryRow) -> list[str]:
    """Return the text of each column."""
    usage = row["usage"]
    tokens = f"{usage['input'] + usage['output']:,}" if usage else "-"
    cells = (row["key"][:KEY], format_duration(row["age"]), row["model"] or "-", row["endpoint"] or row["method"], row["host"], tokens)
    return [*(one_line(cell)[:LONGEST] for cell in (*cells, format_size(row["bytes"]))), one_line(row["prompt"])]
