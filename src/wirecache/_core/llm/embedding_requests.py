"""Requests for embeddings of several items, split into requests for one item each.

A table of shapes says which. Others are handled as a whole: another path, a member that the table does not list (Jina's
``late_chunking`` makes each vector depend on all items), items of another kind, a request whose body is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from wirecache._core.keys.canonical import Body
from wirecache._core.llm.json_spans import Span, items_at, members_at
from wirecache._core.messages import Request

__all__ = ["AnswerForm", "ItemBatch", "Shape", "split_request"]


class AnswerForm(NamedTuple):
    """The members of an answer that belong to its items.

    ``items``: the member that lists the items, or holds such lists by type (Cohere). ``vector``: the vector's member in a listed object;
    None if the list contains the vectors themselves. ``number``: the member with the item's index. ``echo``: a list of the
    texts. ``usage``: the members with counts of what was billed.
    """

    items: str
    vector: str | None = None
    number: str | None = None
    echo: str | None = None
    usage: tuple[str, ...] = ()


def _are_texts(items: list[Any]) -> bool:
    return all(type(item) is str for item in items)


def _are_texts_or_tokens(items: list[Any]) -> bool:
    """Return whether the items are texts or lists of token numbers. (A list of numbers is itself a single input.)"""
    return _are_texts(items) or all(type(item) is list and item and all(type(token) is int for token in item) for item in items)


def _are_objects(items: list[Any]) -> bool:
    return all(type(item) is dict for item in items)


class Shape(NamedTuple):
    """The shape of a provider's requests for several embeddings.

    ``paths``: the endings of their paths. ``items``: the member that lists the items. ``others``: the members allowed beside it.
    ``are_items``: whether each element of the list is one item. ``alone``: a request for one item may have it without a list, which
    determines its key.
    """

    paths: tuple[bytes, ...]
    items: str
    others: frozenset[str]
    are_items: Callable[[list[Any]], bool]
    alone: bool
    answer: AnswerForm


SHAPES = (
    Shape(  # Ollama (ollama.EmbedRequest)
        (b"/api/embed",),
        "input",
        frozenset({"model", "truncate", "options", "keep_alive", "dimensions"}),
        _are_texts,
        True,
        AnswerForm("embeddings", usage=("prompt_eval_count",)),
    ),
    Shape(  # Gemini (google.genai.models, "batchEmbedContents")
        (b":batchEmbedContents",),
        "requests",
        frozenset(),
        _are_objects,
        False,
        AnswerForm("embeddings", vector="values", usage=("usageMetadata",)),
    ),
    Shape(  # Cohere v1 and v2 (cohere.client, "embed")
        (b"/v1/embed", b"/v2/embed"),
        "texts",
        frozenset({"model", "input_type", "embedding_types", "truncate", "max_tokens", "output_dimension", "priority"}),
        _are_texts,
        False,
        AnswerForm("embeddings", echo="texts", usage=("meta",)),
    ),
    Shape(  # OpenAI (EmbeddingCreateParams) and compatible APIs: Mistral (EmbeddingRequest), Voyage, Jina, NVIDIA
        (b"/embeddings",),
        "input",
        frozenset(
            {
                "model", "encoding_format", "dimensions", "user", "metadata", "output_dimension", "output_dtype", "input_type",
                "truncation", "truncate", "task", "normalized", "embedding_type",
            }
        ),
        _are_texts_or_tokens,
        True,
        AnswerForm("data", vector="embedding", number="index", usage=("usage",)),
    ),
)  # fmt: skip
# A request whose signature or digest covers its body cannot be sent with another body (RFC 9530, RFC 9421, AWS SigV4).
_OF_THE_BODY = ("content-digest", "digest", "repr-digest", "content-md5", "signature", "x-amz-content-sha256", "content-encoding")


class ItemBatch:
    """A request for the embeddings of several items. ``items``: as in the request, in order."""

    def __init__(self, shape: Shape, body: Body) -> None:
        self.shape = shape
        self.items: list[Any] = body.members[shape.items]
        self._members = body.members
        self._raw = body.raw

    def body_of_one(self, index: int) -> Body:
        """Return the body of a request for that item alone, which determines the item's key."""
        shape, span = self.shape, self._list_span
        item, text = self.items[index], self._item_spans[index].of(self._raw)
        one = (item, text) if shape.alone else ([item], b"[" + text + b"]")
        return Body("json", self._raw[: span.start] + one[1] + self._raw[span.end :], {**self._members, shape.items: one[0]})

    def content_of(self, indexes: Iterable[int]) -> bytes:
        """Return the content of a request for these items: the caller's own text, with only these in the list."""
        span, spans = self._list_span, self._item_spans
        texts = b",".join(spans[index].of(self._raw) for index in indexes)
        return b"".join((self._raw[: span.start], b"[", texts, b"]", self._raw[span.end :]))

    @cached_property
    def _list_span(self) -> Span:
        return members_at(self._raw)[self.shape.items]

    @cached_property
    def _item_spans(self) -> list[Span]:
        return items_at(self._raw, self._list_span.start)


def split_request(request: Request, body: Body) -> ItemBatch | None:
    """Return the request split into items; None if it is to be handled as a whole."""
    path = request.path.rstrip(b"/")
    shape = next((shape for shape in SHAPES if path.endswith(shape.paths)), None)
    if shape is None or body.kind != "json":
        return None
    items = body.members.get(shape.items)
    if type(items) is not list or not items or not shape.are_items(items):
        return None
    if not body.members.keys() - {shape.items} <= shape.others or _is_signed(request.fields):
        return None
    return ItemBatch(shape, body)


def _is_signed(fields: Mapping[bytes, bytes]) -> bool:
    """Return whether the request is only valid with its own body."""
    return any(name.encode() in fields for name in _OF_THE_BODY) or fields.get(b"authorization", b"").startswith((b"AWS4-", b"Signature "))
