"""A model of vectors, in the shapes of four providers: the vector of a text is always the same, and its numbers are written unusually."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.provider import Answer, ReceivedRequest

JSON = {"content-type": "application/json"}
OPENAI, GEMINI, COHERE, OLLAMA = "/v1/embeddings", "/v1beta/models/m:batchEmbedContents", "/v2/embed", "/api/embed"


def numbers(item: Any, size: int = 3) -> list[str]:
    """The numbers of an item's vector, as JSON texts that a parser and a writer of JSON would change."""
    digest = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).digest()
    forms = ("0.{}0", "-0.{}e-03", "{}E+2", "-0.0{}")
    return [forms[digest[at % 32] % 4].format(1 + digest[(at + 1) % 32]) for at in range(size)]


def vector(item: Any, size: int = 3) -> str:
    """An item's vector as a JSON text."""
    return "[" + ", ".join(numbers(item, size)) + "]"


def encoded(item: Any, size: int = 3) -> str:
    """An item's vector in base64, as OpenAI encodes it: floats of 32 bits."""
    return base64.b64encode(struct.pack(f"<{size}f", *map(float, numbers(item, size)))).decode()


@dataclass
class Embedder:
    """What a provider's ``script`` may be. ``order``: in which the vectors come. ``number``: the index that is given to each.

    ``size``: of a vector, by its item. ``requested`` lists the items of each request. ``model``: the one that answers.
    """

    order: Callable[[Sequence[int]], Sequence[int]] = list
    number: Callable[[int], Any] = int
    size: Callable[[Any], int] = lambda item: 3
    model: str = "m-1"
    requested: list[list[Any]] = field(default_factory=list)

    def __call__(self, request: ReceivedRequest) -> Answer:
        text = self.answer(request.path, request.json).encode()
        return Answer(200, {**JSON, "x-request-id": f"req_{len(self.requested)}"}, [text], length=len(text))

    def answer(self, path: str, body: Any) -> str:
        """The text of the answer."""
        if path.endswith(":batchEmbedContents"):
            items = body["requests"]
            self.requested.append(items)
            values = ",".join(f'{{"values": {vector(item, self.size(item))}}}' for item in items)
            return f'{{"embeddings": [{values}], "usageMetadata": {{"promptTokenCount": {len(items)}}}}}'
        if path.endswith("/embed") and "texts" in body:
            return self._cohere(body)
        items = body["input"]
        items = [items] if isinstance(items, str) or isinstance(items[0], int) else items
        self.requested.append(items)
        if path.endswith("/api/embed"):
            vectors = ",".join(vector(item, self.size(item)) for item in items)
            return f'{{"model":"{self.model}","embeddings":[{vectors}],"total_duration":14,"prompt_eval_count":{len(items)}}}'
        return self._openai(items, body.get("encoding_format"))

    def _openai(self, items: list[Any], encoding: str | None) -> str:
        data = []
        for place in self.order(range(len(items))):
            item, size = items[place], self.size(items[place])
            text = f'"{encoded(item, size)}"' if encoding == "base64" else vector(item, size)
            number = "" if (given := self.number(place)) is None else f'"index" : {given}, '
            data.append(f'{{"object":"embedding", {number}"embedding": {text}}}')
        usage = f'{{"prompt_tokens": {7 * len(items)}, "total_tokens": {7 * len(items)}}}'
        return f'{{\n  "id": "e", "object": "list",\n  "data": [{", ".join(data)}],\n  "model": "{self.model}",\n  "usage": {usage}\n}}\n'

    def _cohere(self, body: Any) -> str:
        items = body["texts"]
        self.requested.append(items)
        kinds = body.get("embedding_types", ["float"])
        lists = ",".join(f'"{kind}":[' + ",".join(vector([kind, item], self.size(item)) for item in items) + "]" for kind in kinds)
        meta = f'{{"api_version":{{"version":"2"}},"billed_units":{{"input_tokens":{2 * len(items)}}}}}'
        texts = json.dumps(items, ensure_ascii=False)
        return f'{{"id":"e","embeddings":{{{lists}}},"texts":{texts},"meta":{meta},"response_type":"embeddings_by_type"}}'


def body_for(path: str, items: list[Any], **more: Any) -> dict[str, Any]:
    """The body of a request for these items, in the shape of that path."""
    if path == GEMINI:
        requests = [{"model": "models/m", "content": {"parts": [{"text": item}]}, **more} for item in items]
        return {"requests": requests}
    if path == COHERE:
        return {"model": "m", "texts": items, "input_type": "search_document", **more}
    return {"model": "m", "input": items, **more}


def vectors_in(path: str, text: bytes) -> list[Any]:
    """The vectors of an answer in the order of its items, each number as its own text; for Cohere a dict of them each."""
    value = json.loads(text, parse_float=lambda number: "f" + number, parse_int=lambda number: "i" + number)
    if path == OPENAI:
        data = value["data"]
        by_index = sorted(data, key=lambda item: int(item["index"][1:])) if "index" in data[0] else data
        return [item["embedding"] for item in by_index]
    if path == COHERE:
        kinds = value["embeddings"]
        return [{kind: kinds[kind][place] for kind in kinds} | {"text": text} for place, text in enumerate(value["texts"])]
    return [item["values"] if path == GEMINI else item for item in value["embeddings"]]
