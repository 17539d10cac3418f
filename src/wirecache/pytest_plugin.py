"""The pytest plugin: tests record what an LLM answered, and replay it without a network.

@pytest.mark.wirecache
def test_agent():
    assert "Paris" in ask("What is the capital of France?")

The rest of wirecache is imported when a test uses it, not before.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wirecache import Cassette
    from wirecache._pytest.budget import RunBudget
    from wirecache._pytest.hooks import CassetteHooks
    from wirecache._pytest.results import RunResults

__all__ = [
    "cached_async_client",
    "cached_client",
    "cassette",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_deselected",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "wirecache_config",
]

RECORD_MODES = ("none", "once", "new_episodes", "all", "rewrite", "fork")
RECORD_HELP = (
    "none: replay only, nothing is sent (the default); once: record tests that have no cassette; new_episodes: record what is missing; "
    "all: record everything again; rewrite: like all, and remove recordings that were not requested; "
    "fork: replay up to a step, send the rest, and write the run to another directory beside the cassette"
)
FROM_HELP = "with --wirecache-record=fork, the first request of each test that is sent, from 1; by default the first that differs"
UNUSED_POLICIES = ("ignore", "warn", "fail", "prune")
UNUSED_HELP = "recordings that no test requested: ignore, warn (the default), fail, prune (remove them)"
KEEP_FAILED_HELP = "also record failing tests"
VERIFY_HELP = "send every request, and fail where the answer differs from the recording: in shape, or also in text; write nothing"
MAX_COST_HELP = "refuse calls once this many dollars are spent in the run; the call that crosses it is billed (needs wirecache[prices])"
RECORD_INI_HELP = "the record mode, unless the command line, a marker or WIRECACHE_RECORD_MODE sets it"
MARKER = (
    "wirecache(path=None, *, record_mode, match, redact, sequence_end, replay_speed, miss, "
    "ignore_hosts, ignore_localhost, library, install=True, in_process=False): "
    "replay this test's HTTP exchanges from a cassette. See --wirecache-record"
)
_HOOKS_NAME = "wirecache-hooks"  # the plugin with the hooks for tests with cassettes, registered when the first such test appears
_RESULTS = pytest.StashKey["RunResults"]()
_RUN_STARTED_AT = pytest.StashKey[float]()
_HAS_DESELECTED = pytest.StashKey[bool]()
_BUDGET_FOLDER = pytest.StashKey[Path]()
_UNUSED = pytest.StashKey[list[Path]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line and the ini file."""
    group = parser.getgroup("wirecache", "wirecache: record and replay of HTTP exchanges")
    group.addoption("--wirecache-record", choices=RECORD_MODES, default=None, help=RECORD_HELP)
    group.addoption("--wirecache-from", type=int, metavar="N", default=None, help=FROM_HELP)
    group.addoption("--wirecache-unused", choices=UNUSED_POLICIES, default="warn", help=UNUSED_HELP)
    group.addoption("--wirecache-keep-failed", action="store_true", help=KEEP_FAILED_HELP)
    group.addoption("--wirecache-verify", choices=("shape", "text"), nargs="?", const="shape", default=None, help=VERIFY_HELP)
    group.addoption("--wirecache-max-cost", metavar="USD", default=None, help=MAX_COST_HELP)
    parser.addini("wirecache_record", RECORD_INI_HELP)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and record when the run began (for a pytest-xdist worker, when its controller did)."""
    config.addinivalue_line("markers", MARKER)
    config.stash[_RUN_STARTED_AT] = getattr(config, "workerinput", {}).get("wirecache_run_started_at") or time.time()
    if config.getoption("wirecache_from") is not None and config.getoption("wirecache_record") != "fork":
        raise pytest.UsageError("--wirecache-from needs --wirecache-record=fork")
    record_mode = config.getini("wirecache_record")
    if record_mode and record_mode not in RECORD_MODES:
        raise pytest.UsageError(f"wirecache_record must be one of {', '.join(RECORD_MODES)}, got {record_mode!r} in {config.inipath}")
    if config.getoption("wirecache_max_cost") is not None:
        _check_max_cost(config)


def _check_max_cost(config: pytest.Config) -> None:
    from wirecache._core.rules.budget import Budget
    from wirecache.errors import ConfigError
    from wirecache.prices import Prices

    try:
        Budget(usd=config.getoption("wirecache_max_cost"))
        Prices()
    except ConfigError as error:
        raise pytest.UsageError(str(error).replace("Budget: usd", "--wirecache-max-cost")) from None


def _hooks(config: pytest.Config) -> CassetteHooks:
    hooks: CassetteHooks | None = config.pluginmanager.get_plugin(_HOOKS_NAME)
    if hooks is None:
        from wirecache._pytest.hooks import CassetteHooks

        hooks = CassetteHooks(config, _results(config), config.stash[_RUN_STARTED_AT], _budget(config))
        config.pluginmanager.register(hooks, _HOOKS_NAME)
    return hooks


def _budget(config: pytest.Config) -> RunBudget | None:
    """Return the budget of the run, if there is one."""
    max_cost: str | None = config.getoption("wirecache_max_cost")
    if max_cost is None:
        return None
    from wirecache._pytest.budget import RunBudget

    return RunBudget(max_cost, _budget_folder(config))


def _budget_folder(config: pytest.Config) -> Path:
    """Return the directory in which all processes of the run count; the first one creates it and removes it at the end."""
    if _BUDGET_FOLDER not in config.stash:
        made = getattr(config, "workerinput", {}).get("wirecache_budget_folder")
        if made is None:
            import shutil
            import tempfile

            made = tempfile.mkdtemp(prefix="wirecache-budget-")
            config.add_cleanup(lambda: shutil.rmtree(made, ignore_errors=True))
        config.stash[_BUDGET_FOLDER] = Path(made)
    return config.stash[_BUDGET_FOLDER]


def _results(config: pytest.Config) -> RunResults:
    if _RESULTS not in config.stash:
        from wirecache._pytest.results import RunResults

        config.stash[_RESULTS] = RunResults()
    return config.stash[_RESULTS]


# -- tests ------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make ``_wirecache`` the first fixture of each marked test, so that it is torn down last."""
    for item in items:
        names: list[str] | None = getattr(item, "fixturenames", None)
        if names is not None and "_wirecache" not in names and item.get_closest_marker("wirecache"):
            names.insert(0, "_wirecache")
            _hooks(config)


@pytest.fixture
def _wirecache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Install the cassette of a marked test under all clients."""
    if request.node.get_closest_marker("wirecache") is None:  # the marker is only on another parameter set of this test
        yield
        return
    use = _hooks(request.config).use_for(request)
    if use.options.install:
        use.install()
    yield
    use.uninstall()


@pytest.fixture(scope="session")
def wirecache_config() -> Mapping[str, Any]:
    """Return the default options of all cassettes, to be overridden: a dict of the marker's arguments except path and install."""
    return {}


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Cassette:
    """Return the cassette of this test. Without the marker, only clients that are given the cassette use it."""
    return _hooks(request.config).use_for(request).held.cassette


@pytest.fixture
def cached_client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Yield an HTTP client on the cassette of this test: ``OpenAI(http_client=cached_client)``. httpx2's if installed, else httpx's."""
    from wirecache import cached_client as make_client

    use = _hooks(request.config).use_for(request)
    with make_client(use.held.cassette, library=use.options.library) as client:
        yield client


@pytest.fixture
def cached_async_client(request: pytest.FixtureRequest) -> Any:
    """Return an async HTTP client on the cassette, for asyncio and trio. Its connections are closed when their event loop ends."""
    from wirecache import cached_async_client as make_client

    use = _hooks(request.config).use_for(request)
    return make_client(use.held.cassette, library=use.options.library)


# -- the end of a run -------------------------------------------------------------------------------------------------


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Record that some tests were left out, so that recordings that they may need are not reported as unused."""
    if items:
        items[0].config.stash[_HAS_DESELECTED] = True


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist when the run began and where spending is counted."""
    node.workerinput["wirecache_run_started_at"] = node.config.stash[_RUN_STARTED_AT]
    if node.config.getoption("wirecache_max_cost") is not None:
        node.workerinput["wirecache_budget_folder"] = str(_budget_folder(node.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the results of a finished worker of pytest-xdist."""
    if data := getattr(node, "workeroutput", {}).get("wirecache"):
        _results(node.config).add_data(data)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, Any, Any]:
    """Send the results to pytest-xdist's controller, or find unused recordings before the summary is written."""
    config = session.config
    if config.pluginmanager.has_plugin(_HOOKS_NAME):
        _complete_results(session)
    if _RESULTS in config.stash and not hasattr(config, "workeroutput"):
        from wirecache._pytest.summary import find_unused

        config.stash[_UNUSED] = find_unused(config, config.stash[_RESULTS], passed=exitstatus == 0)
        if config.stash[_UNUSED] and config.getoption("wirecache_unused") == "fail" and exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)


def _complete_results(session: pytest.Session) -> None:
    from wirecache._pytest.cassette_paths import location_for_test

    config = session.config
    results = _results(config)
    results.collected_paths |= {str(location_for_test(item).path) for item in session.items}
    results.has_deselected = results.has_deselected or _HAS_DESELECTED in config.stash
    if (output := getattr(config, "workeroutput", None)) is not None:
        output["wirecache"] = results.as_data()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the summary of a run that used cassettes."""
    if _RESULTS in config.stash:
        from wirecache._pytest.summary import write_summary

        write_summary(terminalreporter, config.stash[_RESULTS], config.stash.get(_UNUSED, []))
