"""Which stored answer belongs to a request? The one under its key.

A key is the SHA-256 of an unambiguous framing of all that a server could answer differently for.
Nothing is left out but what this module names: allow-lists of body members are how caches give wrong answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote, urlsplit

from wirecache._core.canonical import Body, canonical_json, frame, ignore_members, normalise_percent, parse_body
from wirecache._core.messages import Request
from wirecache._core.secrets import CREDENTIAL_QUERY, credential_fingerprint

__all__ = ["DEFAULT_KEY", "KeyOptions", "key_of", "make_key"]

FORMAT = b"wirecache key 1"  # a changed key is a breaking change: it gets a new number here

# Headers that change an answer. A provider's version and beta switches; never a credential, an agent's name or a trace.
KEY_FIELDS = (b"anthropic-beta", b"anthropic-version", b"content-encoding", b"openai-beta")
# Media types that any JSON endpoint answers alike; others (an audio format, an event stream) count.
PLAIN_ACCEPT = frozenset({b"", b"*/*", b"application/json"})
_AS_SENT = "%/?:@!$&'()*+,;=~[]"  # what an HTTP library leaves as it is when it encodes a URL
LARGE = 64 * 1024  # bytes; from here on the pieces of a body are hashed one by one, which spares a copy
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """What counts in a key, beyond or below the default?

    ``ignore_body``: JSON pointers (``*`` for any one step) left out. ``ignore_query``: parameter names left out.
    ``headers``: names that count beside the built-in ones. ``credentials=True``: other credentials, other answers.
    ``host=False``: the origin does not count. ``normalize``: called with the parsed JSON body, returns the one to use.
    """

    ignore_body: tuple[str, ...] = ()
    ignore_query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    credentials: bool = False
    host: bool = True
    normalize: Callable[[Any], Any] | None = None


DEFAULT_KEY = KeyOptions()


def make_key(
    method: str,
    url: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    content: bytes | str | None = None,
    *,
    options: KeyOptions = DEFAULT_KEY,
    namespace: str = "",
    sample: int = 0,
) -> str:
    """Under which key does the answer to this request lie? 64 hex digits; pure and stable."""
    split = urlsplit(url)
    scheme = split.scheme.lower()
    pairs = cast("Iterable[tuple[str, str]]", headers.items() if isinstance(headers, Mapping) else headers)
    fields: dict[bytes, bytes] = {}
    for name, value in pairs:
        lower, raw = name.lower().encode(), value.encode()
        fields[lower] = fields[lower] + b", " + raw if lower in fields else raw
    host = split.hostname or ""
    host = host if host.isascii() else host.encode("idna").decode()
    path, query = quote(split.path or "/", safe=_AS_SENT).encode(), quote(split.query, safe=_AS_SENT).encode()
    request = Request(method, scheme, host, split.port, path, query, fields)
    body = parse_body(content.encode() if isinstance(content, str) else content or b"", fields.get(b"content-type", b""))
    return key_of(request, body, options, namespace, sample)


def key_of(request: Request, body: Body, options: KeyOptions = DEFAULT_KEY, namespace: str = "", sample: int = 0) -> str:
    """The same for a request that was taken apart already. What it raises is what ``options.normalize`` raised."""
    asked = _asked(request.method, request.scheme, request.host, request.port, request.path, namespace, sample, options.host)
    query = _query(request.query, options.ignore_query) if request.query else b""
    fields = _fields(request.fields, options.headers)
    credential = credential_fingerprint(request) if options.credentials else b""
    kind, parts = _body(request, body, options)
    size = sum(map(len, parts))
    digest = hashlib.sha256(asked + frame((query, fields, credential, kind)) + b"%d:" % size)
    for part in (b"".join(parts),) if size < LARGE else parts:
        digest.update(part)
    return digest.hexdigest()


@lru_cache(maxsize=1024)
def _asked(method: str, scheme: str, host: str, port: int | None, path: bytes, namespace: str, sample: int, by_host: bool) -> bytes:
    """The parts that are the same for all calls of one endpoint, framed."""
    origin = f"{scheme}://{host.lower()}:{port or DEFAULT_PORTS.get(scheme, 0)}" if by_host else ""
    parts = (FORMAT, namespace.encode(), b"%d" % sample, method.upper().encode(), origin.encode(), normalise_percent(path))
    return frame(parts)


def _query(query: bytes, ignored: tuple[str, ...]) -> bytes:
    """The parameters by name, those of one name in their order, credentials left out."""
    names = {name.lower().encode() for name in ignored} | CREDENTIAL_QUERY
    pairs = [normalise_percent(pair).partition(b"=") for pair in query.split(b"&") if pair]
    kept = sorted((pair for pair in pairs if pair[0].lower() not in names), key=lambda pair: pair[0])
    return frame(part for pair in kept for part in pair)


def _fields(fields: Mapping[bytes, bytes], extra: tuple[str, ...]) -> bytes:
    found = [(name, b" ".join(fields[name].split())) for name in KEY_FIELDS if name in fields]
    accept = fields.get(b"accept", b"")
    if accept not in PLAIN_ACCEPT:
        wanted = {media.partition(b";")[0].strip().lower() for media in accept.split(b",")} - PLAIN_ACCEPT
        if wanted:
            found.append((b"accept", b",".join(sorted(wanted))))
    for name in extra:
        lower = name.lower().encode()
        if lower in fields:
            found.append((b"+" + lower, b" ".join(fields[lower].split())))
    return frame(part for pair in sorted(found) for part in pair) if found else b""


def _body(request: Request, body: Body, options: KeyOptions) -> tuple[bytes, list[bytes]]:
    """The kind of the body and its canonical bytes, in pieces; the raw bytes where it has no canonical form."""
    if body.kind == "json":
        value = ignore_members(body.value, options.ignore_body) if options.ignore_body else body.value
        if options.normalize is not None:
            value = options.normalize(value)
        try:
            return b"json", canonical_json(value, body.raw)
        except ValueError:  # what JSON cannot carry: a lone surrogate, a number beyond a double
            pass
    elif body.kind in ("multipart", "form"):
        return body.kind.encode(), [piece for pair in body.value for part in pair for piece in (b"%d:" % len(part), part)]
    return b"raw", [frame((request.fields.get(b"content-type", b""),)), body.raw]
