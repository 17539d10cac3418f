"""How do tests record what an LLM answered, and replay it without a network? The pytest plugin.

@pytest.mark.wirecache
def test_agent():
    assert "Paris" in ask("What is the capital of France?")

Nothing of wirecache's machinery is imported before a test uses it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wirecache import Cassette
    from wirecache._pytest.ledger import Ledger
    from wirecache._pytest.run import Run

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

RECORD = ("none", "once", "new_episodes", "all", "rewrite")
UNUSED = ("ignore", "warn", "fail", "prune")
MARKER = (
    "wirecache(path=None, *, record_mode, match, redact, sequence_end, replay_speed, miss, library, install=True): "
    "replay this test's HTTP exchanges from a cassette. See --wirecache-record"
)
_RUN = "wirecache-run"  # the name of the plugin that has the hooks of a test, once there is a test for it
_LEDGER = pytest.StashKey["Ledger"]()
_SINCE = pytest.StashKey[float]()
_FILTERED = pytest.StashKey[bool]()
_UNUSED = pytest.StashKey[list[Path]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; see ``pytest --help``."""
    group = parser.getgroup("wirecache", "wirecache: record and replay of HTTP exchanges")
    record = (
        "none: replay only, nothing is sent (the default); once: record if there is no cassette; new_episodes: record what is missing; "
    )
    record += "all: record anew; rewrite: record anew, and remove what is not asked for"
    group.addoption("--wirecache-record", choices=RECORD, default=None, help=record)
    unused = "recordings that no test asked for: ignore, warn (the default), fail, prune (remove them)"
    group.addoption("--wirecache-unused", choices=UNUSED, default="warn", help=unused)
    group.addoption("--wirecache-keep-failed", action="store_true", help="record failing tests, too")
    verify = "send every request, and fail where the answer differs from the recording: in shape, or in text, too; nothing is written"
    group.addoption("--wirecache-verify", choices=("shape", "text"), nargs="?", const="shape", default=None, help=verify)
    parser.addini("wirecache_record", "the record mode, where neither command line, marker nor WIRECACHE_RECORD_MODE says one")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and note when the run began: with xdist, that of all processes."""
    config.addinivalue_line("markers", MARKER)
    config.stash[_SINCE] = getattr(config, "workerinput", {}).get("wirecache_since") or time.time()
    said = config.getini("wirecache_record")
    if said and said not in RECORD:
        raise pytest.UsageError(f"wirecache_record is {said!r} in {config.inipath}; allowed: {', '.join(RECORD)}")


def _run(config: pytest.Config) -> Run:
    run: Run | None = config.pluginmanager.get_plugin(_RUN)
    if run is None:
        from wirecache._pytest.run import Run

        run = Run(config, _ledger(config), config.stash[_SINCE])
        config.pluginmanager.register(run, _RUN)
    return run


def _ledger(config: pytest.Config) -> Ledger:
    if _LEDGER not in config.stash:
        from wirecache._pytest.ledger import Ledger

        config.stash[_LEDGER] = Ledger()
    return config.stash[_LEDGER]


# -- tests ------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put our fixture before all others of the marked tests, so that it is torn down after them."""
    for item in items:
        names: list[str] | None = getattr(item, "fixturenames", None)
        if names is not None and "_wirecache" not in names and item.get_closest_marker("wirecache"):
            names.insert(0, "_wirecache")
            _run(config)


@pytest.fixture
def _wirecache(request: pytest.FixtureRequest) -> Iterator[None]:
    """The cassette under all clients, for a test with the marker."""
    if request.node.get_closest_marker("wirecache") is None:  # another parameter of a test that has it
        yield
        return
    case = _run(request.config).case_of(request)
    if case.wish.install:
        case.install()
    yield
    case.uninstall()


@pytest.fixture(scope="session")
def wirecache_config() -> Mapping[str, Any]:
    """Override it for defaults of all cassettes: a dict of match, redact, record_mode, sequence_end, replay_speed, miss, library."""
    return {}


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Cassette:
    """The cassette of this test; without the marker it is under no client but those that are given it."""
    return _run(request.config).case_of(request).cassette


@pytest.fixture
def cached_client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An HTTP client on the cassette of this test: ``OpenAI(http_client=cached_client)``. httpx2's if installed, else httpx's."""
    from wirecache import cached_client as make

    case = _run(request.config).case_of(request)
    with make(case.cassette, library=case.wish.library) as client:
        yield client


@pytest.fixture
def cached_async_client(request: pytest.FixtureRequest) -> Any:
    """The async twin of ``cached_client``, for asyncio and trio; its connections end with their event loop."""
    from wirecache import cached_async_client as make

    case = _run(request.config).case_of(request)
    return make(case.cassette, library=case.wish.library)


# -- the end of a run -------------------------------------------------------------------------------------------------


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Some tests were left out: nothing can be said of recordings that they may need."""
    if items:
        items[0].config.stash[_FILTERED] = True


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist starts a process."""
    node.workerinput["wirecache_since"] = node.config.stash[_SINCE]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of pytest-xdist has ended, and says what happened in it."""
    if data := getattr(node, "workeroutput", {}).get("wirecache"):
        _ledger(node.config).add_data(data)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, Any, Any]:
    """Judge what was not used, before the summary is written."""
    config = session.config
    if config.pluginmanager.has_plugin(_RUN):
        from wirecache._pytest.places import place_of_test

        ledger = _ledger(config)
        ledger.known |= {str(place_of_test(item).path) for item in session.items}
        ledger.filtered = ledger.filtered or _FILTERED in config.stash
        if (output := getattr(config, "workeroutput", None)) is not None:
            output["wirecache"] = ledger.as_data()
    if _LEDGER in config.stash and not hasattr(config, "workeroutput"):
        from wirecache._pytest.summary import judged

        config.stash[_UNUSED] = judged(config, config.stash[_LEDGER], exitstatus == 0)
        if config.stash[_UNUSED] and config.getoption("wirecache_unused") == "fail" and exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line, and what has to be told."""
    if _LEDGER in config.stash:
        from wirecache._pytest.summary import write

        write(terminalreporter, config.stash[_LEDGER], config.stash.get(_UNUSED, []))
