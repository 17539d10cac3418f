"""How equal calls share one forward, played by hand: who leads, who follows, and who goes alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.play import KEY, entry
from wirecache._core.flows.collapse import MAX_WAIT, CollapseTimeout, claim_or_follow
from wirecache._core.flows.effects import AcquireLease, Claim, Effect, Follow, Lease, Lookup, Turn, Wait
from wirecache._core.messages import Entry

NEW, STALE = entry(stored_at=2000.0), entry(stored_at=1000.0)


def play(*answers: Any, stale: Entry | None = None, shared: bool = False, timeout: float | None = 5.0) -> tuple[list[Effect], Entry | None]:
    """Give these answers, in order; an exception is thrown in. Return the effects, and what came of it."""
    flow = claim_or_follow(KEY, stale, timeout, shared=shared)
    effects = [next(flow)]
    try:
        for answer in answers:
            effect = flow.throw(answer) if isinstance(answer, BaseException) else flow.send(answer)
            effects += [effect]
    except StopIteration as stop:
        return effects, stop.value
    raise AssertionError(f"it did not end, but yields {effects[-1]}")


@pytest.mark.parametrize(
    ("answers", "then", "result"),
    [
        pytest.param([Turn.LEAD], [], None, id="the first one leads"),
        pytest.param([Turn.ALONE], [], None, id="the leader waits for this caller"),
        pytest.param([Turn.LOOK_AGAIN, NEW], [Lookup(KEY)], NEW, id="something was stored meanwhile"),
        pytest.param([Turn.LOOK_AGAIN, None], [Lookup(KEY)], None, id="something else was stored meanwhile"),
        pytest.param([Turn.FOLLOW, True, NEW], [Follow(KEY, 5.0), Lookup(KEY)], NEW, id="a follower gets the answer"),
        pytest.param([Turn.FOLLOW, False], [Follow(KEY, 5.0)], None, id="the leader's answer is not stored"),
    ],
)
def test_in_one_process(answers: list[Any], then: list[Effect], result: Entry | None) -> None:
    assert play(*answers) == ([Claim(KEY), *then], result)


def test_a_follower_keeps_its_own_timeout() -> None:
    with pytest.raises(CollapseTimeout, match=r"no answer within 5 s to an equal request"):
        play(Turn.FOLLOW, TimeoutError())


@pytest.mark.parametrize(("timeout", "seconds"), [(None, MAX_WAIT), (MAX_WAIT * 2, MAX_WAIT), (0.5, 0.5)])
def test_how_long_a_follower_waits(timeout: float | None, seconds: float) -> None:
    effects, _ = play(Turn.FOLLOW, False, timeout=timeout)
    assert effects[-1] == Follow(KEY, seconds)


@pytest.mark.parametrize(
    ("answers", "then", "result"),
    [
        pytest.param([Turn.ALONE], [], None, id="alone asks for no lease"),
        pytest.param([Turn.LEAD, Lease.HELD, None], [AcquireLease(KEY), Lookup(KEY)], None, id="the lease is free"),
        pytest.param([Turn.LEAD, Lease.HELD, NEW], [AcquireLease(KEY), Lookup(KEY)], NEW, id="it was stored just now"),
        pytest.param([Turn.LEAD, Lease.REFUSED], [AcquireLease(KEY)], None, id="the holder has nothing to share"),
        pytest.param([Turn.LEAD, Lease.BUSY, None, NEW], [AcquireLease(KEY), Wait(0.01), Lookup(KEY)], NEW, id="another process stores it"),
        pytest.param(
            [Turn.LEAD, Lease.BUSY, None, None, Lease.HELD, None],
            [AcquireLease(KEY), Wait(0.01), Lookup(KEY), AcquireLease(KEY), Lookup(KEY)],
            None,
            id="another process ends without an answer",
        ),
    ],
)
def test_among_processes(answers: list[Any], then: list[Effect], result: Entry | None) -> None:
    assert play(*answers, shared=True) == ([Claim(KEY), *then], result)


def test_the_stale_entry_is_no_answer() -> None:
    assert play(Turn.LEAD, Lease.HELD, STALE, stale=STALE, shared=True)[1] is None
    assert play(Turn.LEAD, Lease.HELD, NEW, stale=STALE, shared=True)[1] is NEW


def test_the_wait_for_a_lease_ends() -> None:
    pauses: list[float] = []
    with pytest.raises(CollapseTimeout):
        wait_for_ever(pauses)
    assert pauses == sorted(pauses)
    assert max(pauses) == 0.1
    assert 0.5 <= sum(pauses) < 0.7


def wait_for_ever(pauses: list[float]) -> None:
    """Answer that another process holds the lease, and has stored nothing, again and again."""
    flow = claim_or_follow(KEY, None, 0.5, shared=True)
    next(flow)
    effect = flow.send(Turn.LEAD)
    while True:
        assert effect == AcquireLease(KEY)
        wait = flow.send(Lease.BUSY)
        assert isinstance(wait, Wait)
        pauses.append(wait.seconds)
        assert flow.send(None) == Lookup(KEY)
        effect = flow.send(None)
