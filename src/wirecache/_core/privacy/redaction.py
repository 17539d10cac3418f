"""Redaction of headers, URLs, bodies and messages: their secrets are replaced by ``REDACTED``.

Secrets are found by name (headers, query parameters, JSON members at any depth) and by shape (any text). Nothing else is changed: a JSON
text keeps its white space, numbers, escapes and order. Every function here is idempotent.
JSON inside a string (a tool call's arguments) is treated as text: what a model wrote is searched by shape only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from wirecache._core.event_stream import split_lines
from wirecache._core.privacy.json_text import JSON_TOKEN, character_starts, is_json, strings_and_names, unescaped, with_plain_escapes
from wirecache._core.privacy.names import (
    PRIVATE_RESPONSE_FIELDS,
    SECRET_MARKS,
    is_secret_member,
    is_secret_name,
    is_secret_parameter,
    name_by_user,
    plain_name,
)
from wirecache._core.privacy.patterns import REDACTED, Pattern, compiled_by_user, present, redacted_text, replaced, search, shown
from wirecache._core.privacy.shapes import Row

__all__ = ["DEFAULT", "Find", "Redactor"]


class Find(NamedTuple):
    """A secret in a text, from ``start`` to ``end``. ``shown``: what may be shown of it, its first characters and its length."""

    kind: str
    start: int
    end: int
    shown: str


_PARAMETER = re.compile(r"([?&#])([^=&#?]+)=([^&#]+)")
_FORM = re.compile(r"[\w.~%+*\[\]-]{1,200}=[^&\s{}\"<>]*(?:&[\w.~%+*\[\]-]{1,200}=[^&\s{}\"<>]*)*", re.ASCII)
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")
# JSON on a line of its own, or after "data:". More lenient than the event stream standard, since malformed streams may contain secrets,
# too. Every byte is in one of the two groups.
_JSON_LINE = re.compile(r"(\s*(?:data:\s?)?)([{\[\"].*)", re.DOTALL)
_DOCUMENT_START = re.compile(r"[\s\ufeff]*[{\[]")
_URL_FIELDS = frozenset({"location", "content-location", "referer"})
_LINKED = re.compile(r"<([^>]*)>")  # RFC 8288: the URLs of a Link header
_URL_START = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*://|/|\?)")
_PART_NAME = re.compile(r"""(?:^|[\s;])name\*?=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))""", re.IGNORECASE)


class _Bracket(NamedTuple):
    """An open ``{`` or ``[``. ``secret``: it is the value of a member with a secret name."""

    kind: str
    secret: bool


_NO_BRACKET = _Bracket("", False)
_PAIR_NAMES = frozenset({"key", "name"})  # members that name the ``value`` after them (variables, headers, form fields)
_ANY_SECRET = "0a1b2c3d4e5f6a7b"  # a value that counts as a secret under any name that may have one


class Redactor:
    """Redacts secrets by name and by shape: those of the built-in lists, and the given ones. Immutable and reusable.

    ``names``: names of headers, query parameters and JSON members; case, ``-`` and ``_`` do not matter. ``patterns``: regular
    expressions; the group named ``secret``, if there is one, is replaced, else the whole match.
    Raises ``ConfigError`` for an empty name, and for a pattern that does not compile or that matches the empty text.
    """

    __slots__ = ("_marks", "_names", "_patterns")

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str | re.Pattern[str]] = ()) -> None:
        self._names = frozenset(map(name_by_user, names))
        self._patterns: tuple[Pattern, ...] = tuple(map(compiled_by_user, patterns))
        self._marks: dict[str, list[str]] = {}  # the ends of names in a JSON text, by their last letters
        for name in (*SECRET_MARKS, *self._names):
            self._marks.setdefault(f'{name[-3:]}"', []).append(f'{name}"')

    @property
    def known(self) -> int:
        """The number of values learned from secret names: 0, unless this is a session's redactor."""
        return 0

    @property
    def base(self) -> Redactor:
        """The redactor without learned values."""
        return self

    def copy(self) -> Redactor:
        """Return a copy that learns values independently."""
        return self

    def is_secret(self, name: str) -> bool:
        """Return whether any value under this name is a secret."""
        return is_secret_name(name) or self._is_added(name)

    def is_secret_member(self, name: str, value: str) -> bool:
        """Return whether this text is a secret as the value of a JSON member of this name."""
        return is_secret_member(name, value) or self._is_added(name)

    def is_secret_parameter(self, name: str) -> bool:
        """Return whether the query parameter, header or form field of this name is a secret."""
        return is_secret_parameter(name) or self._is_added(name)

    def _is_added(self, name: str) -> bool:
        return bool(self._names) and plain_name(name) in self._names

    # -- text ---------------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """Return the text with secrets, found by shape, replaced; the text itself if there are none."""
        return redacted_text(text, None, self._patterns)

    def finds(self, text: str) -> Iterator[Find]:
        """Yield the secrets that ``text`` would replace, in order."""
        for start, end, kind in search(text, None, self._patterns):
            yield Find(kind, start, end, shown(text[start:end]))

    # -- JSON ---------------------------------------------------------------------------------------------------------

    def value(self, value: Any) -> Any:
        """Return the parsed JSON value with secrets, found by name and by shape, replaced; the value itself if there are none.

        Under a secret name, the strings of a list and the ``value`` of an object (the realtime API's client_secret) are secrets, too.
        """
        strings, names = strings_and_names(value)
        rows = present("\n".join(strings))
        may_name = any(self.is_secret_member(name, _ANY_SECRET) for name in (strings if "value" in names else names))
        if not (rows or self._patterns or may_name):
            return value
        return self._value(value, rows, secret=False)

    def _value(self, value: Any, rows: Sequence[Row], *, secret: bool) -> Any:
        """Return the value redacted. ``secret``: it is under a secret name."""
        if isinstance(value, str):
            return self._string(value, rows, secret=secret)
        if isinstance(value, dict):
            return self._object(value, rows, secret=secret)
        if isinstance(value, list):
            items = [self._value(item, rows, secret=secret and isinstance(item, str)) for item in value]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return value

    def _string(self, text: str, rows: Sequence[Row], *, secret: bool) -> str:
        return self._named(text, text) if secret else redacted_text(text, rows, self._patterns)

    def _object(self, value: dict[str, Any], rows: Sequence[Row], *, secret: bool) -> dict[str, Any]:
        redacted: dict[str, Any] = {}
        changed = False
        for name, item in value.items():
            text = item if isinstance(item, str) else ""
            item_is_secret = self.is_secret_member(name, text) or (secret and name == "value" and bool(text))
            secret = secret or (name in _PAIR_NAMES and self.is_secret(text))
            new_name, new_item = self._string(name, rows, secret=False), self._value(item, rows, secret=item_is_secret)
            changed = changed or new_name is not name or new_item is not item
            redacted[new_name] = new_item
        return redacted if changed else value

    def json_text(self, text: str) -> str:
        """Return the text of a JSON document with secrets, found by name and by shape, replaced; no other character changes.

        A truncated or broken document is read as far as possible. Text that is not JSON is searched by shape.
        """
        plain = with_plain_escapes(text)
        rows = present(plain)
        if not rows and not self._patterns and not self._may_name(plain):
            return text
        if is_json(text):
            return self._tokens(text, rows)
        if not _DOCUMENT_START.match(text):
            return self.text(text)
        while (redacted := self.text(self._tokens(text, rows))) != text:
            text = redacted
        return text

    def _may_name(self, text: str) -> bool:
        """Return whether the text may have a member with a secret name: a cheap test with false positives, but no false negatives."""
        squeezed = plain_name(text)
        return any(end in squeezed and any(mark in squeezed for mark in marks) for end, marks in self._marks.items())

    def _tokens(self, text: str, rows: Sequence[Row]) -> str:
        """Return what ``_value`` would, working on the tokens of the text, so that what is not replaced keeps its spelling."""
        parts: list[str] = []
        at = 0
        open_brackets: list[_Bracket] = []
        value_is_secret = string_is_secret = False  # of the next value; of the next value if it is a string
        guarded_by = ""  # the name of the next value
        for token in JSON_TOKEN.finditer(text):
            if (content := token[1]) is not None:
                bracket = open_brackets[-1] if open_brackets else _NO_BRACKET
                is_name = token[3] is not None
                secret = not is_name and (value_is_secret or string_is_secret or (bracket.secret and bracket.kind == "["))
                if guarded_by:
                    secret = secret or self.is_secret_member(guarded_by, unescaped(content))
                redacted = self._string_content(content, rows, secret=secret)
                if redacted is not content:
                    parts += (text[at : token.start(1)], redacted)
                    at = token.end(1)
                if is_name:
                    name = unescaped(content)
                    value_is_secret, string_is_secret = self.is_secret(name), bracket.secret and name == "value"
                    guarded_by = name
                    continue
                if guarded_by in _PAIR_NAMES and open_brackets and self.is_secret(unescaped(content)):
                    open_brackets[-1] = _Bracket("{", True)
            elif token[0] in "{[":
                open_brackets.append(_Bracket(token[0], value_is_secret))
            elif token[0] != "," and open_brackets:
                open_brackets.pop()
            value_is_secret = string_is_secret = False
            guarded_by = ""
        return "".join([*parts, text[at:]]) if parts else text

    def _string_content(self, raw: str, rows: Sequence[Row], *, secret: bool) -> str:
        """Return the content of a string with its escapes, with only secrets replaced."""
        if secret:
            return self._named(raw, unescaped(raw))
        while spans := search(unescaped(raw), rows, self._patterns):
            at = character_starts(raw)
            raw = replaced(raw, [(at[span.start], at[span.end]) for span in spans])
        return raw

    # -- bytes, URLs, headers -----------------------------------------------------------------------------------------

    def data(self, data: bytes) -> bytes:
        """Return the body with secrets replaced: JSON, an event stream or NDJSON (line by line), a form or other UTF-8 text.

        Bytes that are not text are returned unchanged.
        """
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return data
        redacted = self._document(text, data)
        return data if redacted == text else redacted.encode("utf-8")

    def _document(self, text: str, data: bytes) -> str:
        """Return the document redacted. ``data``: the text as bytes, where only the line ends of event streams count as such."""
        if _FORM.fullmatch(text):
            return self.text(_PARAMETER.sub(self._parameter, f"&{text}")[1:])
        lines = [] if is_json(text) else [line.decode("utf-8") for line in split_lines(data)]
        found = [_JSON_LINE.fullmatch(line) for line in lines]
        if not any(line and (line[1].strip() or is_json(line[2])) for line in found):
            return self.json_text(text)
        return self._lines(lines, found)

    def _lines(self, lines: list[str], found: list[re.Match[str] | None]) -> str:
        """Return the lines redacted. ``found``: for each line, the match that contains its JSON, or None."""
        parts: list[str] = []
        plain: list[str] = []  # consecutive lines without JSON, searched together, since a private key spans several
        for line, json_line in zip(lines, found, strict=True):
            if json_line is None:
                plain.append(line)
                continue
            parts += (self.text("".join(plain)), json_line[1], self.json_text(json_line[2]))
            plain.clear()
        return "".join([*parts, self.text("".join(plain))])

    def url(self, url: str) -> str:
        """Return the URL without user, password, the values of credential parameters, and what looks like a secret anywhere in it."""
        return self.text(_PARAMETER.sub(self._parameter, _USERINFO.sub(rf"\1{REDACTED}@", url)))

    def _parameter(self, pair: re.Match[str]) -> str:
        mark, name, value = pair.groups()
        secret = self.is_secret_parameter(unquote_plus(name, errors="replace"))
        return f"{mark}{name}={self._named(value, unquote_plus(value, errors='replace'))}" if secret else pair[0]

    def header(self, name: str, value: str) -> str | None:
        """Return the value of a header without secrets; None if it is itself a secret (a credential, a cookie, an account)."""
        lower = name.strip().lower()
        if PRIVATE_RESPONSE_FIELDS.fullmatch(lower.encode("utf-8", "surrogatepass")) or self.is_secret_parameter(lower):
            return None
        if lower == "link":
            return self.text(_LINKED.sub(lambda link: f"<{self.url(link[1])}>", value))
        return self.url(value) if lower in _URL_FIELDS or ("?" in value and _URL_START.match(value)) else self.text(value)

    def part(self, disposition: str, data: bytes) -> bytes:
        """Return the content of a form's part (RFC 7578) without secrets. ``disposition``: its Content-Disposition."""
        name = _PART_NAME.search(disposition)
        if name and data and self.is_secret_parameter(name[1] or name[2] or ""):
            return self.named(data)
        return self.data(data)

    def named(self, data: bytes) -> bytes:
        """Return ``REDACTED`` for a value that is secret by its name; a session's redactor learns it."""
        text = data.decode("utf-8", "replace")
        return self._named(text, text).encode()

    def _named(self, spelled: str, value: str) -> str:
        """Return the value redacted. ``spelled``: the value as it is written, with escapes."""
        return REDACTED if value and value != REDACTED else spelled


DEFAULT = Redactor()
