"""Do the tests notice when a decision changes? ``make mutants`` changes the functions of the core, one place at a time, and runs the tests.

mutmut makes the mutants and runs the tests; each module's against its own test file alone. A mutant that no test notices is a survivor: a
test is missing, or code is superfluous, or the change makes no difference. Those of the last kind are listed in ``explained.toml``, each
with its reason. The command fails where a survivor is not on the list, and where something is on the list that does not survive.

    make mutants MUTANTS="keys/multipart rules/freshness"
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from tests.mutants.explained import Explained, Mutant
from tests.mutants.survivors import OUTCOMES, Outcome

__all__ = ["MODULES"]

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".mutants"
EXPLAINED = Path(__file__).with_name("explained.toml")
MODULES = (
    "flows/completeness",
    "flows/storability",
    "keys/canonical",
    "keys/fields",
    "keys/identity",
    "keys/keys",
    "keys/large_json",
    "keys/left_out",
    "keys/multipart",
    "keys/normalizers",
    "keys/recorded",
    "keys/redacted_request",
    "privacy/callers",
    "privacy/json_text",
    "privacy/known_values",
    "privacy/names",
    "privacy/patterns",
    "privacy/redaction",
    "privacy/scan",
    "privacy/session_redactor",
    "privacy/shapes",
    "rules/budget",
    "rules/eligibility",
    "rules/endpoints",
    "rules/fork",
    "rules/freshness",
    "rules/http_rules",
    "rules/left_alone",
    "rules/plan",
    "rules/preconditions",
    "rules/record_modes",
    "rules/rules",
)

# mutmut names the tests that reach a mutant in no order; most mutants are noticed by the first quick ones.
QUICK_FIRST = """
import json
from pathlib import Path


def pytest_collection_modifyitems(items):
    if (stats := Path("mutmut-stats.json")).exists():
        seconds = json.loads(stats.read_text())["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
"""


def settings(module: str) -> str:
    """Return the ``pyproject.toml`` of a run on one module: mutmut's settings, and pytest's as the project has them."""
    test = f"tests/core/{module.rpartition('/')[0]}/test_{module.rpartition('/')[2]}.py"
    deep = tomllib.loads(EXPLAINED.read_text("utf-8")).get("deselected", {}).get(module, [])
    mutmut = {
        "source_paths": ["src"],
        "only_mutate": [f"src/wirecache/_core/{module}.py"],
        "also_copy": ["fixtures", "conftest.py"],
        "pytest_add_cli_args_test_selection": [test],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", *(f"--deselect={test}::{name}" for name in deep)],
        # Each mutant starts from modules that were imported only, so that no cache holds what the unchanged code returned.
        "process_isolation": "forkserver",
        "timeout_constant": 2.0,
        "use_git_change_detection": False,
        "track_dependencies": False,
    }
    pytest = {"addopts": "-q", "filterwarnings": ["error", "ignore::pytest.PytestAssertRewriteWarning"], "timeout": 60}
    return _table("tool.mutmut", mutmut) + _table("tool.pytest.ini_options", pytest)


def _table(name: str, values: dict[str, object]) -> str:
    """Return a table of TOML. Texts, numbers, booleans and lists are written there as in JSON."""
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def without_caches(text: str) -> str:
    """Return the source without the caches of its functions: they change no answer, and mutmut leaves decorated functions alone.

    A function whose cache is used for more than answers keeps it.
    """
    used = set(re.findall(r"(\w+)\.(?:__wrapped__|cache_clear)", text))
    return re.sub(_CACHED, lambda found: found[0] if found[2] in used else found[1], text, flags=re.MULTILINE)


_CACHED = r"^@(?:cached_if_short|lru_cache|cache)\b.*\n(def (\w+))"


def run(module: str, jobs: int) -> Outcome:
    """Make and try the mutants of a module; return what became of each."""
    work = WORK / module
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name in ("tests", "fixtures"):
        (work / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "src", work / "src", ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    source = work / "src" / "wirecache" / "_core" / f"{module}.py"
    source.write_text(without_caches(source.read_text("utf-8")), "utf-8")
    (work / "pyproject.toml").write_text(settings(module), "utf-8")
    (work / "conftest.py").write_text(QUICK_FIRST, "utf-8")
    # CI: hypothesis draws the same examples each time, and has no database of examples to share.
    # The folder of temporary files: another pytest that tidies up a common one would fail a test, and so seem to notice a mutant.
    (work / "tmp").mkdir()
    environment = {
        **os.environ,
        "CI": "true",
        "EXAMPLES": "100",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DEBUG_TEMPROOT": str(work / "tmp"),
    }
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", "run", "--max-children", str(jobs)]
    with (work / "log.txt").open("wb") as log:
        ended = subprocess.run(command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    if ended.returncode:
        log_text = (work / "log.txt").read_text("utf-8", "replace").replace("\r", "\n")
        raise SystemExit(f"mutmut failed on {module} (status {ended.returncode}); {work}/log.txt ends with:\n{log_text[-4000:]}")
    read = subprocess.run(
        [sys.executable, "-m", "tests.mutants.survivors", str(work), module],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    return Outcome.from_json(read.stdout)


def report(module: str, outcome: Outcome, unexplained: list[Mutant], explained: int, seconds: float) -> str:
    """Return the line about a module."""
    counts = ", ".join(f"{outcome.counts.get(name, 0)} {name}" for name in OUTCOMES if outcome.counts.get(name) or name == "killed")
    return f"{module}: {sum(outcome.counts.values())} mutants: {counts}; {explained} explained, {len(unexplained)} not ({seconds:.0f} s)"


def main() -> int:
    """Run the modules that are named, or all; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one of: {', '.join(MODULES)}")
    parser.add_argument("--jobs", type=int, default=1, help="how many mutants are tried at a time")
    options = parser.parse_args()
    if unknown := set(options.modules) - set(MODULES):
        parser.error(f"MODULE must be one of {', '.join(MODULES)}, got {', '.join(sorted(unknown))}")
    explained, failed = Explained.read(EXPLAINED), []
    chosen = options.modules or MODULES
    for number, module in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {module} ...", flush=True)
        start = time.monotonic()
        outcome = run(module, options.jobs)
        unexplained, reasons = explained.judge(module, outcome.survivors)
        print(report(module, outcome, unexplained, len(outcome.survivors) - len(unexplained), time.monotonic() - start), flush=True)
        for mutant in unexplained:
            print(f"\n{mutant}", flush=True)
        for left in reasons:
            print(f"\nexplained.toml explains what does not survive (any more):\n{left}", flush=True)
        failed += [module] if unexplained or reasons else []
    print(
        f"{len(chosen) - len(failed)} of {len(chosen)} modules have no survivor without a reason"
        + "".join(f"\n  not: {name}" for name in failed)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
