"""The guide's tables of SDKs, made from what the matrix's run wrote down. Needs no SDK."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["COLUMNS", "HERE", "ORDER", "section", "short_section"]

HERE = Path(__file__).with_name("matrix.json")

ORDER = (
    "openai 3",
    "openai 2",
    "anthropic",
    "google-genai",
    "mistralai",
    "groq",
    "cohere",
    "together",
    "cerebras",
    "ollama",
    "huggingface_hub",
    "litellm, OpenAI's route",
    "litellm, Anthropic's route",
    "langchain-openai",
    "langchain-anthropic",
    "pydantic-ai, OpenAI",
    "pydantic-ai, Anthropic",
    "openai-agents",
    "instructor",
)
# Those in the README, which has a line for each way of giving a client.
SHORT = ("openai 3", "anthropic", "google-genai", "mistralai", "groq", "ollama")
# The columns, and the cells that each stands for.
COLUMNS = {
    "sync": ("sync",),
    "async": ("async",),
    "`attach`": ("attach",),
    "`install`": ("install",),
    "one call upstream": ("upstream",),
    "a hit equals live": ("equal",),
    "raw response": ("raw",),
    "stream passes live": ("stream-live",),
    "stream replayed": ("stream-recorded",),
    "tool loop": ("tools",),
    "embeddings": ("embeddings",),
    "audio upload": ("audio",),
    "offline miss": ("offline",),
}


def section(path: Path = HERE) -> str:
    """Return both tables: how each SDK is given the cache, and what was run of it."""
    named = _rows(path, ORDER)
    notes: list[str] = []
    lines = ["| SDK | run with | library | sync | async |", "|---|---|---|---|---|"]
    lines += [f"| {name} | {row['version']} | {row['library']} | {' | '.join(_given(row))} |" for name, row in named]
    lines += [
        "",
        "What was run of each, over real sockets against a stand-in provider (- : the SDK has no such thing, or it is not run):",
        "",
    ]
    lines += ["| SDK | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(_cell(row, cells, notes, name) for cells in COLUMNS.values()) + " |" for name, row in named]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def short_section(path: Path = HERE) -> str:
    """Return how the SDKs of the README are given the cache."""
    lines = ["| SDK | sync | async |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(_given(row))} |" for name, row in _rows(path, SHORT))])


def _rows(path: Path, names: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return [(name, found[name]) for name in names]


def _given(row: dict[str, Any]) -> tuple[str, str]:
    """Return how a sync and an async client is given the cache."""
    attached = f"`attach({row['attach']})`"
    sync, asynchronous = (_line(row, side) for side in ("sync", "async"))
    if row["cells"].get("sync") and not sync:
        sync = attached
    if row["cells"].get("async") and not asynchronous:
        asynchronous = attached
    both = "the same" if sync == asynchronous else asynchronous
    return sync or "-", both or "-"


def _line(row: dict[str, Any], side: str) -> str:
    """What is written otherwise than without a cache; a call that stays as it was is left out."""
    line, own = str(row[side] or ""), row["own"][side]
    return line and f"`{line.removesuffix(f'; {own}')}`"


def _cell(row: dict[str, Any], cells: tuple[str, ...], notes: list[str], name: str) -> str:
    outcomes = [row["cells"][cell] for cell in cells if cell in row["cells"]]
    if not outcomes:
        return "-"
    if not all(outcomes):
        return "**no**"
    lacks = next((row["without"][cell] for cell in cells if cell in row["without"]), None)
    if lacks is not None:
        mark = "¹²³⁴⁵"[len(notes)]
        notes.append(f"{mark} {name}: {next(iter(lacks.values()))}.  ")
        return f"{'no' if len(lacks) == 2 else 'async' if 'sync' in lacks else 'sync'} {mark}"
    return "yes"
