"""The key of a request, under which its answer is stored.

A key is the SHA-256 of an unambiguous framing of everything that the answer could depend on.
Only what this module names is left out: a cache with an allow-list of body members gives wrong answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import quote, urlsplit

from wirecache._core.headers import fields_of
from wirecache._core.keys.canonical import EMPTY, LARGE, Body, canonical_json, frame, ignore_members, normalise_percent, parse_body
from wirecache._core.keys.fields import PLAIN_ACCEPT, counted_fields, counted_names, is_counted, readable_value
from wirecache._core.keys.identity import SIGNATURE_PARAMETERS, credential_fingerprint, is_signed_query
from wirecache._core.keys.multipart import canonical_form
from wirecache._core.messages import Request
from wirecache._core.privacy.callers import is_identity
from wirecache._core.privacy.names import is_credential
from wirecache._core.short_cache import cached_if_short
from wirecache.errors import ConfigError

__all__ = [
    "DEFAULT_KEY",
    "DEFAULT_PORTS",
    "KeyOptions",
    "changed_mark_key",
    "http_key",
    "key_of",
    "make_key",
    "per_caller",
    "request_from",
    "stored_mark_key",
    "variant_key",
]

FORMAT = b"wirecache key 2"  # anything that changes keys is a breaking change and needs a new number

# The characters that the HTTP libraries do not encode in a URL (the WHATWG URL standard's percent-encode sets).
_IN_QUERY = "".join(char for char in map(chr, range(0x21, 0x7F)) if char not in '"#<>')
_IN_PATH = "".join(char for char in _IN_QUERY if char not in "?`{}")
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """What counts in the key of a request, where that differs from the default.

    ``ignore_body``: JSON pointers of members to leave out (``*`` matches any one step). ``ignore_query``: names of query parameters to
    leave out. ``headers``: names of headers to include beside the built-in ones (``*`` matches anything). ``credentials=True``: each caller
    has its own entries.
    ``host=False``: leave out scheme, host and port. ``normalize``: a function that gets the parsed JSON body and returns the one to use
    instead; or ``"coding-agent"``, which leaves out what Claude Code, Codex and others generate anew for each call (``normalizers``): a
    stored answer that quotes one of their directories is replayed with that of the current request.
    ``ignore_body`` and ``normalize`` see a form as an object: a text for each name, or ``{"filename", "content_type", "content"}`` for a
    file.
    """

    ignore_body: tuple[str, ...] = ()
    ignore_query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    credentials: bool = False
    host: bool = True
    normalize: Callable[[Any], Any] | Literal["coding-agent"] | None = None

    def __post_init__(self) -> None:
        """Raise ``ConfigError`` for an option that would have no effect."""
        for name in ("ignore_body", "ignore_query", "headers"):
            values = getattr(self, name)
            if isinstance(values, str) or not all(isinstance(value, str) for value in values):
                raise ConfigError(f"{name} must be a tuple of strings, got {values!r}")
            object.__setattr__(self, name, tuple(values))
        for pointer in self.ignore_body:
            if not pointer.startswith("/"):
                raise ConfigError(f"ignore_body must consist of JSON pointers such as '/user' or '/messages/*/id', got {pointer!r}")
        if isinstance(self.normalize, str) and self.normalize not in (names := _normalizers()):
            raise ConfigError(f"normalize must be a function or one of {', '.join(names)}, got {self.normalize!r}")

    def normalized(self, value: Any) -> Any:
        """Return the body's value after ``normalize``, which may raise anything; without that option, the value itself."""
        normalize = _normalizers()[self.normalize] if isinstance(self.normalize, str) else self.normalize
        return value if normalize is None else normalize(value)


def _normalizers() -> Mapping[str, Callable[[Any], Any]]:
    from wirecache._core.keys.normalizers import NORMALIZERS  # imported late, since few programs use one

    return NORMALIZERS


DEFAULT_KEY = KeyOptions()


@lru_cache(maxsize=64)
def per_caller(options: KeyOptions) -> KeyOptions:
    """Return the options with separate entries for each caller, since the answer to a GET often belongs to one account."""
    return replace(options, credentials=True)


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
    """Return the key under which the answer to this request is stored: 64 hex digits, stable from release to release.

    ``method``, ``url``, ``headers``, ``content``: the request as it is sent; headers that do not count may be left out or given.
    ``options``: what counts. ``namespace``, ``sample``: those of the call.
    """
    request = request_from(method, url, headers)
    raw = content.encode() if isinstance(content, str) else content or b""
    return key_of(request, parse_body(raw, request.fields.get(b"content-type", b"")), options, namespace, sample)


def request_from(method: str, url: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Request:
    """Return the request with these parts, normalized as an HTTP library would send it."""
    split = urlsplit(url)
    scheme = split.scheme.lower()
    pairs = cast("Iterable[tuple[str, str]]", headers.items() if isinstance(headers, Mapping) else headers)
    fields = fields_of([(name.encode(), value.encode()) for name, value in pairs])
    host = split.hostname or ""
    if not host.isascii():
        import idna  # a dependency of httpx, which encodes hosts with it

        host = idna.encode(host.lower()).decode()
    path, query = quote(_without_dots(split.path) or "/", safe=_IN_PATH).encode(), quote(split.query, safe=_IN_QUERY).encode()
    return Request(method.upper(), scheme, host, split.port, path, query, fields)


def key_of(request: Request, body: Body, options: KeyOptions = DEFAULT_KEY, namespace: str = "", sample: int = 0) -> str:
    """Return the key of a request with a parsed body. It raises only what ``options.normalize`` raises."""
    host, host_field = request.host if options.host else None, request.fields.get(b"host")
    endpoint = _framed_endpoint(
        _Endpoint(request.method, request.scheme, host, request.port, host_field, request.socket, request.path, namespace, sample)
    )
    query = _query(request.query, options.ignore_query) if request.query else b""
    plain = request.fields.get(b"accept", b"") in PLAIN_ACCEPT and not counted_names((tuple(request.fields), options.headers))
    fields = b"" if plain else _fields(request.fields, options.headers)
    credential = credential_fingerprint(request) if options.credentials else b""
    kind, parts = _body(request, body, options)
    size = sum(map(len, parts))
    # ``frame`` inlined, to save its calls
    framed = b"%d:%b%d:%b%d:%b%d:%b%d:" % (len(query), query, len(fields), fields, len(credential), credential, len(kind), kind, size)
    if size < LARGE:  # str parts are never smaller
        return hashlib.sha256(b"".join([endpoint, framed, *parts])).hexdigest()  # type: ignore[list-item]
    digest = hashlib.sha256(endpoint + framed)
    for part in parts:
        for piece in (part,) if isinstance(part, bytes) else _encoded(part):
            digest.update(piece)
    return digest.hexdigest()


def _encoded(text: str) -> Iterable[bytes]:
    """Yield the bytes of an ASCII text in pieces that fit into the processor's cache, which is faster than to allocate them all at once."""
    return (text[start : start + LARGE].encode() for start in range(0, len(text), LARGE))


def _without_dots(path: str) -> str:
    """Return the path with its dot segments resolved (RFC 3986 section 5.2.4), as the HTTP libraries send it."""
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


class _Endpoint(NamedTuple):
    """What all calls to one endpoint have in common. ``host``: None if it does not count."""

    method: str
    scheme: str
    host: str | None
    port: int | None
    host_field: bytes | None
    socket: str
    path: bytes
    namespace: str
    sample: int

    @property
    def size(self) -> int:
        """The total length of its parts, in characters and bytes."""
        return sum(len(part) for part in self if isinstance(part, (str, bytes)))

    @property
    def origin(self) -> str:
        """The origin that the request goes to, with what overrides the URL: a different ``Host`` header, a unix socket."""
        if self.host is None:
            return ""
        number = self.port or DEFAULT_PORTS.get(self.scheme, 0)
        origin = f"{self.scheme}://{self.host.lower()}:{number}"
        if self.host_field is not None:
            name = f"[{self.host}]" if ":" in self.host else self.host
            field = self.host_field.decode("latin-1").strip().lower()
            if field not in (name.lower(), f"{name.lower()}:{number}"):
                origin += f" host {field}"
        return f"{origin} unix {self.socket}" if self.socket else origin


@cached_if_short(1024, size=lambda endpoint: endpoint.size)
def _framed_endpoint(endpoint: _Endpoint) -> bytes:
    method, _, _, _, _, _, path, namespace, sample = endpoint
    return frame((FORMAT, namespace.encode(), b"%d" % sample, method.upper().encode(), endpoint.origin.encode(), normalise_percent(path)))


def http_key(request: Request, namespace: str = "") -> str:
    """Return the key by which HTTP's own rules store the answer to a GET or HEAD of this URL.

    There is one entry per URL, method, caller and route: a private cache never mixes accounts (RFC 9111 section 3.5), and a gateway's
    upstream is not part of its URL. The other headers that the answer varies on are kept with the entry. Any other method has the key of
    the GET that it may invalidate (section 4.4). ``variant_key`` gives the key of a further representation.
    """
    method = "HEAD" if request.method == "HEAD" else "GET"
    kept = {name: value for name, value in request.fields.items() if name == b"host" or _is_of_caller_or_route(name)}
    keyed = request._replace(method=method, fields=kept)
    return key_of(keyed, EMPTY, per_caller(DEFAULT_KEY), namespace)


@cached_if_short(1024)
def _is_of_caller_or_route(name: bytes) -> bool:
    return is_identity(name.decode("latin-1")) or (is_counted(name) and name not in _OF_THE_ANSWER)


# Headers that say how to answer, not who is to answer; HTTP servers list those in ``Vary``.
_OF_THE_ANSWER = frozenset({b"anthropic-beta", b"anthropic-version", b"content-encoding", b"groq-model-version", b"openai-beta", b"prefer"})


def variant_key(key: str, varied: Mapping[str, str]) -> str:
    """Return the key of one of several representations. ``key``: that of the URL. ``varied``: the headers that selected it."""
    parts = [text.encode() for pair in sorted(varied.items()) for text in pair]
    return hashlib.sha256(frame((FORMAT, b"variant", key.encode(), *parts))).hexdigest()


def stored_mark_key(request: Request, namespace: str = "") -> str:
    """Return the key of the mark which says that answers of the URL are stored; all callers share it."""
    return _mark_key(request, "*STORED", namespace)


def changed_mark_key(request: Request, namespace: str = "") -> str:
    """Return the key of the mark which says when the URL last changed; all callers share it."""
    return _mark_key(request, "*CHANGED", namespace)


def _mark_key(request: Request, mark: str, namespace: str) -> str:
    fields = {name: value for name, value in request.fields.items() if name == b"host"}
    return key_of(request._replace(method=mark, fields=fields), EMPTY, DEFAULT_KEY, namespace)  # not the name of any real method


def _query(query: bytes, ignored: tuple[str, ...]) -> bytes:
    """Return the framed parameters, stably sorted by name, without credentials and signatures."""
    names = {name.lower().encode() for name in ignored}
    if is_signed_query(query):
        names |= SIGNATURE_PARAMETERS
    pairs = [normalise_percent(pair).partition(b"=") for pair in query.split(b"&") if pair]
    kept = sorted((pair for pair in pairs if pair[0].lower() not in names and not is_credential(pair[0])), key=lambda pair: pair[0])
    return frame(part for pair in kept for part in pair)


def _fields(fields: Mapping[bytes, bytes], extra: tuple[str, ...]) -> bytes:
    found = [(label, readable_value(name, value).encode("latin-1")) for label, name, value in counted_fields(fields, extra)]
    return frame(part for pair in found for part in pair)


def _body(request: Request, body: Body, options: KeyOptions) -> tuple[bytes, list[bytes | str]]:
    """Return the kind of the body and its canonical bytes in pieces; its raw bytes if it has no canonical form."""
    if body.kind == "json":
        value = ignore_members(body.value, options.ignore_body) if options.ignore_body else body.value
        value = value if options.normalize is None else options.normalized(value)
        try:
            return b"json", canonical_json(value, has_links=True)
        except ValueError:  # what JSON cannot represent: a lone surrogate, a number beyond a double
            pass
    elif body.kind in ("multipart", "form"):
        if options.ignore_body or options.normalize is not None:
            try:
                form = canonical_form(body, options.ignore_body, None if options.normalize is None else options.normalized)
            except ValueError:  # a name that is not text, or a part with a repeated header: the body counts as it was sent
                form = None
            if form is not None:
                return body.kind.encode() + b" by name", form
        return body.kind.encode(), [piece for pair in body.value for part in pair for piece in (b"%d:" % len(part), part)]
    return b"raw", [frame((request.fields.get(b"content-type", b""),)), body.raw]
