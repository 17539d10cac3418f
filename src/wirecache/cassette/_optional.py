"""Recordings that a run may leave unused even if it does the same as the recorded one."""

from __future__ import annotations

from wirecache._core.mcp_session import answers_server
from wirecache.cassette._directory import Directory
from wirecache.errors import CassetteError

__all__ = ["is_optional"]


def is_optional(directory: Directory, name: str) -> bool:
    """Return whether the recording is of a reply to an MCP server, since the number of these depends on timing."""
    try:
        return name.startswith("post-") and answers_server(directory.read(name))
    except CassetteError:
        return False
