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

from wirecache._core.keys.canonical import EMPTY, Body, canonical_json, frame, ignore_members, normalise_percent, parse_body
from wirecache._core.messages import Request
from wirecache._core.privacy.names import CREDENTIAL_FIELDS, credential_fingerprint, is_credential
from wirecache.errors import ConfigError

__all__ = ["DEFAULT_KEY", "KeyOptions", "http_key", "key_fields", "key_of", "make_key", "request_from"]

FORMAT = b"wirecache key 1"  # a changed key is a breaking change: it gets a new number here

# Headers that change an answer. A provider's version and beta switches; never a credential, an agent's name or a trace.
KEY_FIELDS = (b"anthropic-beta", b"anthropic-version", b"content-encoding", b"openai-beta")
# Media types that any JSON endpoint answers alike; others (an audio format, an event stream) count.
PLAIN_ACCEPT = frozenset({b"", b"*/*", b"application/json"})
# What the HTTP libraries leave as it is when they encode a URL (the WHATWG URL standard's percent-encode sets).
_IN_QUERY = "".join(char for char in map(chr, range(0x21, 0x7F)) if char not in '"#<>')
_IN_PATH = "".join(char for char in _IN_QUERY if char not in "?`{}")
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

    def __post_init__(self) -> None:
        """``ConfigError`` for what would do nothing."""
        for name in ("ignore_body", "ignore_query", "headers"):
            values = getattr(self, name)
            if isinstance(values, str) or not all(isinstance(value, str) for value in values):
                raise ConfigError(f"{name}= is {values!r}; allowed: a tuple of texts")
            object.__setattr__(self, name, tuple(values))
        for pointer in self.ignore_body:
            if not pointer.startswith("/"):
                raise ConfigError(f"ignore_body= has {pointer!r}; allowed: JSON pointers such as '/user' or '/messages/*/id'")


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
    request = request_from(method, url, headers)
    raw = content.encode() if isinstance(content, str) else content or b""
    return key_of(request, parse_body(raw, request.fields.get(b"content-type", b"")), options, namespace, sample)


def request_from(method: str, url: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Request:
    """The request that these parts make, as an HTTP library would send it."""
    split = urlsplit(url)
    scheme = split.scheme.lower()
    pairs = cast("Iterable[tuple[str, str]]", headers.items() if isinstance(headers, Mapping) else headers)
    fields: dict[bytes, bytes] = {}
    for name, value in pairs:
        lower, raw = name.lower().encode(), value.encode()
        fields[lower] = fields[lower] + b", " + raw if lower in fields else raw
    host = split.hostname or ""
    if not host.isascii():
        import idna  # as httpx does; it comes with it

        host = idna.encode(host.lower()).decode()
    path, query = quote(_without_dots(split.path) or "/", safe=_IN_PATH).encode(), quote(split.query, safe=_IN_QUERY).encode()
    return Request(method.upper(), scheme, host, split.port, path, query, fields)


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


def _without_dots(path: str) -> str:
    """The path with its dot segments resolved (RFC 3986 section 5.2.4), as the HTTP libraries send it."""
    steps = path.split("/")
    if "." not in steps and ".." not in steps:
        return path
    kept: list[str] = []
    for step in steps:
        if step == "..":
            if kept and kept != [""]:
                kept.pop()
        elif step != ".":
            kept.append(step)
    return "/".join(kept)


@lru_cache(maxsize=1024)
def _asked(method: str, scheme: str, host: str, port: int | None, path: bytes, namespace: str, sample: int, by_host: bool) -> bytes:
    """The parts that are the same for all calls of one endpoint, framed."""
    origin = f"{scheme}://{host.lower()}:{port or DEFAULT_PORTS.get(scheme, 0)}" if by_host else ""
    parts = (FORMAT, namespace.encode(), b"%d" % sample, method.upper().encode(), origin.encode(), normalise_percent(path))
    return frame(parts)


def http_key(request: Request, namespace: str = "") -> str:
    """Under which key lies what a GET or HEAD of this URL is answered from, by HTTP's own rules?

    One entry for each URL, method and credential: a private cache never mixes accounts (RFC 9111 section 3.5). What else the answer
    varies on is kept with the entry. Any other method has the key of the GET that it may make invalid (section 4.4).
    """
    method = "HEAD" if request.method == "HEAD" else "GET"
    asked = request._replace(method=method, fields={n: v for n, v in request.fields.items() if n in CREDENTIAL_FIELDS})
    return key_of(asked, EMPTY, KeyOptions(credentials=True), namespace)


def _query(query: bytes, ignored: tuple[str, ...]) -> bytes:
    """The parameters by name, those of one name in their order, credentials left out."""
    names = {name.lower().encode() for name in ignored}
    pairs = [normalise_percent(pair).partition(b"=") for pair in query.split(b"&") if pair]
    kept = sorted((pair for pair in pairs if pair[0].lower() not in names and not is_credential(pair[0])), key=lambda pair: pair[0])
    return frame(part for pair in kept for part in pair)


def key_fields(fields: Mapping[bytes, bytes], extra: tuple[str, ...] = ()) -> dict[str, str]:
    """The headers that count in the key of such a request, as text; ``extra``: those of the user's ``KeyOptions``."""
    found = {name.decode(): value.decode("latin-1") for name, value in _counted(fields)}
    for name in extra:
        if (value := fields.get(name.lower().encode())) is not None:
            found[name.lower()] = value.decode("latin-1")
    return found


def _counted(fields: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    found = [(name, b" ".join(fields[name].split())) for name in KEY_FIELDS if name in fields]
    accept = fields.get(b"accept", b"")
    if accept not in PLAIN_ACCEPT:
        wanted = [b"".join(media.split()) for media in accept.split(b",")]
        if any(media.lower() not in PLAIN_ACCEPT for media in wanted):
            found.append((b"accept", b",".join(wanted)))
    return found


def _fields(fields: Mapping[bytes, bytes], extra: tuple[str, ...]) -> bytes:
    found = _counted(fields)
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
