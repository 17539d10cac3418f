"""Hit latency against store size, callers at once, and the size of the request, as pictures; the first one is the README's, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.rows import ROWS, Row

__all__ = ["PICTURE", "description", "write_picture", "write_plots"]

PLOTS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "store-size": ("entries in the store", lambda row: row.kind == "size"),
    "callers": ("async callers at once", lambda row: row.kind == "callers"),
    "request-size": ("bytes of the request", lambda row: row.action == "ask" and row.kind == "hit"),
}
LEFT_OUT = ("no cache", "httpx2")  # of the lines: what has none, and what lies on another
PICTURE = Path(__file__).parents[3] / ".github" / "hit-by-store-size.svg"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "wirecache",
    "font.family": "sans-serif",
}  # text stays text, and the file that of the figures

MARKERS = "osD^vP*X<>"  # a line has its own colour and marker: there are more lines than colours that differ

Lines = dict[str, list[tuple[int, float]]]


def write_plots(results: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    """Write a PNG for each, and yield its path; none for rows that were not measured."""
    for name, (label, _) in PLOTS.items():
        if lines := _lines(results, name):
            path = folder / f"hit-by-{name}.png"
            _draw(lines, label, path, (9, 5.5), dpi=80)
            yield path


def write_picture(results: Mapping[str, Any], path: Path = PICTURE) -> None:
    """Write the README's plot, if its rows were measured. ``description`` is in it."""
    if lines := _lines(results, "store-size"):
        metadata = {"Description": description(results), "Date": None, "Creator": None}
        _draw(lines, PLOTS["store-size"][0], path, (8, 3.2), metadata=metadata)


def description(results: Mapping[str, Any]) -> str:
    """Return what the README's plot shows, as JSON: so a test can tell whether it shows these results."""
    return json.dumps(_lines(results, "store-size"))


def _draw(lines: Lines, label: str, path: Path, size: tuple[float, float], **options: Any) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with matplotlib.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=size)
        for number, (contestant, points) in enumerate(lines.items()):
            width, style = (2.4, "-") if contestant.startswith("wirecache") else (1.0, "--")
            look: dict[str, Any] = {"color": f"C{number % 10}", "marker": MARKERS[(number + number // 10) % 10]}
            axes.plot(*zip(*points, strict=True), label=contestant, linewidth=width, linestyle=style, **look)
        axes.set(xscale="log", xlabel=label, ylabel="a hit's time\n(1: a call without a cache)")
        if max(ratio for points in lines.values() for _, ratio in points) > 10:
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        amounts = sorted({amount for points in lines.values() for amount, _ in points})
        axes.set_xticks(amounts, [f"{amount:,}" for amount in amounts])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
        axes.axhline(1, color="black", linewidth=0.6)
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
        axes.grid(alpha=0.3)
        figure.savefig(path, bbox_inches="tight", **options)
        pyplot.close(figure)


def _lines(results: Mapping[str, Any], plot: str) -> Lines:
    """Return the points of each contestant; nothing if fewer than two rows were measured."""
    lines: Lines = {}
    for row in sorted((row for row in ROWS if PLOTS[plot][1](row) and row.name in results["rows"]), key=lambda row: row.amount):
        for contestant, figure in results["rows"][row.name]["figures"].items():
            if not figure["error"] and not contestant.startswith("floor") and not any(word in contestant for word in LEFT_OUT):
                lines.setdefault(contestant, []).append((row.amount, figure["ratio"]))
    return {name: points for name, points in lines.items() if len(points) > 1}
