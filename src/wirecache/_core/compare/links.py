"""Which ids in a request only link its parts, or came from an earlier answer of the provider? They differ in each run."""

from __future__ import annotations

from typing import Any

__all__ = ["with_numbered_links"]

# Members whose texts are such ids, and what a provider signs or encrypts for itself.
_LINKS = frozenset(
    {"id", "tool_call_id", "tool_use_id", "call_id", "previous_response_id", "signature", "thoughtSignature", "encrypted_content"}
)
# Members whose objects are what a tool is given, and the description of that: an id in there is a value like any other.
_CONTENT = frozenset({"input", "arguments", "args", "parameters", "input_schema", "schema", "response"})


def with_numbered_links(value: Any) -> Any:
    """Return the JSON value with each such id as the number of its first appearance, so that what it links still is."""
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
