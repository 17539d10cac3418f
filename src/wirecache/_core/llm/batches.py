"""Which calls and answers are in the files of a batch, and which live call is the same as one of them?

OpenAI: ``{"custom_id", "method", "url", "body"}`` and ``{"custom_id", "response": {"status_code", "request_id", "body"}, "error"}``.
Anthropic: ``{"custom_id", "params"}`` and ``{"custom_id", "result": {"type", "message" or "error"}}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

__all__ = ["Answered", "Asked", "Provider", "answered_in", "asked_in", "json_body", "live_url"]


class Provider(StrEnum):
    """Whose batch is it?"""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class Asked(NamedTuple):
    """A call, as a batch names it: ``url`` is a path, or a whole URL."""

    id: str
    method: str
    url: str
    body: Any


class Answered(NamedTuple):
    """What became of a call; ``error`` says why there is no answer."""

    id: str
    status: int
    body: Any
    request_id: str = ""
    error: str | None = None


def asked_in(line: str | bytes | Mapping[str, Any], provider: Provider = Provider.OPENAI) -> Asked:
    """The call of a line; ``ValueError`` says what is wrong with it."""
    told = _object(line)
    if provider is Provider.ANTHROPIC:
        return Asked(_id(told), "POST", "/v1/messages", _member(told, "params", dict))
    method = told.get("method", "POST")
    if not isinstance(method, str):
        raise ValueError(f'"method" is {method!r}; it is a text, such as "POST"')
    return Asked(str(told.get("custom_id", "")), method.upper(), _member(told, "url", str), told.get("body"))


def answered_in(line: str | bytes, provider: Provider) -> Answered:
    """What a line of results says; ``ValueError`` says what is wrong with it."""
    told = _object(line)
    if provider is Provider.ANTHROPIC:
        result = _member(told, "result", dict)
        if result.get("type") == "succeeded":
            return Answered(_id(told), 200, _member(result, "message", dict))
        return Answered(_id(told), 0, None, error=_why(result.get("error")) or str(result.get("type")))
    if told.get("error"):
        return Answered(_id(told), 0, None, error=_why(told["error"]))
    answer = _member(told, "response", dict)
    status, body = _member(answer, "status_code", int), answer.get("body")
    error = None if 200 <= status < 300 else f"status {status}: {_why(body)}".removesuffix(": ")
    return Answered(_id(told), status, body, str(answer.get("request_id") or ""), error)


def live_url(base: str, path: str) -> str:
    """Where the live call goes: SDKs put the version into their base URL, batches into each path."""
    if "://" in path:
        return path
    base, path = base.rstrip("/"), "/" + path.lstrip("/")
    version = "/" + path.split("/")[1]
    return base + (path.removeprefix(version) if urlsplit(base).path.endswith(version) else path)


def json_body(value: Any) -> bytes:
    """The bytes of a JSON body, as the SDKs write them."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "surrogatepass")


def _object(line: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(line, Mapping):
        return line
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {str(error).partition(': line')[0]}") from None
    if not isinstance(told, dict):
        raise ValueError("no JSON object")
    return told


def _id(told: Mapping[str, Any]) -> str:
    return str(_member(told, "custom_id", str))


def _member(told: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    if not isinstance(value := told.get(name), kind):
        raise ValueError(f'"{name}" is {"missing" if name not in told else "of the wrong kind"}')
    return value


def _why(error: Any) -> str:
    """What a provider says of an error, of whatever depth."""
    while isinstance(error, dict):
        inner = error.get("error")
        if not isinstance(inner, dict):
            kind, message = error.get("code") or error.get("type") or "", error.get("message") or ""
            return f"{kind}: {message}".strip(": ") or json.dumps(error)[:200]
        error = inner
    return str(error or "")
