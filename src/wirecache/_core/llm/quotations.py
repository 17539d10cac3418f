"""Quotations of values in an answer: in a text of its JSON, in JSON within a text (a tool's arguments), or in the pieces of a stream.

A stream sends a text in pieces and may split a value: consecutive texts of the same field of its events are treated as one. What is not
quoted keeps its bytes. Binary messages (Amazon's event stream, whose messages have checksums) are left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import accumulate, islice, pairwise
from typing import Any, NamedTuple

from wirecache._core.edits import Edit, edited
from wirecache._core.event_stream import EVENT_STREAM, field_lines, has_events, split_stream
from wirecache._core.headers import content_media_type, fields_of
from wirecache._core.keys.normalizers import BEFORE
from wirecache._core.messages import Entry

__all__ = ["quotes", "requoted"]

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_LINE = field_lines(b"data")
_NAME = field_lines(b"event")
# Members that identify the text that a piece belongs to, in events of OpenAI, Anthropic and Cohere.
_PLACES = ("index", "item_id", "output_index", "content_index", "summary_index")
# Members that describe the original bytes, and are not true of others.
_DIGESTS = frozenset({b"content-digest", b"content-md5", b"digest", b"etag", b"repr-digest"})
_LEVELS = 3  # a JSON text within a JSON text within the body's own


class _Piece(NamedTuple):
    """A text of the answer's JSON: the position of its token, in bytes, and the field that it is a part of, or None."""

    start: int
    end: int
    text: str
    field: Hashable


class _Quotation(NamedTuple):
    """A pattern that finds values in a text, and the replacement of each spelling."""

    pattern: re.Pattern[str]
    spellings: Mapping[str, str]

    def matches(self, text: str) -> list[re.Match[str]]:
        """Return where the text quotes the values. Whether a spelling is in it at all takes far less time to find than the pattern."""
        return list(self.pattern.finditer(text)) if any(spelling in text for spelling in self.spellings) else []


def quotes(values: Iterable[str], text: str) -> set[str]:
    """Return the values that the text quotes."""
    return {value for value in values if _quotation({value: ""}).matches(text)}


def requoted(entry: Entry, values: Mapping[str, str]) -> Entry:
    """Return the entry with the values replaced where its body quotes them; the entry itself if it quotes none."""
    made = edited(entry, sorted(_edits(entry, _quotation(values))))
    return made if made is entry else made._replace(headers=tuple(pair for pair in made.headers if pair[0] not in _DIGESTS))


def _quotation(values: Mapping[str, str]) -> _Quotation:
    spellings: dict[str, str] = {}
    for value, other in values.items():
        for _ in range(_LEVELS):
            spellings.setdefault(value, other)
            value, other = json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(other, ensure_ascii=False)[1:-1]
    longest_first = sorted(spellings, key=len, reverse=True)
    return _Quotation(re.compile(rf"{BEFORE}(?:{'|'.join(map(re.escape, longest_first))})(?![\w+-]|\.[\w+-])"), spellings)


def _edits(entry: Entry, quotation: _Quotation) -> Iterator[Edit]:
    """Yield the edits of the body, in any order."""
    kind = entry.stream_kind
    if kind is not None and has_events(kind):
        fields: dict[Hashable, list[_Piece]] = {}
        for piece in _pieces_of_stream(kind, entry.body):
            fields.setdefault(piece.field or piece.start, []).append(piece)
        for pieces in fields.values():
            yield from _edits_of_text(entry.body, pieces, quotation)
    elif kind is None and _is_json(entry.body):
        for piece in _pieces(entry.body, [(0, len(entry.body))], None):
            yield from _edits_of_text(entry.body, [piece], quotation)
    elif kind is None and content_media_type(fields_of(entry.headers)).startswith(b"text/"):
        yield from _edits_of_plain_text(entry.body, quotation)


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _edits_of_plain_text(body: bytes, quotation: _Quotation) -> Iterator[Edit]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    made = quotation.pattern.sub(lambda match: quotation.spellings[match[0]], text)
    if made != text:
        yield Edit(0, len(body), made.encode())


# -- the texts of an answer -------------------------------------------------------------------------------------------


def _pieces_of_stream(kind: bytes, body: bytes) -> Iterator[_Piece]:
    start = 0
    for event in split_stream(kind, body) or ():
        name, lines = b"", [(start, start + len(event))]
        if kind == EVENT_STREAM:
            name = found[1] if (found := _NAME.search(event)) else b""
            lines = [(start + line.start(1), start + line.end(1)) for line in _LINE.finditer(event)]
        yield from _pieces(body, lines, name)
        start += len(event)


def _pieces(body: bytes, lines: list[tuple[int, int]], name: bytes | None) -> list[_Piece]:
    """Return the texts of a JSON document, including member names. ``lines``: its position. ``name``: the event's; None without events."""
    tokens = [token for start, end in lines for token in _STRING.finditer(body, start, end)]
    try:
        texts = [json.loads(token[0]) for token in tokens]
        fields = [] if name is None else list(_fields(json.loads(b"\n".join(body[start:end] for start, end in lines)), (name,)))
    except (ValueError, RecursionError):  # not JSON: the end of a chat, or a piece that was cut off
        return []
    if [text for text, _ in fields] != texts:  # an object with a duplicate name, or not an event
        fields = [(text, None) for text in texts]
    return [_Piece(*token.span(), *field) for token, field in zip(tokens, fields, strict=True)]


def _fields(value: Any, path: tuple[Hashable, ...]) -> Iterator[tuple[str, Hashable]]:
    """Yield the texts in order, each with its field; member names have none."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, dict):
        kind = value.get("type") if len(path) == 1 else None  # of the event; at deeper levels only the first piece of some texts has one
        here = (*path, *(str(place) for place in (kind, *map(value.get, _PLACES))))
        for name, member in value.items():
            yield name, None
            yield from _fields(member, (*here, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            has_index = isinstance(item, dict) and "index" in item
            yield from _fields(item, path if has_index else (*path, number))


# -- the edits of one text --------------------------------------------------------------------------------------------


def _edits_of_text(body: bytes, pieces: list[_Piece], quotation: _Quotation) -> Iterator[Edit]:
    """Yield the edits of a text that is given in pieces; each piece keeps its share of a split value."""
    text = pieces[0].text if len(pieces) == 1 else "".join(piece.text for piece in pieces)
    matches = quotation.matches(text)
    if not matches:
        return
    places, first = [0, *accumulate(len(piece.text) for piece in pieces)], 0
    for piece, (start, end) in zip(pieces, pairwise(places), strict=True):
        while first < len(matches) and matches[first].end() <= start:
            first += 1
        made, at = "", start
        for match in islice(matches, first, None):
            if match.start() >= end:
                break
            made += text[at : max(at, match.start())] + _share(match, start, end, quotation.spellings[match[0]])
            at = min(match.end(), end)
        made += text[at:end]
        if made != piece.text:
            yield Edit(piece.start, piece.end, _encoded(made, body[piece.start : piece.end]))


def _share(match: re.Match[str], start: int, end: int, value: str) -> str:
    """Return the share of the new value in the piece from ``start`` to ``end``: as much as of the old one; the last piece gets the rest."""
    first = max(start - match.start(), 0)
    return value[first:] if match.end() <= end else value[first : end - match.start()]


def _encoded(text: str, token: bytes) -> bytes:
    """Return the text as JSON, ASCII if the token was."""
    if not token.isascii():
        try:
            return json.dumps(text, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # an escaped lone surrogate
            pass
    return json.dumps(text).encode()
