"""The figures of a row, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers.contestant import Contestant

__all__ = ["print_table"]


def print_table(name: str, figures: Mapping[str, Mapping[str, Any]], contestants: Iterable[Contestant], missing: Mapping[str, str]) -> None:
    """Print the row: microseconds, and ratios to the floor."""
    table = Table(title=name, title_justify="left")
    for head in ("", "layer", "µs", "of the floor", "p99", "of its plain call", "sent"):
        table.add_column(head, justify="left" if head in ("", "layer") else "right")
    for one in contestants:
        if (figure := figures.get(one.name)) is None:
            continue
        if figure["error"]:
            table.add_row(one.name, one.layer, figure["error"], style="dim")
            continue
        plain = figures.get(one.plain, {}).get("median")
        table.add_row(
            one.name, one.layer, f"{figure['median'] * 1e6:,.0f}", f"{figure['ratio']:.2f}", f"{figure['ratio_p99']:.2f}",
            f"{figure['median'] / plain:.2f}" if plain and one.plain != one.name else "", f"{figure['sent']:.0f} %",
        )  # fmt: skip
    for module, reason in missing.items():
        table.add_row(module, "", reason, style="dim")
    Console(width=140).print(table)
