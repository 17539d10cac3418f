"""The report of a soak: lines of text, JSON, and a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

__all__ = ["plot", "write"]

WIDTH, HEIGHT, LEFT, TOP = 900, 130, 90, 28
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")

Points = Sequence[tuple[float, float]]


def plot(panels: dict[str, dict[str, Points]], marks: dict[str, list[float]], seconds: float) -> str:
    """Return an SVG with one panel below the other. ``marks``: moments of faults, by name."""
    height = len(panels) * (HEIGHT + TOP + 10) + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEFT + 20} {height}" font-family="sans-serif" font-size="11">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for number, (title, lines) in enumerate(panels.items()):
        parts += _panel(title, lines, marks, seconds, TOP + number * (HEIGHT + TOP + 10))
    legend = "; ".join(f"{name}: {len(moments)}" for name, moments in marks.items())
    parts.append(f'<text x="{LEFT}" y="{height - 12}">{escape(legend)}; {seconds / 60:.1f} minutes</text></svg>')
    return "\n".join(parts)


def _panel(title: str, lines: dict[str, Points], marks: dict[str, list[float]], seconds: float, top: float) -> list[str]:
    highest = max((value for points in lines.values() for _, value in points), default=1) or 1

    def x(at: float) -> float:
        return LEFT + at / max(seconds, 1) * WIDTH

    parts = [f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{escape(title)}</text>']
    parts.append(f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>')
    for part in (0, 0.5, 1):
        y = top + HEIGHT * (1 - part)
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{highest * part:,.0f}</text>')
    for number, moments in enumerate(marks.values()):
        stroke = ("#ccc", "#fc9")[number % 2]
        parts += [f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{top}" y2="{top + HEIGHT}" stroke="{stroke}"/>' for at in moments]
    for number, points in enumerate(lines.values()):
        path = " ".join(f"{x(at):.1f},{top + HEIGHT * (1 - value / highest):.1f}" for at, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[number % len(COLOURS)]}"/>')
    return parts


def write(folder: Path, found: dict[str, Any], panels: dict[str, dict[str, Points]], marks: dict[str, list[float]]) -> list[str]:
    """Write ``soak.txt``, ``soak.json`` and ``soak.svg`` into the folder; return the lines of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{name}: {_text(value)}" for name, value in found.items() if name != "verdict"]
    lines += ["verdict: " + ("; ".join(found["verdict"]) or "flat, and no answer was wrong")]
    (folder / "soak.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "soak.json").write_text(json.dumps({**found, "panels": panels, "marks": marks}, indent=1) + "\n", "utf-8")
    (folder / "soak.svg").write_text(plot(panels, marks, found["seconds"]) + "\n", "utf-8")
    return lines


def _text(value: Any) -> str:
    return ", ".join(f"{inner} {name}" for name, inner in value.items()) if isinstance(value, dict) else str(value)
