"""A stored request as a curl command or a Python program, to be sent by hand.

Credentials are not stored, so the commands name the variable that holds them.
"""

from __future__ import annotations

import json
import shlex
from pprint import pformat

from wirecache._core.messages import Entry

__all__ = ["as_curl", "as_python", "headers_with_key"]

# The header in which each endpoint's provider expects its key; all others take a bearer token.
_KEY_HEADERS = {"messages": "x-api-key", "count-tokens": "x-api-key", "generate-content": "x-goog-api-key"}


def headers_with_key(entry: Entry, key: str) -> dict[str, str]:
    """Return the headers to send: the stored ones, the content type, and the key (unless empty) in the provider's header."""
    request = entry.request
    headers = {name: value for name, value in request.fields.items() if name not in ("host", "content-length")}
    if entry.request_body:
        headers["content-type"] = request.content_type or "application/json"
    name = _KEY_HEADERS.get(request.endpoint, "authorization")
    return {**headers, name: f"Bearer {key}" if name == "authorization" else key} if key else headers


def as_curl(entry: Entry) -> str:
    """Return the request as a curl command."""
    lines = [f"curl {shlex.quote(entry.request.url)}"]
    if entry.request.method != ("POST" if entry.request_body else "GET"):
        lines[0] = f"curl -X {shlex.quote(entry.request.method)} {shlex.quote(entry.request.url)}"
    for name, value in headers_with_key(entry, "$API_KEY").items():
        line = f"{name}: {value}"
        lines.append(f'-H "{line}"' if "$API_KEY" in value else f"-H {shlex.quote(line)}")
    if entry.request_body:
        lines.append(f"--data-raw {shlex.quote(_text(entry))}")
    return " \\\n  ".join(lines)


def as_python(entry: Entry) -> str:
    """Return the request as a Python program with a cached client."""
    headers = {name: value for name, value in headers_with_key(entry, "$API_KEY").items() if name != "content-type"}
    shown = pformat(headers, width=100, sort_dicts=False).replace("'Bearer $API_KEY'", '"Bearer " + os.environ["API_KEY"]')
    shown = shown.replace("'$API_KEY'", 'os.environ["API_KEY"]')
    lines = ["import os", "", "from wirecache import cached_client", "", "client = cached_client(timeout=600)"]
    try:
        body = f"json={pformat(json.loads(_text(entry)), width=100, sort_dicts=False)}"
    except (ValueError, RecursionError):
        body = f"content={_text(entry)!r}"
    arguments = [repr(entry.request.method), repr(entry.request.url), f"headers={shown}", *([body] if entry.request_body else [])]
    inner = "".join(f"    {argument},\n".replace("\n", "\n    ").rstrip() + "\n" for argument in arguments)
    return "\n".join([*lines, f"response = client.request(\n{inner})", "print(response.text)", ""])


def _text(entry: Entry) -> str:
    return bytes(entry.request_body).decode("utf-8", "replace")
