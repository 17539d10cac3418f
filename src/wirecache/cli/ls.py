"""``wirecache ls``: what is in the store?"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text as Styled

from wirecache._core.compare.query import Sort, page_of
from wirecache.cli._entries import in_short
from wirecache.cli._stores import Age, Endpoint, Host, Model, Older, Store, Text, cache_of, chosen, selection
from wirecache.cli._terminal import AsJson, ago, console, plain, print_json, size

__all__ = ["command"]

KEY = 12  # digits of a key that are shown; any command takes them
LONGEST = 32  # characters of a model or a host
COLUMNS = ("key", "age", "model", "endpoint", "host", "tokens", "size")


def command(
    model: Model = "",
    host: Host = "",
    endpoint: Endpoint = "",
    text: Text = "",
    age: Age = None,
    older: Older = None,
    sort: Annotated[Sort, typer.Option(help="newest is by the order of storing, and the quickest.")] = Sort.NEWEST,
    limit: Annotated[int, typer.Option(help="Entries on a page.", min=1)] = 20,
    page: Annotated[int, typer.Option(help="Which page.", min=1)] = 1,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """List entries of the store, the newest first: key, age, model, endpoint, host, tokens, size, prompt.

    The key is shown by its first digits, which show, diff and rm take.
    """
    wanted = selection(model, host, endpoint, text, age, older)
    with cache_of(store) as cache:
        entries, more = page_of(chosen(cache, wanted, "Looking"), sort, page, limit, ordered=hasattr(cache.store, "newest"))
        rows = [in_short(entry) for entry in entries]
        where = repr(cache.store)
        if as_json:
            print_json({"entries": rows, "page": page, "more": more})
        elif rows:
            shown = console()
            shown.print(_table(rows, shown.width))
            if more:
                typer.echo(f"There are more: --page {page + 1}")
        else:
            typer.echo(f"No entries{' like that' if wanted or page > 1 else ''} in {where}.")


def _table(rows: list[dict[str, Any]], width: int) -> Table:
    """The prompt has what the others leave of the width."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    cells = [_cells(row) for row in rows]
    for at, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if name in ("age", "tokens", "size") else "left", no_wrap=True, overflow="ellipsis")
        width -= max(len(name), *(len(row[at]) for row in cells)) + 2
    table.add_column("prompt", no_wrap=True, overflow="ellipsis", max_width=max(width, 20))
    for row in cells:
        table.add_row(*map(Styled, row))
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    usage = row["usage"]
    tokens = f"{usage['input'] + usage['output']:,}" if usage else "-"
    told = [row["key"][:KEY], ago(row["age"]), row["model"] or "-", row["endpoint"] or row["method"], row["host"], tokens]
    return [plain(cell)[:LONGEST] for cell in (*told, size(row["bytes"]))] + [plain(row["prompt"])]
