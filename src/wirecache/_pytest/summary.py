"""What does a user read at the end of a run?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from wirecache._pytest.ledger import Ledger

__all__ = ["judged", "write"]

SHOWN = 20  # of a kind


def judged(config: pytest.Config, ledger: Ledger, passed: bool) -> list[Path]:
    """The recordings that nobody asked for, removed if that is wished."""
    found = ledger.unused(whole=passed and _is_whole(config))
    if config.getoption("wirecache_unused") == "prune":
        for path in found:
            path.unlink(missing_ok=True)
        for folder in sorted({folder for path in found for folder in (path.parent, path.parent.parent)}, reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    return found


def _is_whole(config: pytest.Config) -> bool:
    """Was nothing but whole directories asked for?"""
    left_out = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")
    return not any(config.getoption(name, None) for name in left_out) and all(Path(name).is_dir() for name in config.args)


def write(terminal: Any, ledger: Ledger, unused: list[Path]) -> None:
    """The line, and above it what has to be told: misses, drift, recordings that nobody asked for."""
    wish = terminal.config.getoption("wirecache_unused")
    lists = [
        ("no recording", [f"{record.nodeid}: {message}" for record in ledger.records for message in record.missing]),
        ("drift", [f"{record.nodeid}: {drift}" for record in ledger.records for drift in record.drift]),
        (_told_of_unused(wish), [os.path.relpath(path, terminal.config.rootpath) for path in unused] if wish != "ignore" else []),
    ]
    if any(found for _, found in lists):
        terminal.write_sep("=", "wirecache")
    for title, found in lists:
        for line in ([f"{title}:"] if found else []) + [f"  {one}" for one in found[:SHOWN]]:
            terminal.write_line(line)
        if len(found) > SHOWN:
            terminal.write_line(f"  and {len(found) - SHOWN} more")
    if line := _line(ledger, len(unused), wish):
        terminal.write_line(line)


def _told_of_unused(wish: str) -> str:
    return "unused, removed" if wish == "prune" else "unused (--wirecache-unused=prune removes them)"


def _line(ledger: Ledger, unused: int, wish: str) -> str:
    """Nothing, if nothing happened."""
    counts = {name: sum(getattr(record, name) for record in ledger.records) for name in ("replayed", "recorded", "live")}
    told = [f"{count} {name}" for name, count in counts.items()]
    told.append(f"{unused} unused" + (" (removed)" if unused and wish == "prune" else ""))
    noted = {name: sum(len(getattr(record, name)) for record in ledger.records) for name in ("missing", "drift")}
    told += [f"{count} {name}" for name, count in noted.items() if count]
    return f"wirecache: {', '.join(told)}" if ledger.records else ""
