"""The table of the README, from what was measured last."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.peers import results

__all__ = ["costs"]

COLUMNS = {
    "hit": "hit",
    "16 async": "16 async",
    "request of 5,000 KB": "5 MB request",
    "miss": "miss",
}
LINES = {
    "wirecache, memory, httpx2": "wirecache, memory",
    "wirecache, disk, httpx2": "wirecache, disk",
    "wirecache, cassette, httpx2": "wirecache, cassette",
    "instructor, memory": "instructor, memory",
    "instructor, disk": "instructor, disk",
    "LangChain, SQLite": "LangChain, SQLite",
    "LiteLLM, memory": "LiteLLM, memory",
    "agentrec, files": "agentrec, files",
    "vcrpy, 1 recording": "vcrpy, 1 recording",
    "vcrpy, 100 recordings": "vcrpy, 100 recordings",
    "cassetter": "cassetter",
}


def costs() -> str:
    """Return the table: what a call takes, relative to the floor."""
    measured = results.load()
    rows = {row: measured["rows"][row]["figures"] for row in COLUMNS}
    dates = sorted({measured["rows"][row]["date"] for row in COLUMNS})
    lines = [
        f"{dates[-1]}, {measured['machine']}, load {measured['load']}:",
        "",
        f"| |{'|'.join(COLUMNS.values())}|",
        "|-|" + "-:|" * len(COLUMNS),
    ]
    for contestant, label in LINES.items():
        lines.append(f"|{label}|{'|'.join(_cell(rows[row].get(contestant)) for row in COLUMNS)}|")
    return "\n".join(lines)


def _cell(figure: dict[str, Any] | None) -> str:
    """Return the ratio of the medians; nothing where there is none."""
    return f"{figure['ratio']:.2f}" if figure is not None and not figure["error"] else ""
