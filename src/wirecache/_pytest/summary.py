"""The summary at the end of a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from wirecache._core.terminal_text import terminal_safe
from wirecache._pytest.budget import budget_lines
from wirecache._pytest.results import RunResults

__all__ = ["find_unused", "write_summary"]

MAX_LINES = 20  # of each list
SELECTING_OPTIONS = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")


def find_unused(config: pytest.Config, results: RunResults, *, passed: bool) -> list[Path]:
    """Return the recordings that were not used, after removing them if ``--wirecache-unused=prune``. ``passed``: all tests passed."""
    unused = results.unused(is_whole_suite=passed and _runs_whole_directories(config))
    if config.getoption("wirecache_unused") == "prune":
        for path in unused:
            path.unlink(missing_ok=True)
        for folder in sorted({folder for path in unused for folder in (path.parent, path.parent.parent)}, reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    return unused


def _runs_whole_directories(config: pytest.Config) -> bool:
    selects = any(config.getoption(name, None) for name in SELECTING_OPTIONS)
    return not selects and all(Path(argument).is_dir() for argument in config.args)


def write_summary(terminal: Any, results: RunResults, unused: list[Path]) -> None:
    """Write the lists of misses, of drift and of unused recordings, and a line with the totals."""
    policy = terminal.config.getoption("wirecache_unused")
    unused_title = "unused, removed" if policy == "prune" else "unused (--wirecache-unused=prune removes them)"
    lists = {
        "no recording": [f"{result.nodeid}: {message}" for result in results.cassettes for message in result.missing],
        "drift": [f"{result.nodeid}: {drift}" for result in results.cassettes for drift in result.drift],
        unused_title: [os.path.relpath(path, terminal.config.rootpath) for path in unused] if policy != "ignore" else [],
    }
    if any(lists.values()):
        terminal.write_sep("=", "wirecache")
    for title, lines in lists.items():
        for line in ([f"{title}:"] if lines else []) + [f"  {line}" for line in lines[:MAX_LINES]]:
            terminal.write_line(terminal_safe(line))
        if len(lines) > MAX_LINES:
            terminal.write_line(f"  and {len(lines) - MAX_LINES} more")
    if results.cassettes:
        terminal.write_line(_totals(results, len(unused), is_pruned=policy == "prune"))
        if max_cost := terminal.config.getoption("wirecache_max_cost"):
            for line in budget_lines(max_cost, results.costs()):
                terminal.write_line(terminal_safe(line))


def _totals(results: RunResults, unused: int, *, is_pruned: bool) -> str:
    cassettes = results.cassettes
    totals = {
        "replayed": sum(result.replayed for result in cassettes),
        "recorded": sum(result.recorded for result in cassettes),
        "live": sum(result.live for result in cassettes),
    }
    problems = {
        "missing": sum(len(result.missing) for result in cassettes),
        "drift": sum(len(result.drift) for result in cassettes),
    }
    parts = [f"{count} {name}" for name, count in totals.items()]
    parts.append(f"{unused} unused" + (" (removed)" if unused and is_pruned else ""))
    parts += [f"{count} {name}" for name, count in problems.items() if count]
    return f"wirecache: {', '.join(parts)}"
