"""The files of a provider's batch: its requests and results, and the live call that each request stands for.

OpenAI: ``{"custom_id", "method", "url", "body"}`` and ``{"custom_id", "response": {"status_code", "request_id", "body"}, "error"}``.
Anthropic: ``{"custom_id", "params"}`` and ``{"custom_id", "result": {"type", "message" or "error"}}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

__all__ = ["BatchRequest", "BatchResult", "Provider", "custom_id_of", "json_body", "live_url", "parse_request", "parse_result"]


class Provider(StrEnum):
    """The provider of a batch."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class BatchRequest(NamedTuple):
    """One request of a batch. ``url`` is a path, or a whole URL."""

    id: str
    method: str
    url: str
    body: Any


class BatchResult(NamedTuple):
    """The result of one request. ``error``: why there is no answer; None if there is one."""

    id: str
    status: int
    body: Any
    request_id: str = ""
    error: str | None = None


def parse_request(line: str | bytes | Mapping[str, Any], provider: Provider = Provider.OPENAI) -> BatchRequest:
    """Return the request in a line of a batch's input. Raises ``ValueError`` if it is invalid."""
    row = _json_object(line)
    if provider is Provider.ANTHROPIC:
        return BatchRequest(_custom_id(row), "POST", "/v1/messages", _member(row, "params", dict))
    method = row.get("method", "POST")
    if not isinstance(method, str):
        raise ValueError(f'"method" must be a string such as "POST", got {method!r}')
    return BatchRequest(str(row.get("custom_id", "")), method.upper(), _member(row, "url", str), row.get("body"))


def custom_id_of(line: str | bytes | Mapping[str, Any]) -> str:
    """Return the custom_id in a line of a batch's input, even if the line is otherwise invalid; empty if there is none."""
    try:
        row = line if isinstance(line, Mapping) else json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return str(row.get("custom_id") or "") if isinstance(row, Mapping) else ""


def parse_result(line: str | bytes, provider: Provider) -> BatchResult:
    """Return the result in a line of a batch's output. Raises ``ValueError`` if it is invalid."""
    row = _json_object(line)
    if provider is Provider.ANTHROPIC:
        result = _member(row, "result", dict)
        if result.get("type") == "succeeded":
            return BatchResult(_custom_id(row), 200, _member(result, "message", dict))
        return BatchResult(_custom_id(row), 0, None, error=_error_message(result.get("error")) or str(result.get("type")))
    if row.get("error"):
        return BatchResult(_custom_id(row), 0, None, error=_error_message(row["error"]))
    response = _member(row, "response", dict)
    status, body = _member(response, "status_code", int), response.get("body")
    error = None if 200 <= status < 300 else f"status {status}: {_error_message(body)}".removesuffix(": ")
    return BatchResult(_custom_id(row), status, body, str(response.get("request_id") or ""), error)


def live_url(base: str, path: str) -> str:
    """Return the URL of the live call.

    SDKs have the API version (``/v1``) in the base URL, batches in the path of each request; it is not duplicated.
    """
    if "://" in path:
        return path
    base, path = base.rstrip("/"), "/" + path.lstrip("/")
    version = "/" + path.split("/")[1]
    return base + (path.removeprefix(version) if urlsplit(base).path.endswith(version) else path)


def json_body(value: Any) -> bytes:
    """Return the bytes of a JSON body, as the SDKs serialize it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "surrogatepass")


def _json_object(line: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(line, Mapping):
        return line
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {str(error).partition(': line')[0]}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _custom_id(row: Mapping[str, Any]) -> str:
    return str(_member(row, "custom_id", str))


def _member(row: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    if name not in row:
        raise ValueError(f'"{name}" is missing')
    if not isinstance(value := row[name], kind):
        raise ValueError(f'"{name}" must be of type {kind.__name__}, got {type(value).__name__}')
    return value


def _error_message(error: Any) -> str:
    """Return the message of a provider's error, however deeply nested; empty if there is none."""
    while isinstance(error, dict):
        inner = error.get("error")
        if not isinstance(inner, dict):
            kind, message = error.get("code") or error.get("type") or "", error.get("message") or ""
            return f"{kind}: {message}".strip(": ") or json.dumps(error)[:200]
        error = inner
    return str(error or "")
