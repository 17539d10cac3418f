"""Is each module of the core covered by its own test file? ``make coverage`` runs them, and fails where a line or a branch is missed.

A line that only the tests of other modules reach counts as missed: what a module promises is written down in its own tests. Imports count
for every module. Few examples are drawn, and always the same ones: what is covered must not depend on luck.
"""

from __future__ import annotations

import functools
import gc
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import coverage
import pytest

__all__ = ["FileContexts", "missed_by_module"]

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "wirecache" / "_core"
TESTS = Path(__file__).parent


class FileContexts:
    """A pytest plugin that tells coverage which test file is running."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self._current = ""
        self._clear: list[Callable[[], None]] = []

    def pytest_sessionstart(self) -> None:
        """Draw few examples, before the tests are imported."""
        from hypothesis import settings  # not before pytest, which rewrites its assertions

        settings.register_profile("coverage", max_examples=10, derandomize=True, database=None, deadline=None)
        settings.load_profile("coverage")

    def pytest_collection_finish(self) -> None:
        """Find the caches of functions: what the tests of one file leave there would hide code from those of the next."""
        from wirecache._core.short_cache import _Results

        wrapper = type(functools.cache(id))
        for found in gc.get_objects():
            if type(found) is _Results:
                self._clear.append(found.clear)
            elif type(found) is wrapper and found.__module__.startswith("wirecache."):
                self._clear.append(found.cache_clear)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterable[None]:
        """Switch to the context of the test's file: ``rules/plan``."""
        name = module_of(item.path)
        if name != self._current:
            self._current = name
            self._measured.switch_context(name)
            for clear in self._clear:
                clear()
        return (yield)


def module_of(test_file: Path) -> str:
    """Return the module that the test file belongs to: ``rules/plan`` of ``rules/test_plan.py``."""
    return test_file.with_name(test_file.stem.removeprefix("test_")).relative_to(TESTS).as_posix()


def _name(module: Path) -> str:
    return module.relative_to(CORE).with_suffix("").as_posix()


def missed_by_module(measured: coverage.Coverage, modules: Sequence[Path]) -> dict[str, str]:
    """Return coverage's lines about the modules whose own tests miss something, by module."""
    missed = {}
    for path in modules:
        name, written = _name(path), io.StringIO()
        contexts = ["^$", f"^{name}$"]
        if measured.report([str(path)], show_missing=True, skip_empty=False, file=written, contexts=contexts, precision=2) < 100:
            missed[name] = written.getvalue().splitlines()[2]
    return missed


def main(arguments: list[str]) -> int:
    """Run the tests and print what they miss; return the exit status."""
    os.environ.setdefault("COVERAGE_CORE", "ctrace")  # the other ones know of no contexts
    measured = coverage.Coverage(data_file=None, branch=True, source=[str(CORE)], config_file=False)
    measured.start()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        failed = pytest.main(["-p", "no:cacheprovider", *(arguments or [str(TESTS)])], plugins=[FileContexts(measured)])
    measured.stop()
    if failed:
        return int(failed)
    ran = measured.get_data().measured_contexts()
    modules = [path for path in sorted(CORE.rglob("*.py")) if not arguments or _name(path) in ran]
    missed = missed_by_module(measured, modules)
    for line in missed.values():
        print(line.replace(f"{ROOT}/", ""))
    print(f"{len(modules) - len(missed)} of {len(modules)} modules of the core are covered by their own tests, each line and branch")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
