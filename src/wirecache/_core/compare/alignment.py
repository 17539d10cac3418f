"""Alignment of the steps of two runs by their requests: equal ones first, then the most similar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from wirecache._core.compare.diff import likeness
from wirecache._core.compare.steps import Severity, Step, severity_of
from wirecache._core.llm.conversation import prompt_messages

__all__ = ["Pair", "pairs_of", "worst_of"]

MOST_COMPARED = 40_000  # pairs of requests compared within one group; above that, steps are paired in order


class Pair(NamedTuple):
    """Two corresponding steps; one of them is None if the other run has no counterpart."""

    before: Step | None
    after: Step | None

    @property
    def severity(self) -> Severity:
        """How much the two exchanges differ."""
        if self.before is None:
            return Severity.ADDED
        return Severity.MISSING if self.after is None else severity_of(self.before, self.after)


def pairs_of(before: Sequence[Step], after: Sequence[Step]) -> list[Pair]:
    """Return the steps of two runs in pairs, in the order of the second run; a step of the first run alone keeps its relative place.

    Equal requests are paired whatever their order, since concurrent calls end in any order. Of the others, those of one conversation are
    paired, then those of one target, in order and by similarity.
    """
    found: list[tuple[Step, Step]] = []
    rest = list(before), list(after)
    for key, match in ((_identity, _in_order), (_conversation, _alike), (_target, _alike)):
        paired = _matched(*rest, key, match)
        found += paired
        used = {id(step) for pair in paired for step in pair}
        rest = [step for step in rest[0] if id(step) not in used], [step for step in rest[1] if id(step) not in used]
    pairs = [Pair(one, other) for one, other in found] + [Pair(step, None) for step in rest[0]] + [Pair(None, step) for step in rest[1]]
    return _ordered(pairs)


def worst_of(pairs: Iterable[Pair]) -> Severity:
    """Return the most severe difference."""
    return max((pair.severity for pair in pairs), key=lambda severity: severity.rank, default=Severity.SAME)


Match = Callable[[Sequence[Step], Sequence[Step]], list[tuple[Step, Step]]]


def _matched(before: Sequence[Step], after: Sequence[Step], key: Callable[[Step], Hashable], match: Match) -> list[tuple[Step, Step]]:
    """Return the pairs that ``match`` makes within each group of steps with equal keys."""
    groups: dict[Hashable, tuple[list[Step], list[Step]]] = defaultdict(lambda: ([], []))
    for side, steps in enumerate((before, after)):
        for step in steps:
            groups[key(step)][side].append(step)
    return [pair for one, other in groups.values() if one and other for pair in match(one, other)]


def _identity(step: Step) -> Hashable:
    return step.identity


def _target(step: Step) -> Hashable:
    return step.target


def _conversation(step: Step) -> Hashable:
    """Return the target and the first message that is not a system prompt, which all turns of a conversation share."""
    messages = prompt_messages(step.entry)
    first = next((message for message in messages if message.role not in ("system", "developer")), None)
    return step.target, first if len(messages) > 1 else step.identity


def _in_order(before: Sequence[Step], after: Sequence[Step]) -> list[tuple[Step, Step]]:
    return list(zip(before, after, strict=False))


def _alike(before: Sequence[Step], after: Sequence[Step]) -> list[tuple[Step, Step]]:
    """Return as many pairs as possible, in order, with the greatest total similarity."""
    if len(before) * len(after) > MOST_COMPARED:
        return _in_order(before, after)
    alike = [[1 + likeness(one.value, other.value) for other in after] for one in before]
    best = [[0.0] * (len(after) + 1) for _ in range(len(before) + 1)]  # for the steps from there on
    for i in reversed(range(len(before))):
        for j in reversed(range(len(after))):
            best[i][j] = max(alike[i][j] + best[i + 1][j + 1], best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(before) and j < len(after):
        if best[i][j] == alike[i][j] + best[i + 1][j + 1]:
            pairs.append((before[i], after[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _ordered(pairs: list[Pair]) -> list[Pair]:
    """Return the pairs in the order of the second run; a step of the first run alone comes after the step that preceded it there."""
    places = {pair.before.number: pair.after.number for pair in pairs if pair.before is not None and pair.after is not None}

    def place(pair: Pair) -> tuple[int, int, int]:
        if pair.after is not None:
            return pair.after.number, 0, 0
        assert pair.before is not None, "a pair has at least one step"
        number = pair.before.number
        return next((places[one] for one in range(number, 0, -1) if one in places), 0), 1, number

    return sorted(pairs, key=place)
