from __future__ import annotations

from wirecache._core.compare.runs import DIGEST, CallLink, chain_of, runs_of, shared_messages
from wirecache._core.llm.blocks import Block, Kind
from wirecache._core.llm.conversation import Message


def chain(*texts: str) -> bytes:
    return chain_of(Message("user", (Block(Kind.TEXT, text),)) for text in texts)


def test_a_chain_has_a_digest_for_each_message() -> None:
    assert chain() == b""
    assert len(chain("a", "b")) == 2 * DIGEST
    assert chain("a", "b").startswith(chain("a"))
    assert not chain("b", "a").startswith(chain("a"))
    assert chain("ab") != chain("a", "b")[:DIGEST]
    assert chain_of([Message("user", ())]) != chain_of([Message("tool", ())])
    chain_of([Message("user", (Block(Kind.TEXT, "\ud800"),))])


def test_how_many_messages_are_shared() -> None:
    assert shared_messages(chain("a", "b", "c"), chain("a", "b", "d")) == 2
    assert shared_messages(chain("a"), chain("b")) == 0
    assert shared_messages(chain("a"), chain("a", "b")) == 1


def test_calls_that_continue_each_other_are_a_run() -> None:
    calls = [chain("a"), chain("x"), chain("a", "1", "b"), chain("x", "2", "y"), chain("a", "1", "b", "2", "c"), chain("z")]
    assert runs_of([CallLink(each) for each in calls]) == [[0, 2, 4], [1, 3], [5]]


def test_a_fork_belongs_to_its_run_and_a_repetition_does_not() -> None:
    calls = [chain("a"), chain("a", "1", "b"), chain("a", "1", "c"), chain("a")]
    assert runs_of([CallLink(each) for each in calls]) == [[0, 1, 2], [3]]
    assert runs_of([CallLink(b""), CallLink(b"")]) == [[0], [1]]


def test_calls_are_linked_by_the_id_of_the_answer() -> None:
    calls = [CallLink(chain("a"), "resp_1"), CallLink(chain("b"), "resp_2", "resp_1"), CallLink(chain("c"), "", "resp_9")]
    assert runs_of(calls) == [[0, 1], [2]]
