"""Answers with embeddings: split into items, and composed from the items of several answers.

JSON text is copied unchanged, so that each number keeps its digits. An answer is accepted only if it has as many vectors as there are
items, each with an index of its own, and all of one length; otherwise a reason says why not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import jiter

from wirecache._core.llm.embedding_requests import AnswerForm
from wirecache._core.llm.json_spans import Span, end_of, is_list, is_object, is_text, items_at, members_at, numbers_in

__all__ = ["COUNT", "INDEX", "LENGTH", "VECTOR", "Envelope", "ItemAnswer", "ItemReader", "Piece", "compose", "read_answer"]

# The reasons why an answer is not split.
COUNT, INDEX, VECTOR, LENGTH = "items-count", "items-index", "items-vector", "items-length"


class Piece(NamedTuple):
    """One item of an answer: its JSON text in each of the answer's lists. ``number``: the span of its index in the first text.

    ``likeness``: what comparable pieces have in common: the lists, the type and length of the vectors, the model that answered.
    """

    texts: tuple[bytes, ...]
    number: Span | None
    likeness: tuple[object, ...]


class _Counts(NamedTuple):
    """A value with counts of what was billed."""

    text: bytes


# An answer without its items: texts, the indexes of its lists, and what was billed.
Envelope: TypeAlias = tuple[bytes | int | _Counts, ...]


class ItemAnswer(NamedTuple):
    """An answer split into items. ``pieces``: in the order of the items."""

    envelope: Envelope
    pieces: tuple[Piece, ...]


class _Refused(Exception):
    """The answer is inconsistent, or does not match the request; the argument is the reason."""


def read_answer(form: AnswerForm, body: bytes, count: int) -> ItemAnswer | str:
    """Return the answer split into ``count`` items, or the reason why it is not split. ``body``: a JSON object."""
    members = members_at(body)
    try:
        lists = _lists_of(form, body, members)
        rows = [items_at(body, span.start) for span in lists.values()]
        if any(len(row) != count for row in rows):
            raise _Refused(COUNT)
        return ItemAnswer(_envelope(form, body, members, list(lists.values())), _pieces(form, body, members, tuple(lists), rows))
    except _Refused as reason:
        return str(reason)


class ItemReader:
    """Reads answers of one item each. Those that came from one answer differ only in the item, so the rest is parsed only once."""

    def __init__(self, form: AnswerForm) -> None:
        self._form = form
        self._last: ItemAnswer | None = None
        self._before = self._after = b""

    def read(self, body: bytes) -> ItemAnswer | str:
        """Return the answer with its item, or the reason why it is not split."""
        try:
            found = self._read_item(body) if body.startswith(self._before) and body.endswith(self._after) else None
            if found is not None:
                return found
            is_json_object = isinstance(jiter.from_json(body, cache_mode="keys"), dict)
        except ValueError:
            return "malformed"
        answer = read_answer(self._form, body, 1) if is_json_object else "malformed"
        if not isinstance(answer, str) and len(answer.pieces[0].texts) == 1:
            place = answer.envelope.index(0)
            self._last = answer
            self._before = b"".join(map(_own_text, answer.envelope[:place])) + b"["
            self._after = b"]" + b"".join(map(_own_text, answer.envelope[place + 1 :]))
        return answer

    def _read_item(self, body: bytes) -> ItemAnswer | None:
        """Return the answer if it differs from the last one only in its item; None if it must be parsed completely."""
        span = Span(len(self._before), len(body) - len(self._after))
        if self._last is None or span.end <= span.start:
            return None
        item = members_at(body, span.start) if is_object(body, span) else {}
        end = body.find(b"}", max(member.end for member in item.values())) + 1 if item else end_of(body, span.start)
        number = item.get(self._form.number) if self._form.number is not None else None
        names, _, model = self._last.pieces[0].likeness
        try:
            size = _size(body, _vector_of(self._form, item, span))
            _order(body, [number])
        except _Refused:
            return None
        if end != span.end:
            return None
        return ItemAnswer(self._last.envelope, (Piece((span.of(body),), _within(number, span), (names, (size,), model)),))


def _own_text(part: bytes | int | _Counts) -> bytes:
    return part.text if isinstance(part, _Counts) else part if isinstance(part, bytes) else b""


def _lists_of(form: AnswerForm, body: bytes, members: dict[str, Span]) -> dict[str, Span]:
    """Return the answer's lists that have an element per item, by name; the list of texts comes last."""
    span = members.get(form.items)
    if span is None:
        raise _Refused(COUNT)
    lists = {"": span} if is_list(body, span) else {}
    if not lists and form.echo is not None and is_object(body, span):
        lists = {name: inner for name, inner in members_at(body, span.start).items() if body[inner.start] != ord("n")}  # null
    if not lists or not all(is_list(body, span) for span in lists.values()):
        raise _Refused(COUNT)
    echo = members.get(form.echo) if form.echo is not None else None
    return {**lists, "echo of the texts": echo} if echo is not None and is_list(body, echo) and items_at(body, echo.start) else lists


def _pieces(form: AnswerForm, body: bytes, members: dict[str, Span], names: tuple[str, ...], rows: list[list[Span]]) -> tuple[Piece, ...]:
    """Return the pieces in the order of the indexes in the answer; in the answer's order, if it has none."""
    model = members["model"].of(body) if "model" in members else None
    objects = [members_at(body, span.start) if is_object(body, span) else {} for span in rows[0]]
    numbers = [item.get(form.number) if form.number is not None else None for item in objects]
    vectors = [_vector_of(form, item, span) for item, span in zip(objects, rows[0], strict=True)]
    vector_rows = [vectors, *(row for name, row in zip(names[1:], rows[1:], strict=True) if name != "echo of the texts")]
    likenesses = {tuple(_size(body, vector) for vector in column) for column in zip(*vector_rows, strict=True)}
    if len(likenesses) != 1:
        raise _Refused(LENGTH)
    likeness = (names, likenesses.pop(), model)
    columns = zip(zip(*rows, strict=True), numbers, strict=True)
    found = [Piece(tuple(span.of(body) for span in spans), _within(number, spans[0]), likeness) for spans, number in columns]
    return tuple(found[place] for place in _order(body, numbers))


def _vector_of(form: AnswerForm, item: dict[str, Span], span: Span) -> Span:
    if form.vector is None:
        return span
    if form.vector not in item:
        raise _Refused(VECTOR)
    return item[form.vector]


def _size(body: bytes, vector: Span) -> tuple[str, int]:
    """Return the type and length of a vector: the number of its numbers, or the length of the text that encodes them."""
    if is_text(body, vector):
        text = vector.of(body)
        size, kind = (len(json.loads(text)) if b"\\" in text else len(text) - 2), "text"
    else:
        size, kind = numbers_in(body, vector) or 0, "numbers"
    if not size:
        raise _Refused(VECTOR)
    return kind, size


def _within(number: Span | None, item: Span) -> Span | None:
    return None if number is None else Span(number.start - item.start, number.end - item.start)


def _order(body: bytes, numbers: Sequence[Span | None]) -> Sequence[int]:
    """Return each item's position in the answer: by the indexes given there, each exactly once; in order, if there are none."""
    given = [number.of(body) for number in numbers if number is not None]
    if not given:
        return range(len(numbers))
    places = {text: place for place, text in enumerate(given)}
    wanted = [b"%d" % index for index in range(len(numbers))]
    if len(given) != len(numbers) or places.keys() != set(wanted):
        raise _Refused(INDEX)
    return [places[text] for text in wanted]


def _envelope(form: AnswerForm, body: bytes, members: dict[str, Span], lists: list[Span]) -> Envelope:
    """Return the answer with holes in place of its lists, and its counts."""
    holes: list[tuple[Span, int | _Counts]] = [(span, number) for number, span in enumerate(lists)]
    holes += [(members[name], _Counts(members[name].of(body))) for name in form.usage if name in members]
    parts: list[bytes | int | _Counts] = []
    end = 0
    for span, hole in sorted(holes, key=lambda pair: pair[0]):
        parts += [body[end : span.start], hole]
        end = span.end
    return (*parts, body[end:])


def compose(envelope: Envelope, pieces: Sequence[Piece], billed: Sequence[Envelope]) -> bytes:
    """Return an answer with these pieces, in order. ``billed``: the answers whose summed counts it reports; zero if empty."""
    return b"".join(_composed(envelope, pieces, billed))


def _composed(envelope: Envelope, pieces: Sequence[Piece], billed: Sequence[Envelope]) -> Iterator[bytes]:
    for place, part in enumerate(envelope):
        if isinstance(part, bytes):
            yield part
        elif isinstance(part, _Counts):
            yield _counted(part, [other[place] for other in billed if place < len(other)])
        else:
            texts = (piece.texts[part] if part else _numbered(piece, index) for index, piece in enumerate(pieces))
            yield b"[" + b",".join(texts) + b"]"


def _numbered(piece: Piece, index: int) -> bytes:
    """Return the item's text with this index."""
    text, span = piece.texts[0], piece.number
    return text if span is None else b"%b%d%b" % (text[: span.start], index, text[span.end :])


def _counted(own: _Counts, billed: Sequence[object]) -> bytes:
    if list(billed) == [own]:
        return own.text
    values = [json.loads(other.text) for other in billed if isinstance(other, _Counts)]
    return json.dumps(_summed(json.loads(own.text), values), separators=(",", ":")).encode()


def _summed(value: Any, others: Sequence[Any]) -> Any:
    """Return the value with each number replaced by the sum of the corresponding numbers in the others."""
    if isinstance(value, dict):
        return {name: _summed(item, [other.get(name) for other in others if isinstance(other, dict)]) for name, item in value.items()}
    if isinstance(value, list):
        return [
            _summed(item, [other[at] for other in others if isinstance(other, list) and at < len(other)]) for at, item in enumerate(value)
        ]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return sum(other for other in others if isinstance(other, (int, float)) and not isinstance(other, bool))
