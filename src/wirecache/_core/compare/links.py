"""Ids in a request that only link its parts, or come from an earlier answer of the provider, and so differ in each run."""

from __future__ import annotations

from typing import Any

__all__ = ["with_numbered_links"]

# Members that hold such ids, or what a provider signs or encrypts for itself.
_LINKS = frozenset(
    {"id", "tool_call_id", "tool_use_id", "call_id", "previous_response_id", "signature", "thoughtSignature", "encrypted_content"}
)
# Members that hold a tool's input, or its schema, where an id is a value like any other.
_CONTENT = frozenset({"input", "arguments", "args", "parameters", "input_schema", "schema", "response"})


def with_numbered_links(value: Any) -> Any:
    """Return the JSON value with each such id replaced by its order of appearance, which keeps what it links linked."""
    return _numbered(value, {})


def _numbered(value: Any, numbers: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_numbered(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: numbers.setdefault(item, f"#{len(numbers) + 1}")
        if name in _LINKS and isinstance(item, str)
        else item
        if name in _CONTENT and isinstance(item, dict)
        else _numbered(item, numbers)
        for name, item in value.items()
    }
