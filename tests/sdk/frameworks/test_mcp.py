"""MCP over streamable HTTP, by the real package against a real server: a session is recorded, and replayed when the server is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.sdk.mcp_sessions import LIBRARY, running, session
from tests.server_process import free_port
from wirecache import Cache, Cassette, cached_async_client, capture, install

TOOLS = ["add", "broken", "curious", "polled", "slow"]
ADD = ("add", {"a": 1, "b": 2})
CALLS: list[tuple[str, dict[str, Any]]] = [ADD, ADD, ("slow", {}), ("broken", {})]
Use = Callable[..., list[Any]]


def by_install(cassette: Any, url: str, calls: list[Any], **how: bool) -> list[Any]:
    async def main() -> list[Any]:
        return await session(url, calls, **how)

    with install(cassette):
        return anyio.run(main)


def by_client(cassette: Any, url: str, calls: list[Any], **how: bool) -> list[Any]:
    async def main() -> list[Any]:
        async with cached_async_client(cassette, library=LIBRARY) as http:  # type: ignore[arg-type]
            return await session(url, calls, http, **how)

    return anyio.run(main)


@pytest.mark.parametrize("use", [by_install, by_client])
@pytest.mark.parametrize("answers", ["events", "json", "resumable"])
def test_a_session_is_replayed_without_its_server(tmp_path: Path, use: Use, answers: str) -> None:
    calls = CALLS + ([] if answers == "json" else [("curious", {})]) + ([("polled", {})] if answers == "resumable" else [])
    with running(free_port(), answers) as url, Cassette(tmp_path, "once") as cassette:
        live = use(cassette, url, calls)
    assert live[:4] == ["demo", TOOLS, "103", "203"]
    assert ("resumed 2" in live, "file:///home" in live, (2.0, 2.0) in live) == (
        answers == "resumable",
        answers != "json",
        answers != "json",
    )
    for mode in ("none", "once"):
        with Cassette(tmp_path, mode, miss="raise") as cassette:
            assert use(cassette, url, calls) == live
        report = cassette.report()
        assert (report.recorded, report.live, report.unused, report.missing) == (0, 0, (), ())


@pytest.mark.parametrize("answers", ["events", "json", "resumable"])
def test_the_ids_of_the_requests_may_be_others(tmp_path: Path, answers: str) -> None:
    """The client lists the tools before its first call or after it: the ids of both are others then, and the tokens of progress."""
    calls = CALLS + ([("polled", {})] if answers == "resumable" else [])
    with running(free_port(), answers) as url, Cassette(tmp_path, "once") as cassette:
        live = by_client(cassette, url, calls)
    with Cassette(tmp_path, "none", miss="raise") as cassette:
        assert by_client(cassette, url, calls, lists=False) == [one for one in live if one != TOOLS]
    assert (cassette.report().unused, cassette.report().missing) == ((), ())


def test_no_session_id_is_in_a_file(tmp_path: Path) -> None:
    with running(free_port(), "events") as url, Cassette(tmp_path, "once") as cassette, capture() as exchanges:
        by_client(cassette, url, [ADD])
    assert {exchange.method for exchange in exchanges} == {"POST", "GET", "DELETE"}
    lines = {line.strip(" ,") for path in tmp_path.glob("*-mcp-*.json") for line in path.read_text().splitlines() if "session-id" in line}
    assert lines == {'"mcp-session-id": "session"'}


@pytest.mark.parametrize("answers", ["events", "json"])
def test_a_fork_goes_on_with_a_server_that_knows_nothing_of_the_recorded_session(tmp_path: Path, answers: str) -> None:
    port = free_port()
    with running(port, answers) as url, Cassette(tmp_path / "a", "once") as cassette:
        assert by_client(cassette, url, [ADD, ADD])[-2:] == ["103", "203"]
    with running(port, answers) as url, Cassette(tmp_path / "a", "fork", from_step=5) as cassette:
        assert by_client(cassette, url, [ADD, ADD])[-2:] == ["103", "103"], "the first call is replayed, the second the server's first"
    assert (cassette.report().replayed, cassette.report().live_from) == (4, 5)
    with Cassette(str(cassette.child), "none", miss="raise") as child:
        assert by_client(child, url, [ADD, ADD])[-2:] == ["103", "103"]


def test_a_cache_stores_no_call_of_a_tool(tmp_path: Path) -> None:
    with running(free_port(), "json") as url, Cache(tmp_path, streams="record") as cache:
        assert [by_client(cache, url, [ADD])[-1] for _ in range(2)] == ["103", "203"]
        assert (cache.stats.hits, cache.stats.stored, len(list(cache.entries()))) == (0, 0, 0)
