"""How is an entry told, to people and as JSON?"""

from __future__ import annotations

import time
from typing import Any

from wirecache import Entry
from wirecache._core.compare.query import host_of
from wirecache._core.llm.conversation import Turn, answer_turn, asked_turns, prompt_of
from wirecache._core.rules.freshness import age_of
from wirecache._core.unset import UNSET
from wirecache.cli._terminal import at

__all__ = ["PROMPT", "in_full", "in_short"]

PROMPT = 200  # characters of a prompt in a listing


def in_short(entry: Entry) -> dict[str, Any]:
    """The entry in a listing, as JSON."""
    asked = entry.request
    prompt = " ".join(prompt_of(entry).split())
    return {
        "key": entry.key,
        "method": asked.method,
        "url": asked.url,
        "host": host_of(asked.url),
        "endpoint": asked.endpoint,
        "model": asked.model,
        "namespace": asked.namespace,
        "sample": asked.sample,
        "status": entry.status,
        "stored_at": at(entry.stored_at),
        "age": round(age_of(entry, time.time()), 3),
        "seconds": round(entry.seconds, 4),
        "stream": bool(entry.chunk_times),
        "usage": entry.usage._asdict() if entry.usage else None,
        "bytes": len(entry.body),
        "prompt": prompt if len(prompt) <= PROMPT else prompt[: PROMPT - 3] + "...",
    }


def in_full(entry: Entry) -> dict[str, Any]:
    """The entry with all that was said, as JSON."""
    asked = entry.request
    answer = answer_turn(entry)
    told = in_short(entry)
    del told["prompt"]
    return {
        **told,
        "ttl": None if entry.ttl is UNSET else "never" if entry.ttl is None else entry.ttl,
        "http_version": entry.http_version.decode("latin-1"),
        "request_headers": dict(asked.fields),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in entry.headers],
        "conversation": [_turn(turn) for turn in asked_turns(entry)],
        "answer": _turn(answer),
        "chunks": [{"bytes": chunk.size, "at": round(chunk.seconds, 4)} for chunk in entry.chunks],
        "body": entry.text,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    calls = [call._asdict() for call in turn.calls]
    return {"role": turn.role, "text": turn.text, "tool_calls": calls}
