"""Text from stores, files and providers reaches the terminal without its control characters, whichever command prints it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Done, entry, fill, wirecache
from wirecache import DiskStore, cli
from wirecache._views.formats import format_duration, format_size, format_time

EVIL = "\x1b[2J\x1b]0;evil\x07\u202e\x9b\u2066"  # clears the screen and changes the title


# -- each command that prints text from outside -----------------------------------------------------------------------


def _ls(folder: Path) -> Done:
    fill(folder / "store", [entry(EVIL, "x", model=EVIL)])
    return wirecache("ls", "--store", folder / "store")


def _stats(folder: Path) -> Done:
    store = DiskStore(folder / "store")
    store.add_history([(20_000, EVIL, "chat", EVIL, EVIL, 0, "hits", 1), (20_000, EVIL, "chat", EVIL, EVIL, 0, f"bypassed:{EVIL}", 1)])
    store.close()
    return wirecache("stats", "--store", folder / "store")


def _scan(folder: Path) -> Done:
    (folder / f"{EVIL}.yaml").write_text(f"api_key: {EVIL}0123456789\n", "utf-8")
    return wirecache("scan", folder)


def _scan_of_a_large_file(folder: Path) -> Done:
    (folder / f"{EVIL}.txt").write_text("x" * 1_000_001, "utf-8")
    return wirecache("scan", "--max-size", "1", folder)


def _import_batch(folder: Path) -> Done:
    request = {"custom_id": EVIL, "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m"}}
    result = {"custom_id": EVIL, "response": None, "error": {"code": "failed", "message": EVIL}}
    for name, line in (("requests", request), ("results", result)):
        (folder / name).write_text(json.dumps(line), "utf-8")
    return wirecache("import", "batch", "--input", folder / "requests", "--output", folder / "results")


def _import(folder: Path) -> Done:
    (folder / f"{EVIL}.json").write_text("no cassette", "utf-8")
    return wirecache("import", folder)


def _warm(folder: Path) -> Done:
    (folder / "calls").write_text(json.dumps({"custom_id": EVIL, "method": "POST", "url": "/v1/files", "body": {}}), "utf-8")
    return wirecache("warm", folder / "calls")


def _doctor(folder: Path) -> Done:
    return wirecache("doctor", "--store", folder / EVIL)


@pytest.mark.parametrize("command", [_ls, _stats, _scan, _scan_of_a_large_file, _import_batch, _import, _warm, _doctor])
def test_no_command_prints_control_characters(command: Callable[[Path], Done], tmp_path: Path) -> None:
    done = command(tmp_path)
    assert "\ufffd" in done.out + done.error
    assert {"\x1b", "\x07", "\u202e", "\x9b", "\u2066"}.isdisjoint(done.out + done.error)


def test_only_the_terminal_module_prints() -> None:
    folder = Path(cli.__file__).parent
    printing = {
        path.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.echo", "typer.secho", "print", "typer.BadParameter")
    }
    assert printing == {"_terminal.py", "__init__.py"}  # the latter only the version, so that it need not import rich


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (format_duration(0), "0 s"),
        (format_duration(90), "2 min"),
        (format_duration(7200), "2 h"),
        (format_duration(86400 * 3), "3 d"),
        (format_size(999), "999 B"),
        (format_size(1500), "1.5 kB"),
        (format_size(2e12), "2.0 TB"),
        (format_time(0), "1970-01-01T00:00:00Z"),
    ],
)
def test_quantities(text: str, expected: str) -> None:
    assert text == expected
