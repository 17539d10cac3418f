"""Run the suites of other projects, plain and with the cache under every client, and compare them test by test.

python -m tests.suites [NAME...] [--source NAME=PLACE]...     # make suites

Each has an environment and its sources under ``.suites``. The tests come from the sdist on PyPI or, where that has none, from the
project's git repository at the tag of the version; ``--source`` names another place to clone it from. A test that fails in the same way
without the cache is none of ours. Differences are errors, but those that ``differences.toml`` names with a reason.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

from tests.suites.comparing import Comparison, compared

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLACE = ROOT / ".suites"
SECONDS = 4 * 3600  # for one run of a suite: OpenAI's has 14,000 tests
A_TEST = 60  # seconds; one that waits for a server that is not there would wait for ever


def main() -> int:
    suites: dict[str, dict[str, Any]] = tomllib.loads((HERE / "suites.toml").read_text("utf-8"))
    reasons: dict[str, dict[str, str]] = tomllib.loads((HERE / "differences.toml").read_text("utf-8"))
    parser = argparse.ArgumentParser(prog="python -m tests.suites")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(suites)}; all, if none is given")
    parser.add_argument("--source", action="append", default=[], metavar="NAME=PLACE", help="clone the sources of NAME from there")
    options = parser.parse_args()
    if unknown := set(options.names) - set(suites):
        parser.error(f"NAME must be one of {', '.join(suites)}, got {', '.join(sorted(unknown))}")
    places, bad = dict(each.split("=", 1) for each in options.source), 0
    for name in options.names or suites:
        try:
            comparison, calls = run(name, suites[name], places.get(name), reasons.get(name, {}))
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
            print(f"{name}: could not be run: {getattr(error, 'stderr', None) or error}".rstrip(), flush=True)
            bad += 1
        else:
            print(*report(name, suites[name], comparison, calls), sep="\n", flush=True)
            bad += bool(comparison.unexplained or comparison.idle)
    return int(bad > 0)


def run(name: str, suite: dict[str, Any], place: str | None, reasons: dict[str, str]) -> tuple[Comparison, dict[str, int]]:
    """Run a suite both ways; return what differs, and how many calls passed through the caches."""
    folder = PLACE / name
    source, python = sources(folder, suite, place), environment(folder, suite)
    plain, cached = (outcomes(folder, source, python, suite, with_cache=with_cache) for with_cache in (False, True))
    return compared(plain["outcomes"], cached["outcomes"], reasons), cached["calls"]


def sources(folder: Path, suite: dict[str, Any], place: str | None) -> Path:
    """Return the folder of the project's sources; fetched if they are not there."""
    name, _, version = suite["package"].partition("==")
    name = name.partition("[")[0]
    source = folder / f"{name}-{version}"
    if source.is_dir():
        return source
    folder.mkdir(parents=True, exist_ok=True)
    if place is None and "git" not in suite:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
        checked([*command, f"{name}=={version}"])
        (archive,) = folder.glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        archive.unlink()
        (folder / f"{name.replace('-', '_')}-{version}").rename(source)
        return source
    tags = (version, f"v{version}")
    for tag in tags:
        command = ["git", "clone", "-q", "--depth", "1", "--branch", tag, place or suite["git"], str(source)]
        if (done := subprocess.run(command, capture_output=True, text=True)).returncode == 0:
            return source
    raise subprocess.CalledProcessError(done.returncode, command, stderr=done.stderr)


def environment(folder: Path, suite: dict[str, Any]) -> Path:
    """Return the interpreter of the suite's environment, which has what the suite and wirecache need, and not wirecache itself."""
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    ready = folder / "venv" / ".ready"
    own = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    packages = [suite["package"], *suite["needs"], "pytest-timeout", *own]
    if not ready.exists() or ready.read_text("utf-8") != "\n".join(packages):
        checked([sys.executable, "-m", "venv", "--clear", str(folder / "venv")])
        checked([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages])
        ready.write_text("\n".join(packages), "utf-8")
    return python


def outcomes(folder: Path, source: Path, python: Path, suite: dict[str, Any], *, with_cache: bool) -> dict[str, Any]:
    """Run the suite; return how each test came out. What pytest printed is kept beside it."""
    file = folder / ("cached.json" if with_cache else "plain.json")
    file.unlink(missing_ok=True)
    path = [str(HERE / "plugin"), *([str(ROOT / "src")] if with_cache else [])]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("WIRECACHE_", "PYTEST_")) and key != "CI"}
    command = [str(python), "-m", "pytest", "-o", "addopts=", "-p", "wirecache_suites", "--suite-outcomes", str(file.absolute())]
    command += [*(["--suite-cache"] if with_cache else []), *(["--suite-alias"] if suite.get("alias") else [])]
    # What the garbage collector finds would be blamed on whatever test it comes by in.
    command += f"-q --tb=native --timeout {A_TEST} -p no:cacheprovider -p no:unraisableexception".split()
    command += [*suite.get("arguments", []), *suite["tests"]]
    with file.with_suffix(".txt").open("w") as output:
        environment = {**kept, "PYTHONPATH": os.pathsep.join(path)}
        subprocess.run(command, cwd=source, env=environment, stdout=output, stderr=subprocess.STDOUT, timeout=SECONDS)
    if not file.exists():
        raise OSError(f"pytest ran no test; see {file.with_suffix('.txt')}")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def checked(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def report(name: str, suite: dict[str, Any], comparison: Comparison, calls: dict[str, int]) -> list[str]:
    """Return the lines that report a suite."""
    totals = ", ".join(f"{count} {outcome}" for outcome, count in sorted(comparison.totals.items()))
    lines = [f"{name} ({suite['package']}): {totals}; with the cache {len(comparison.differences)} differ"]
    lines.append(f"  through the caches: {', '.join(f'{count} {what}' for what, count in calls.items())}")
    if "excluded" in suite:
        lines.append(f"  not run: {suite['excluded']}")
    for each in comparison.differences:
        lines.append(f"  {each.test}: {each.plain} without, {each.cached} with: {each.reason or 'NO REASON IS KNOWN'}")
        if each.reason is None:
            lines += [f"    {line}" for line in each.message.splitlines()[-12:]]
    lines += [f"  {pattern}: named in differences.toml, but it does not differ any more" for pattern in comparison.idle]
    return lines


if __name__ == "__main__":
    sys.exit(main())
