"""Which requests are one request to a server? A slow second opinion on keys, from what DESIGN says of them and from the RFCs.

It shares no code with ``wirecache._core.keys``: another parser of JSON, of forms and of URLs, and no hashing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
COUNTED = ("anthropic-version", "anthropic-beta", "openai-beta", "groq-model-version", "prefer")
CREDENTIAL_PARAMETERS = ("key", "api_key", "access_token")
CREDENTIAL_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "openai-organization", "openai-project")
PLAIN_ACCEPT = ("", "*/*", "application/json")
LINK = re.compile(r"pyd_ai_[0-9a-f]{32}")


class Identity(NamedTuple):
    """``parts`` are equal exactly for requests of one meaning, if ``exact``. What is malformed has its ``letters`` at least: a key that
    two bodies of different letters share is wrong."""

    parts: Any
    exact: bool
    letters: bytes


class NotJson(Exception):
    """The body is no JSON that has a canonical form."""


def identity(request: Mapping[str, Any], options: Mapping[str, Any]) -> Identity:
    """Return what tells a request from others, under these ``KeyOptions``."""
    fields: dict[str, str] = {}
    for name, value in request["headers"]:
        lower = name.lower()
        fields[lower] = f"{fields[lower]}, {value}" if lower in fields else value
    url = re.fullmatch(r"([a-zA-Z]+)://([^/?#:]+)(?::([0-9]+))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", request["url"])
    assert url is not None
    scheme, host, port, path, query = (part or "" for part in url.groups())
    number = int(port) if port else {"http": 80, "https": 443}[scheme.lower()]
    origin: Any = (scheme.lower(), host.lower(), number)
    named = fields.get("host", host).lower()
    if named not in (host.lower(), f"{host.lower()}:{number}"):
        origin = (*origin, named)
    pairs, callers = _query(query, options.get("ignore_query", ()))
    callers += [(name, fields[name].strip()) for name in CREDENTIAL_HEADERS if name in fields]
    kind, body, exact = _body(request["content"], fields.get("content-type", ""), options.get("ignore_body", ()))
    parts = (
        request["method"].upper(),
        origin if options.get("host", True) else (),
        _percent(path or "/"),
        pairs,
        _headers(fields, options.get("headers", ())),
        tuple(sorted(callers)) if options.get("credentials") else (),
        (kind, body),
        request["namespace"],
        request["sample"],
    )
    boundary = fields.get("content-type", "").partition("boundary=")[2].strip('"').encode()
    return Identity(parts, exact, _letters(request["content"].replace(b"--" + boundary, b"") if boundary else request["content"]))


def _letters(content: bytes) -> bytes:
    """Return what a body consists of, in whatever order and spelling of its headers."""
    return bytes(sorted(b"".join(content.lower().split())))


def _percent(text: str) -> str:
    """Undo the encoding of what needs none, write that of the rest in upper case (RFC 3986 section 6.2.2)."""
    out, at = "", 0
    while at < len(text):
        if text[at] == "%":
            code = int(text[at + 1 : at + 3], 16)
            out += chr(code) if chr(code) in UNRESERVED else f"%{code:02X}"
            at += 3
        else:
            out += text[at]
            at += 1
    return out


def _query(query: str, ignored: Sequence[str]) -> tuple[Any, list[tuple[str, str]]]:
    """Return the pairs that count, sorted by name (several of one name keep their order), and the credentials among them."""
    by_name: dict[str, list[Any]] = {}
    callers = []
    for pair in map(_percent, filter(None, query.split("&"))):
        name, equals, value = pair.partition("=")
        if name.lower() in CREDENTIAL_PARAMETERS:
            callers.append((f"?{name}", value))
        elif name.lower() not in [other.lower() for other in ignored]:
            by_name.setdefault(name, []).append((equals, value))
    return tuple((name, tuple(by_name[name])) for name in sorted(by_name)), callers


def _headers(fields: Mapping[str, str], globs: Sequence[str]) -> Any:
    counted = {name: " ".join(value.split()) for name, value in fields.items() if name in COUNTED}
    for name, value in fields.items():
        if any(fnmatchcase(name, glob.lower()) for glob in globs):
            counted[f"by the user: {name}"] = " ".join(value.split())
    if fields.get("accept", "") not in PLAIN_ACCEPT:
        counted["accept"] = fields["accept"]
    return tuple(sorted(counted.items()))


def _body(content: bytes, content_type: str, ignored: Sequence[str]) -> tuple[str, Any, bool]:
    kind = content_type.partition(";")[0].strip().lower()
    raw = ("raw", (content_type, content))
    if kind == "multipart/form-data":
        parts = _multipart(content, content_type)
        return (*raw, False) if parts is None else ("multipart", parts, True)
    if content.strip(b" \t\r\n")[:1] in (b"{", b"["):
        try:
            value = _without(_parsed(content), [pointer.split("/")[1:] for pointer in ignored])
            return ("json", _canonical(value, {}), True)
        except (NotJson, ValueError):
            return (*raw, True)
        except RecursionError:
            return (*raw, False)
    if kind == "application/x-www-form-urlencoded" and content:
        return ("form", tuple(parse_qsl(content.decode("latin-1"), keep_blank_values=True, encoding="latin-1")), True)
    return (*raw, True)


def _parsed(content: bytes) -> Any:
    """Return the JSON value: an object as a dict, a number as a tuple, anything else as it is."""
    return json.loads(
        content.decode("utf-8"), object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise NotJson("a name twice")
    return members


def _integer(digits: str) -> Any:
    sign, plain = digits[: digits.startswith("-")], digits.lstrip("-").lstrip("0")
    return ("number", sign + plain if plain else "0")


def _decimal(text: str) -> Any:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotJson("beyond a double")
    return _integer(f"{number:.0f}") if number == int(number) else ("number", repr(number))


def _constant(name: str) -> Any:
    raise NotJson(name)


def _without(value: Any, paths: list[list[str]]) -> Any:
    """Return the value without the members to which one of the paths leads: all of them are paths of the value as it was sent."""
    if isinstance(value, dict):
        members = [(name, name, item) for name, item in value.items()]
    elif isinstance(value, list):
        members = [(str(index), str(index), item) for index, item in enumerate(value)]
    else:
        return value
    kept = []
    for name, step, item in members:
        rest = [path[1:] for path in paths if path and path[0].replace("~1", "/").replace("~0", "~") in ("*", step)]
        if [] not in rest:
            kept.append((name, _without(item, rest)))
    return dict(kept) if isinstance(value, dict) else [item for _, item in kept]


def _canonical(value: Any, links: dict[str, int], name: str = "") -> Any:
    """Return the value in a form that can be compared. ``links``: the ids that only link parts of it, by order of appearance."""
    if isinstance(value, str):
        if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
            raise NotJson("a lone surrogate")
        if (name == "id" or name.endswith(("_id", "Id"))) and LINK.fullmatch(value):
            return ("link", links.setdefault(value, len(links)))
        return ("text", value)
    if isinstance(value, dict):
        return ("object", tuple((_canonical(key, {}), _canonical(value[key], links, key)) for key in sorted(value)))
    if isinstance(value, list):
        return ("list", tuple(_canonical(item, links) for item in value))
    return ("constant", repr(value)) if value in (None, True, False) else value


def _multipart(content: bytes, content_type: str) -> Any:
    """Return the parts in their order, each as its sorted header lines and its bytes; None if it is not plainly well-formed."""
    found = re.fullmatch(r'multipart/form-data; *boundary="?([\w\'()+,./:=?-]{1,70})"?', content_type)
    if found is None:
        return None
    delimiter = b"--" + found[1].encode()
    lines, parts = content.split(b"\r\n"), []
    while lines and lines[0] == delimiter:
        size = next((at for at, line in enumerate(lines[1:], 1) if line.startswith(delimiter)), len(lines))
        part, lines = lines[1:size], lines[size:]
        head = [line.partition(b":") for line in part[: part.index(b"")]] if b"" in part else []
        if not head or not all(colon for _, colon, _ in head):  # RFC 7578 section 4.2 wants a name in each part
            return None
        parts.append((tuple(sorted((name.strip().lower(), value.strip()) for name, _, value in head)), b"\r\n".join(part[len(head) + 1 :])))
    return tuple(parts) if lines and lines[0] == delimiter + b"--" and not any(lines[1:]) else None
