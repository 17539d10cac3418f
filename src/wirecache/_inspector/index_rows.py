"""The index row of an exchange, shown in the list, and the texts by which it is found."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from wirecache._core.compare.query import host_of
from wirecache._core.compare.runs import chain_of
from wirecache._core.llm.answers import json_values
from wirecache._core.llm.blocks import Kind
from wirecache._core.llm.conversation import Message, answer_message, prompt_messages
from wirecache._core.messages import Entry, Usage
from wirecache._inspector.index_schema import IndexRow
from wirecache._inspector.source import Source
from wirecache.prices import Prices

__all__ = ["excerpt", "has_turns", "indexed", "last_prompt", "price_of"]

EXCERPT = 240  # characters of a prompt or an answer in the list
_MARKS = re.compile(r"(\*\*|`+)(?=\S)([^*`]{1,120}[^\s*`]|[^\s*`])\1")
SEARCHED = 200_000  # characters indexed of each text


def indexed(source: Source, ref: str, entry: Entry, now: float) -> tuple[IndexRow, tuple[str, str, str]]:
    """Return the row of the exchange, and the texts of its prompt, answer and tool calls."""
    values = json_values(entry)
    messages, answer = prompt_messages(entry), answer_message(entry, values)
    request, usage = entry.request, entry.usage
    chain, prompt = chain_of(messages) if has_turns(request.endpoint) else b"", last_prompt(messages)
    row = IndexRow(
        source=source.id,
        ref=ref,
        key=entry.key,
        stored_at=entry.stored_at,
        expires_at=source.expires_at(entry, now),
        method=request.method,
        url=request.url,
        host=host_of(request.url),
        endpoint=request.endpoint,
        model=request.model or "",
        namespace=request.namespace,
        sample=request.sample,
        status=entry.status,
        stream=int(bool(entry.chunk_times)),
        test=source.test_of(ref),
        prompt=excerpt(prompt),
        answer=excerpt(_plain(answer) or " ".join(f"{block.name}({block.text})" for block in answer.blocks if block.kind is Kind.CALL)),
        input=usage.input if usage else None,
        output=usage.output if usage else None,
        tokens=usage.total if usage else None,
        usage=" ".join(map(str, usage)) if usage else "",
        cost=None,
        seconds=entry.seconds,
        size=len(entry.body),
        hits=0,
        chain=chain,
        answer_id=_answer_id(values[:1]),
        previous_id=_previous_id(entry),
    )
    tools = " ".join(f"{b.name} {b.text}" for message in (*messages, answer) for b in message.blocks if b.kind in (Kind.CALL, Kind.RESULT))
    return row, (" ".join(map(_plain, messages))[:SEARCHED], _plain(answer)[:SEARCHED], tools[:SEARCHED])


def price_of(row: IndexRow, prices: Prices | None) -> float | None:
    """Return the cost of the call in dollars, or None if no price is known."""
    if prices is None or not row.usage:
        return None
    usage = Usage(*map(int, row.usage.split()))
    dollars = prices.of_call(usage, row.host, row.model, datetime.fromtimestamp(row.stored_at, UTC).date(), row.endpoint)
    return None if dollars is None else float(dollars)


def has_turns(endpoint: str) -> bool:
    """Return whether the requests of the endpoint are conversations."""
    return endpoint not in ("", "http", "embeddings")


def last_prompt(messages: Sequence[Message]) -> str:
    """Return the text of the last message that is not a system prompt; empty if there is none."""
    return next((text for message in reversed(messages) if message.role != "system" and (text := _plain(message))), "")


def _plain(message: Message) -> str:
    return "\n".join(block.plain for block in message.blocks if block.kind in (Kind.TEXT, Kind.RESULT, Kind.MEDIA) and block.plain)


def excerpt(text: str) -> str:
    """Return the first words, on one line, without Markdown's marks for emphasis and code."""
    line = " ".join(text[: 4 * EXCERPT].split())
    return _MARKS.sub(r"\2", line)[:EXCERPT]


def _answer_id(values: list[Any]) -> str:
    """Return the provider's id of the answer, from its body or first event."""
    value = values[0] if values and isinstance(values[0], dict) else {}
    inner = value.get("response") or value.get("message")
    found = value.get("id") or (inner.get("id") if isinstance(inner, dict) else None)
    return found if isinstance(found, str) else ""


def _previous_id(entry: Entry) -> str:
    marker = b'"previous_response_id"'
    if marker not in bytes(entry.request_body):
        return ""
    try:
        found = json.loads(bytes(entry.request_body)).get("previous_response_id")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""
