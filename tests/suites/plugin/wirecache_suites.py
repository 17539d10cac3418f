"""A plugin for the suites of other projects: it notes how each test came out, and puts a cache of its own under all clients of each test.

The caches write no ``Cache-Status`` header (``status_header=False``): some tests compare all headers of an answer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CALLS = ("hits", "misses", "bypassed", "stored", "store_errors")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wirecache-suites")
    group.addoption("--suite-outcomes", type=Path, help="write there how each test came out")
    group.addoption("--suite-cache", action="store_true", help="run each test on a cache that is installed under every client")
    group.addoption("--suite-alias", action="store_true", help="httpx2 stands in the place of httpx")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if early_config.known_args_namespace.suite_alias:
        import httpx2

        httpx2.alias_httpx()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Noting(config.option.suite_outcomes, config.option.suite_cache), "wirecache-suites-noting")


class Noting:
    """How each test came out, and what the caches did."""

    def __init__(self, file: Path | None, with_cache: bool) -> None:
        self.file = file
        self.with_cache = with_cache
        self.outcomes: dict[str, dict[str, str]] = {}
        self.calls: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[Any]:
        if not self.with_cache:
            return (yield)
        import wirecache

        with wirecache.install(wirecache.Cache(wirecache.MemoryStore(), status_header=False), in_process=True) as cache:
            result = yield
            stats = cache.stats
            self.calls.update({name: getattr(stats, name) for name in CALLS})
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = self.outcomes.setdefault(report.nodeid, {"outcome": "passed", "message": ""})
        outcome = f"x{report.outcome}" if hasattr(report, "wasxfail") else report.outcome
        if outcome != "passed" and found["outcome"] == "passed":
            found["outcome"] = outcome if report.when == "call" or outcome == "skipped" else f"{report.when} {outcome}"
            found["message"] = str(report.longrepr)[-4000:]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes[report.nodeid] = {"outcome": "not collected", "message": str(report.longrepr)[-4000:]}

    def pytest_sessionfinish(self) -> None:
        if self.file is not None:
            self.file.write_text(json.dumps({"outcomes": self.outcomes, "calls": self.calls}))
