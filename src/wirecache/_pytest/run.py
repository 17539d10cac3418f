"""What happens to a test that uses a cassette, from before its first fixture until after its last? The hooks for it."""

from __future__ import annotations

import os
import site
import sysconfig
from collections.abc import Callable, Generator
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

import pytest

from wirecache._pytest.case import Case, Missing, command
from wirecache._pytest.ledger import Ledger
from wirecache._pytest.places import place_of_fixture, place_of_test
from wirecache._pytest.wanted import wanted
from wirecache.errors import NotRecorded

__all__ = ["Run"]

_CASE = pytest.StashKey[Case]()
_FOREIGN = tuple({*site.getsitepackages(), sysconfig.get_paths()["stdlib"], str(Path(__file__).parents[1])})


class Run:
    """A session with cassettes, in one process. ``since``: when it began, in seconds since the epoch."""

    def __init__(self, config: pytest.Config, ledger: Ledger, since: float) -> None:
        self.config = config
        self.ledger = ledger
        self._since = since
        self._case: Case | None = None  # of the test that runs

    # -- what the fixtures ask ----------------------------------------------------------------------------------------

    def case_of(self, request: pytest.FixtureRequest) -> Case:
        """The case of the test that asks; the same one whoever asks first."""
        item: pytest.Item = request.node
        case = item.stash.get(_CASE, None)
        if case is None:
            wish = wanted(item, request.getfixturevalue("wirecache_config"))
            case = self._case = item.stash[_CASE] = self._opened(item, place_of_test(item, wish.path), wish)
        return case

    def _opened(self, item: Any, place: Any, wish: Any) -> Case:
        how = command(self.config.cwd_relative_nodeid(item.nodeid))
        return Case(item.nodeid, place, wish, where=os.path.relpath(place.path, self.config.rootpath), how=how, since=self._since)

    # -- the hooks ----------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """A test fails for what it lost in a thread or a task, or swallowed."""
        result = yield
        if item.stash.get(_CASE, None) is not None:
            _fail_for(item.stash[_CASE])
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
        """What a task group makes of a miss is a group, which ends the loop that anyio keeps for the tests of a module: unwrap it."""
        test = pyfuncitem.obj
        if pyfuncitem.stash.get(_CASE, None) is None or not iscoroutinefunction(test):
            return (yield)
        pyfuncitem.obj = _unwrapping(test)
        try:
            return (yield)
        finally:
            pyfuncitem.obj = test

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Write what was recorded, when all fixtures of the test are torn down."""
        case, failed = item.stash.get(_CASE, None), True
        try:
            result = yield
            failed = False
        finally:
            self._case = None
            if case is not None and failed:
                case.passed = False
                self._settle(case)
        if case is not None:
            try:
                _fail_for(case)
            except BaseException:
                case.passed = False
                raise
            finally:
                self._settle(case)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
        """The report of a miss shows the user's own lines and the message; that of another failure names the misses before it."""
        case = item.stash.get(_CASE, None)
        if case is None:
            return (yield)
        before = call.excinfo = self._shortened(call.excinfo)
        report: pytest.TestReport = yield
        case.note(report)
        if call.excinfo is not before:  # unittest.TestCase keeps what was raised for this moment
            call.excinfo = self._shortened(call.excinfo)
            report.longrepr = item.repr_failure(call.excinfo) if report.failed and call.excinfo else report.longrepr
        told = case.fault() if call.excinfo is not None else None
        if told and report.failed and call.excinfo and not isinstance(call.excinfo.value, Missing):
            _add_section(report, told)
        if call.when == "teardown":
            del item.stash[_CASE]
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        """A fixture that serves more than one test has a cassette of its own: which test comes first makes no difference."""
        if fixturedef.scope == "function" or self._case is None or not self._case.installed:
            return (yield)
        place = place_of_fixture(fixturedef, request.param_index if hasattr(request, "param") else None, self.config.rootpath)
        wish = wanted(request.node, request.getfixturevalue("wirecache_config"))
        case = self._opened(request._pyfuncitem, place, wish)
        fixturedef.addfinalizer(lambda: self._end_of_fixture(case))  # the last one, since the last added comes first
        case.install()
        try:
            result = yield
            _fail_for(case)
        except BaseException:
            case.passed = False
            case.fault()  # the report of the test shows it
            raise
        finally:
            case.uninstall()
        fixturedef.addfinalizer(case.install)
        return result

    def _end_of_fixture(self, case: Case) -> None:
        case.uninstall()
        try:
            _fail_for(case)
        finally:
            self._settle(case, twice=case.recorded_by_another())  # each process of pytest-xdist has one

    def _shortened(self, found: Any) -> Any:
        """What was raised; a miss without the lines of the SDK, the HTTP library and the event loop."""
        miss = _miss_in(found.value) if found is not None else None
        if miss is None or self.config.getoption("fulltrace", False):
            return found
        whole, short = miss.__traceback__, None
        for frame, line in reversed(list(walk_tb(whole))):
            if not frame.f_code.co_filename.startswith(_FOREIGN):
                short = TracebackType(short, frame, frame.f_lasti, line)
        return pytest.ExceptionInfo.from_exception(miss.with_traceback(short or whole))  # pytest goes by it, whatever is said elsewhere

    def _settle(self, case: Case, twice: bool = False) -> None:
        keep = not twice and (case.passed or (not case.skipped and bool(self.config.getoption("wirecache_keep_failed"))))
        self.ledger.records.append(case.settle(keep))


def _fail_for(case: Case) -> None:
    told = case.fault()
    if told is not None:
        raise (pytest.fail.Exception if case.cassette.engine.source.verify else Missing)(told, pytrace=False)


def _add_section(report: pytest.TestReport, told: str) -> None:
    add = getattr(report.longrepr, "addsection", None)
    if add is not None:
        add("wirecache", told, "-")
    else:
        report.sections.append(("wirecache", told))


def _unwrapping(test: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(test)
    async def unwrapped(*arguments: Any, **named: Any) -> Any:
        try:
            return await test(*arguments, **named)
        except BaseExceptionGroup as group:
            miss = _miss_in(group)
            if miss is None:
                raise
        raise miss

    return unwrapped


def _miss_in(error: BaseException) -> NotRecorded | None:
    """The miss that this is, or that is all there is in this group of a task group or nursery."""
    if isinstance(error, BaseExceptionGroup):
        inside = [_miss_in(one) for one in error.exceptions]
        return inside[0] if all(inside) else None
    return error if isinstance(error, NotRecorded) else None
