"""What may others see of a header, URL, body or message? All of it but its secrets, which become ``REDACTED``.

By name (headers, query parameters, JSON members at any depth) and by shape (any text). Nothing else is changed: a JSON text keeps
its white space, numbers, escapes and order. What is redacted once stays as it is: every function here is idempotent.
JSON inside a string (a tool call's arguments) is text like any other: what a model wrote is looked through by shape only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from wirecache._core.privacy.names import (
    PRIVATE_RESPONSE_FIELDS,
    SECRET_NAMES,
    SECRET_WHOLE_NAMES,
    is_credential,
    is_secret_name,
    plain_name,
)
from wirecache._core.privacy.patterns import REDACTED, Row, present, redacted_text, replaced, search
from wirecache.errors import ConfigError

__all__ = ["DEFAULT", "Find", "Redactor", "shown"]


class Find(NamedTuple):
    """A secret in a text. ``shown``: what may be told of it, its first characters and its length."""

    kind: str
    start: int
    end: int
    shown: str


# A string (its inside, its closing quote, which a text that was cut lacks, and the colon that makes it a name) or a bracket.
_TOKEN = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)("?)(\s*+:)?|[{}\[\],]', re.DOTALL)
_ESCAPES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)
_HIDING = re.compile(r"\\(?:u00([2-7][0-9a-fA-F])|/)")  # escapes that JSON does not need: an anchor or a name may hide in them
_PARAMETER = re.compile(r"([?&#])([^=&#?]+)=([^&#]+)")
_FORM = re.compile(r"[\w.~%+*\[\]-]{1,200}=[^&\s{}\"<>]*(?:&[\w.~%+*\[\]-]{1,200}=[^&\s{}\"<>]*)*", re.ASCII)
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_EVENT = re.compile(r"(\s*(?:data:\s?)?)([{\[\"].*)", re.DOTALL)
_URL_FIELDS = frozenset({"location", "content-location", "referer"})

# What a container is directly under: the strings of a list, and the ``value`` of an object (the realtime API's client_secret), are meant.
_PLAIN, _NAMED = False, True


class Redactor:
    """What is secret, by name and by shape: the built-in lists, and what is added to them. Reusable; it never changes.

    ``names``: of headers, query parameters and JSON members, in any case, ``-`` and ``_`` alike. ``patterns``: regular expressions;
    the group called ``secret``, if there is one, is what is replaced, else the whole match.
    Raises ``ConfigError`` for an empty name and for a pattern that does not compile or that matches the empty text.
    """

    __slots__ = ("_marks", "_names", "_patterns")

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str | re.Pattern[str]] = ()) -> None:
        self._names = frozenset(map(_checked_name, names))
        self._patterns = tuple(map(_compiled, patterns))
        self._marks: dict[str, list[str]] = {}  # names as they end in a JSON text, by their last letters
        for name in (*SECRET_NAMES, *SECRET_WHOLE_NAMES, *self._names):
            self._marks.setdefault(f'{name[-3:]}"', []).append(f'{name}"')

    def is_secret(self, name: str) -> bool:
        """Is what this name stands for a secret?"""
        return is_secret_name(name) or (bool(self._names) and plain_name(name) in self._names)

    # -- text ---------------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """Any text, by shape; the same object if nothing is found."""
        return redacted_text(text, None, self._patterns)

    def finds(self, text: str) -> Iterator[Find]:
        """What ``text`` would replace, in order."""
        for start, end, kind in search(text, None, self._patterns):
            yield Find(kind, start, end, shown(text[start:end]))

    # -- JSON ---------------------------------------------------------------------------------------------------------

    def value(self, value: Any) -> Any:
        """A parsed JSON value, by name and by shape: the same object if nothing is found, else a new one."""
        strings, names = _gathered(value)
        rows = present("\n".join(strings))
        if not rows and not self._patterns and not any(map(self.is_secret, names)):
            return value
        return self._value(value, _PLAIN, rows)

    def _value(self, value: Any, under: bool, rows: Sequence[Row]) -> Any:
        if isinstance(value, str):
            return self._string(value, under, rows)
        if isinstance(value, dict):
            return self._object(value, under, rows)
        if isinstance(value, list):
            items = [self._value(item, under and isinstance(item, str), rows) for item in value]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return value

    def _string(self, text: str, under: bool, rows: Sequence[Row]) -> str:
        if under:
            return REDACTED if text and text != REDACTED else text
        return redacted_text(text, rows, self._patterns)

    def _object(self, value: dict[str, Any], under: bool, rows: Sequence[Row]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        changed = False
        for name, item in value.items():
            named = self.is_secret(name) or (under and name == "value" and isinstance(item, str))
            told, kept = self._string(name, _PLAIN, rows), self._value(item, named, rows)
            changed = changed or told is not name or kept is not item
            made[told] = kept
        return made if changed else value

    def json_text(self, text: str) -> str:
        """A JSON document as text, by name and by shape: every other byte of it stays. What is no JSON is looked through by shape.

        A document that was cut off, or is broken, is read as far as it goes.
        """
        plain = _HIDING.sub(lambda escape: chr(int(escape[1] or "2f", 16)), text) if "\\" in text else text
        rows = present(plain)
        if not rows and not self._patterns and not self._may_name(plain):
            return text
        if _parses(text):
            return self._tokens(text, rows)
        if text.lstrip(" \t\r\n\ufeff")[:1] not in ("{", "["):
            return self.text(text)
        while (made := self.text(self._tokens(text, rows))) != text:
            text = made
        return text

    def _may_name(self, text: str) -> bool:
        """Is there a member of a secret name? Cheaply, and rather too often."""
        squeezed = plain_name(text)
        return any(end in squeezed and any(mark in squeezed for mark in marks) for end, marks in self._marks.items())

    def _tokens(self, text: str, rows: Sequence[Row]) -> str:
        """``_value``, on the tokens of the text."""
        parts: list[str] = []
        at = 0
        around: list[tuple[str, bool]] = []  # the open brackets, and whether each stands under a secret name
        named = only_string = _PLAIN  # what the next value is under
        for token in _TOKEN.finditer(text):
            if (inside := token[1]) is not None:
                bracket, under = around[-1] if around else ("", _PLAIN)
                is_name = token[3] is not None and bracket != "["
                if is_name:
                    name = _decoded(inside)
                    named, only_string = self.is_secret(name), under and name == "value"
                    made = self._raw(inside, _PLAIN, rows)
                else:
                    made = self._raw(inside, named or only_string or (under and bracket == "["), rows)
                if made is not inside:
                    parts += (text[at : token.start(1)], made)
                    at = token.end(1)
                if is_name:
                    continue
            elif token[0] in "{[":
                around.append((token[0], named))
            elif token[0] != "," and around:
                around.pop()
            named = only_string = _PLAIN
        return "".join([*parts, text[at:]]) if parts else text

    def _raw(self, raw: str, under: bool, rows: Sequence[Row]) -> str:
        """A string as it is spelled, with escapes: only what is secret in it is spelled anew."""
        if under:
            return REDACTED if raw and _decoded(raw) != REDACTED else raw
        while spans := search(text := _decoded(raw), rows, self._patterns):
            at: Sequence[int] = range(len(raw) + 1)
            if text is not raw:
                at = [*(unit.start() for unit in _ESCAPES.finditer(raw)), len(raw)]
            raw = replaced(raw, [(at[span.start], at[span.end]) for span in spans])
        return raw

    # -- bytes, URLs, headers -----------------------------------------------------------------------------------------

    def data(self, data: bytes) -> bytes:
        """A body: JSON, an event stream or NDJSON (line by line), a form or other UTF-8 text. Other bytes stay as they are."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return data
        made = self._document(text)
        return data if made == text else made.encode("utf-8")

    def _document(self, text: str) -> str:
        if _FORM.fullmatch(text):
            return self.text(_PARAMETER.sub(self._parameter, f"&{text}")[1:])
        lines = [] if _parses(text) else _LINES.findall(text)
        events = [_EVENT.fullmatch(line) for line in lines]
        if not any(event and (event[1].strip() or _parses(event[2])) for event in events):
            return self.json_text(text)
        parts: list[str] = []
        plain: list[str] = []  # lines that are no JSON, together: a private key has several
        for line, event in zip(lines, events, strict=True):
            if event is None:
                plain.append(line)
                continue
            parts += (self.text("".join(plain)), event[1], self.json_text(event[2]))
            plain.clear()
        return "".join([*parts, self.text("".join(plain))])

    def url(self, url: str) -> str:
        """A URL: the values of credential parameters, user and password, and what looks like a secret anywhere in it."""
        return self.text(_PARAMETER.sub(self._parameter, _USERINFO.sub(rf"\1{REDACTED}@", url)))

    def _parameter(self, pair: re.Match[str]) -> str:
        mark, name, _ = pair.groups()
        secret = is_credential(name.encode("utf-8", "surrogatepass")) or self.is_secret(name)
        return f"{mark}{name}={REDACTED}" if secret else pair[0]

    def header(self, name: str, value: str) -> str | None:
        """The value of a header as it may be kept; None: the header is dropped (credentials, cookies, whose account it is)."""
        lower = name.strip().lower()
        if PRIVATE_RESPONSE_FIELDS.fullmatch(lower.encode("utf-8", "surrogatepass")) or self.is_secret(lower):
            return None
        return self.url(value) if lower in _URL_FIELDS else self.text(value)


def shown(secret: str) -> str:
    """What may be told of a secret: its first four characters, if they are a small part of it, and its length."""
    head = "".join(letter if letter.isprintable() else "?" for letter in secret[:4]) if len(secret) >= 12 else ""
    return f"{head}... ({len(secret)} characters)"


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not plain_name(name):
        raise ConfigError(f"redact: {name!r} is no name; give the name of a header, a query parameter or a JSON member")
    return plain_name(name)


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        made = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ConfigError(f"redact: the pattern {pattern!r} does not compile: {error}") from None
    if not isinstance(made.pattern, str):
        raise ConfigError(f"redact: the pattern {made.pattern!r} is for bytes; give one for text")
    if made.search(""):
        raise ConfigError(f"redact: the pattern {made.pattern!r} matches the empty text, and so everything; make it say what is secret")
    return made


def _gathered(value: Any) -> tuple[list[str], set[str]]:
    """All strings of a JSON value, and the names of its members."""
    strings: list[str] = []
    names: set[str] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            strings.append(item)
        elif isinstance(item, dict):
            names.update(item)
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return [*strings, *names], names


def _parses(text: str) -> bool:
    """Is it a JSON document? One nested too deeply for the parser is."""
    try:
        json.loads(text.removeprefix("\ufeff"))
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def _decoded(raw: str) -> str:
    """What the inside of a JSON string says; the same object if it has no escapes, or wrong ones."""
    if "\\" not in raw:
        return raw
    try:
        text: str = json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return raw
    return text


DEFAULT = Redactor()
