"""Grouping of calls into the runs of an agent, in which each call begins with the messages of the previous one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wirecache._core.llm.conversation import Message

__all__ = ["DIGEST", "CallLink", "chain_of", "runs_of", "shared_messages"]

DIGEST = 8  # bytes per message in a chain


def chain_of(messages: Iterable[Message]) -> bytes:
    """Return the chain of a conversation: for each message a digest of all messages up to it, ``DIGEST`` bytes each.

    A conversation begins with another one if its chain begins with the other's.
    """
    state = hashlib.blake2b(digest_size=DIGEST)
    chain = b""
    for message in messages:
        state.update(repr((message.role, *message.blocks)).encode("utf-8", "surrogatepass"))
        chain += state.digest()
    return chain


def shared_messages(one: bytes, other: bytes) -> int:
    """Return the number of equal messages with which both conversations begin."""
    count = 0
    for at in range(0, min(len(one), len(other)), DIGEST):
        if one[at : at + DIGEST] != other[at : at + DIGEST]:
            break
        count += 1
    return count


class CallLink(NamedTuple):
    """What links a call to others.

    ``chain``: see ``chain_of``. ``answer_id``: the provider's id of its answer. ``previous_id``: the id of the answer that it continues
    (OpenAI's ``previous_response_id``).
    """

    chain: bytes
    answer_id: str = ""
    previous_id: str = ""


def runs_of(calls: Sequence[CallLink]) -> list[list[int]]:
    """Return the runs, each as the indices of its calls, which are given in order of time. A single call may be a run, too.

    A call belongs to the run of the latest earlier call whose conversation it continues; of several, the one with most messages.
    """
    by_end: dict[bytes, int] = {}  # by whole conversation: its latest call
    by_answer: dict[str, int] = {}
    runs: dict[int, list[int]] = {}
    root_of: list[int] = []
    for index, call in enumerate(calls):
        parent = _parent(call, by_end, by_answer)
        root = index if parent is None else root_of[parent]
        root_of.append(root)
        runs.setdefault(root, []).append(index)
        if call.chain:
            by_end[call.chain[-DIGEST:]] = index
        if call.answer_id:
            by_answer[call.answer_id] = index
    return list(runs.values())


def _parent(call: CallLink, by_end: dict[bytes, int], by_answer: dict[str, int]) -> int | None:
    if call.previous_id and (found := by_answer.get(call.previous_id)) is not None:
        return found
    for end in range(len(call.chain) - DIGEST, 0, -DIGEST):  # a call with the same whole conversation is a sibling, not the parent
        if (found := by_end.get(call.chain[end - DIGEST : end])) is not None:
            return found
    return None
