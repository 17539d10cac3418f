"""Hit latency against store size, callers at once, and the size of the request, as pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.rows import ROWS, Row

__all__ = ["write_plots"]

PLOTS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "store-size": ("entries in the store", lambda row: row.kind == "size"),
    "callers": ("async callers at once", lambda row: row.kind == "callers"),
    "request-size": ("bytes of the request", lambda row: row.action == "ask" and row.kind == "hit"),
}
LEFT_OUT = ("no cache", "httpx2")  # of the lines: what has none, and what lies on another


def write_plots(results: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    """Write a PNG for each, and yield its path; none for rows that were not measured."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    for name, (label, is_of) in PLOTS.items():
        rows = sorted((row for row in ROWS if is_of(row) and row.name in results["rows"]), key=lambda row: row.amount)
        if len(rows) < 2:
            continue
        figure, axes = pyplot.subplots(figsize=(9, 5.5))
        for contestant, points in _lines(results, rows).items():
            width, style = (2.4, "-") if contestant.startswith("wirecache") else (1.0, "--")
            axes.plot(*zip(*points, strict=True), marker="o", label=contestant, linewidth=width, linestyle=style)
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="a hit's time, relative to a call without a cache")
        axes.axhline(1, color="black", linewidth=0.6)
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
        axes.grid(alpha=0.3)
        path = folder / f"hit-by-{name}.png"
        figure.savefig(path, dpi=80, bbox_inches="tight")
        pyplot.close(figure)
        yield path


def _lines(results: Mapping[str, Any], rows: list[Row]) -> dict[str, list[tuple[int, float]]]:
    """Return the points of each contestant."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for contestant, figure in results["rows"][row.name]["figures"].items():
            if not figure["error"] and not contestant.startswith("floor") and not any(word in contestant for word in LEFT_OUT):
                lines.setdefault(contestant, []).append((row.amount, figure["ratio"]))
    return {name: points for name, points in lines.items() if len(points) > 1}
