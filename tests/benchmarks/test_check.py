"""No path is longer than the stored counts say; and one that is, is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.check import FIGURES, ROOT, compare, count_revision, show


def test_no_path_became_longer() -> None:
    run = subprocess.run([sys.executable, "-m", "tests.benchmarks.check"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr + run.stdout


def test_a_longer_path_is_named() -> None:
    stored = json.loads(FIGURES.read_text("utf-8"))
    longer = {name: {what: count + count // 10 + 3 for what, count in counts.items()} for name, counts in stored["counts"].items()}
    assert compare(stored["counts"], stored, stored["python"]) == []
    assert len(compare(longer, stored, stored["python"])) == 4 * len(longer)
    assert len(compare(longer, stored, "3.99")) == len(longer)


def test_another_revision_is_counted_by_the_same_measure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = json.loads(FIGURES.read_text("utf-8"))["counts"]
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "guide"))
    person = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "src"), (*person, "commit", "-q", "-m", "all")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    counts = count_revision("HEAD", tmp_path)
    assert counts.keys() == stored.keys()
    show({"hit": stored["hit"]}, {"hit": {**stored["hit"], "own calls": stored["hit"]["own calls"] + 7}})
    assert "own calls (-7)" in capsys.readouterr().out
