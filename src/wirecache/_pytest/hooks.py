"""The hooks for tests that use a cassette, from before the first fixture until after the last."""

from __future__ import annotations

import os
from collections.abc import Generator
from inspect import iscoroutinefunction
from typing import Any

import pytest

from wirecache._pytest.budget import RunBudget
from wirecache._pytest.cassette_paths import CassetteLocation, location_for_fixture, location_for_test
from wirecache._pytest.cassette_use import CassetteUse, record_command
from wirecache._pytest.held_cassette import NotRecordedFailure
from wirecache._pytest.options import CassetteOptions, resolve_options
from wirecache._pytest.results import RunResults
from wirecache._pytest.tracebacks import raising_single_miss, shortened

__all__ = ["CassetteHooks"]

_USE = pytest.StashKey[CassetteUse]()


class CassetteHooks:
    """The hooks of a run with cassettes, in one process. ``run_started_at``: in seconds since the epoch."""

    def __init__(self, config: pytest.Config, results: RunResults, run_started_at: float, budget: RunBudget | None = None) -> None:
        self.config = config
        self.results = results
        self._run_started_at = run_started_at
        self._budget = budget
        self._current: CassetteUse | None = None  # the running test's

    def use_for(self, request: pytest.FixtureRequest) -> CassetteUse:
        """Return the cassette of the test that requests a fixture, opening it if this is the first."""
        item: pytest.Item = request.node
        use = item.stash.get(_USE, None)
        if use is None:
            options = resolve_options(item, request.getfixturevalue("wirecache_config"))
            use = self._current = item.stash[_USE] = self._open(item, location_for_test(item, options.path), options)
        return use

    def _open(self, item: Any, location: CassetteLocation, options: CassetteOptions) -> CassetteUse:
        use = CassetteUse(
            item.nodeid,
            location,
            options,
            name=os.path.relpath(location.path, self.config.rootpath),
            command=record_command(self.config.cwd_relative_nodeid(item.nodeid)),
            run_started_at=self._run_started_at,
        )
        if self._budget is not None:
            self._budget.hold(use.held.cassette)
        return use

    def _finish(self, use: CassetteUse, *, is_duplicate: bool = False) -> None:
        keeps_failed = bool(self.config.getoption("wirecache_keep_failed"))
        write = not is_duplicate and (use.passed or (keeps_failed and not use.skipped))
        self.results.cassettes.append(use.finish(write=write, budget=self._budget))

    # -- of a test ----------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail the test for misses that were raised in a thread or a task, or swallowed."""
        result = yield
        if (use := item.stash.get(_USE, None)) is not None:
            use.fail_if_needed()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
        """Unwrap a miss from a task group's exception group, which would end the event loop that anyio keeps for a module's tests."""
        test = pyfuncitem.obj
        if pyfuncitem.stash.get(_USE, None) is None or not iscoroutinefunction(test):
            return (yield)
        pyfuncitem.obj = raising_single_miss(test)
        try:
            return (yield)
        finally:
            pyfuncitem.obj = test

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Write what was recorded, after all fixtures of the test are torn down."""
        use, failed = item.stash.get(_USE, None), True
        try:
            result = yield
            failed = False
        finally:
            self._current = None
            if use is not None and failed:
                use.passed = False
                self._finish(use)
        if use is not None:
            try:
                use.fail_if_needed()
            except BaseException:
                use.passed = False
                raise
            finally:
                self._finish(use)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
        """Shorten the report of a miss to the user's lines and the message; add earlier misses to the report of another failure."""
        use = item.stash.get(_USE, None)
        if use is None:
            return (yield)
        original = call.excinfo = self._shortened(call.excinfo)
        report: pytest.TestReport = yield
        use.add_report(report)
        if call.excinfo is not original:  # unittest.TestCase sets what was raised only now
            call.excinfo = self._shortened(call.excinfo)
            report.longrepr = item.repr_failure(call.excinfo) if report.failed and call.excinfo else report.longrepr
        failure = use.take_failure() if call.excinfo is not None else None
        if failure and report.failed and call.excinfo and not isinstance(call.excinfo.value, NotRecordedFailure):
            _add_section(report, failure)
        if call.when == "teardown":
            del item.stash[_USE]
        return report

    def _shortened(self, excinfo: Any) -> Any:
        return excinfo if self.config.getoption("fulltrace", False) else shortened(excinfo)

    # -- of a fixture -------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        """Open a cassette of its own for a fixture shared by several tests, so that it does not matter which test comes first."""
        if fixturedef.scope == "function" or self._current is None or not self._current.is_installed:
            return (yield)
        param_index = request.param_index if hasattr(request, "param") else None
        options = resolve_options(request.node, request.getfixturevalue("wirecache_config"))
        use = self._open(request._pyfuncitem, location_for_fixture(fixturedef, param_index, self.config.rootpath), options)
        fixturedef.addfinalizer(lambda: self._finish_fixture(use))  # runs last: finalizers run in reverse order
        use.install()
        try:
            result = yield
            use.fail_if_needed()
        except BaseException:
            use.passed = False
            use.take_failure()  # the report of the test shows it
            raise
        finally:
            use.uninstall()
        fixturedef.addfinalizer(use.install)
        return result

    def _finish_fixture(self, use: CassetteUse) -> None:
        use.uninstall()
        try:
            use.fail_if_needed()
        finally:
            self._finish(use, is_duplicate=use.has_foreign_recordings())  # each process of pytest-xdist sets the fixture up


def _add_section(report: pytest.TestReport, text: str) -> None:
    add_section = getattr(report.longrepr, "addsection", None)
    if add_section is not None:
        add_section("wirecache", text, "-")
    else:
        report.sections.append(("wirecache", text))
