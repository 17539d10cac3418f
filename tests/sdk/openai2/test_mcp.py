"""MCP over streamable HTTP, by the package before it moved to httpx2: the tests of the other environment, on httpx."""

from __future__ import annotations

from importlib.metadata import version

from tests.sdk.frameworks.test_mcp import (
    test_a_cache_stores_no_call_of_a_tool,
    test_a_fork_goes_on_with_a_server_that_knows_nothing_of_the_recorded_session,
    test_a_session_is_replayed_without_its_server,
    test_no_session_id_is_in_a_file,
    test_the_ids_of_the_requests_may_be_others,
)
from tests.sdk.mcp_sessions import LIBRARY

__all__ = [
    "test_a_cache_stores_no_call_of_a_tool",
    "test_a_fork_goes_on_with_a_server_that_knows_nothing_of_the_recorded_session",
    "test_a_session_is_replayed_without_its_server",
    "test_no_session_id_is_in_a_file",
    "test_the_ids_of_the_requests_may_be_others",
]


def test_it_is_the_earlier_package() -> None:
    assert (version("mcp").split(".")[0], LIBRARY) == ("1", "httpx")
