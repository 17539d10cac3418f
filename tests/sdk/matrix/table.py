"""The README's table of SDKs, made from what the matrix's run wrote down. Needs no SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["BEGIN", "END", "HERE", "README", "in_readme", "section"]

HERE = Path(__file__).with_name("matrix.json")
README = Path(__file__).parents[3] / "README.md"
BEGIN = "<!-- made by `python -m tests.sdk.matrix write` from what `make matrix` found -->"
END = "<!-- end of what is made -->"

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
    """Both tables, without the markers: how each SDK is given the cache, and what was run of it."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    named = [(name, found[name]) for name in ORDER]
    notes: list[str] = []
    lines = ["| SDK | run with | library | sync | async |", "|---|---|---|---|---|"]
    lines += [_given(name, row) for name, row in named]
    lines += [
        "",
        "What was run of each, over real sockets against a stand-in provider (- : the SDK has no such thing, or it is not run):",
        "",
    ]
    lines += ["| SDK | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(_cell(row, cells, notes, name) for cells in COLUMNS.values()) + " |" for name, row in named]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def _given(name: str, row: dict[str, Any]) -> str:
    attached = f"`attach({row['attach']})`"
    sync, asynchronous = (_line(row, side) for side in ("sync", "async"))
    if row["cells"].get("sync") and not sync:
        sync = attached
    if row["cells"].get("async") and not asynchronous:
        asynchronous = attached
    both = "the same" if sync == asynchronous else asynchronous
    return f"| {name} | {row['version']} | {row['library']} | {sync or '-'} | {both or '-'} |"


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


def in_readme(text: str, made: str) -> str:
    """The README with that between the markers."""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"README.md has no {BEGIN!r} ... {END!r}")
    return f"{before}{BEGIN}\n\n{made}\n{END}{after}"
