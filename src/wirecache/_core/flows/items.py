"""The items of a request for several embeddings: which are stored, which are to be requested, and the answer composed of them.

Each item is an entry of its own, under the key of a request for that item alone, with the answer that upstream would have sent to that. So
a call for one text and a list that contains it share an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from wirecache._core.flows.effects import Relay, Reuse
from wirecache._core.flows.entry_headers import kept_headers
from wirecache._core.flows.recorder import Recording, summary_of
from wirecache._core.flows.storability import answer_refusal_reason, parse_answer
from wirecache._core.keys.canonical import Body, canonical_text
from wirecache._core.keys.keys import key_of
from wirecache._core.llm.embedding_answers import LENGTH, Envelope, ItemAnswer, ItemReader, Piece, compose, read_answer
from wirecache._core.llm.embedding_requests import ItemBatch
from wirecache._core.llm.usage import usage_of
from wirecache._core.messages import Entry, Head, Request, Usage
from wirecache._core.rules.eligibility import is_event_stream
from wirecache._core.rules.plan import Plan
from wirecache._core.rules.rules import Rule
from wirecache._core.status import CacheStatus

__all__ = ["Items", "Judge", "SplitAnswer", "item_entries", "split_answer"]


class Judge(NamedTuple):
    """The decisions that hold for items as for whole requests: may they be looked up, may an entry answer, may one replace an error.

    They are defined in ``inference``.
    """

    target_bypass_reason: Callable[[Request, str | None, Plan, list[Rule]], str | None]
    why_body_bypasses: Callable[[str | None, Body, Rule | None, Plan], str | None]
    reuse_of: Callable[[Entry, Plan, Rule | None, float], Reuse | None]
    stale_reuse: Callable[[Entry | None, Plan, Rule | None, float, int], Reuse | None]


class _Known(NamedTuple):
    """An item that is stored. ``reuse``: that of its entry."""

    reuse: Reuse
    envelope: Envelope
    piece: Piece


class SplitAnswer(NamedTuple):
    """The answer split into its items, or the ``reason`` why none of it is stored; and the usage."""

    answer: ItemAnswer
    usage: Usage | None = None
    reason: str | None = None


_NOTHING = ItemAnswer((), ())


def split_answer(batch: ItemBatch, head: Head, body: bytes, count: int) -> SplitAnswer:
    """Return the answer split into ``count`` items. ``head``: one that may be stored."""
    if is_event_stream(head.fields):
        return SplitAnswer(_NOTHING, None, "stream")
    parsed = parse_answer(head, body)
    reason = answer_refusal_reason(parsed, body, "embeddings") or (None if isinstance(parsed, dict) else "malformed")
    if reason is not None:
        return SplitAnswer(_NOTHING, usage_of(parsed), reason)
    answer = read_answer(batch.shape.answer, body, count)
    return SplitAnswer(_NOTHING, usage_of(parsed), answer) if isinstance(answer, str) else SplitAnswer(answer, usage_of(parsed))


def item_entries(
    batch: ItemBatch, keys: Sequence[str], found: SplitAnswer, recording: Recording, now: float, seconds: float, places: Sequence[int] = ()
) -> list[Entry]:
    """Return the entries of the items in an answer; of a repeated key, the first.

    ``keys``: in the order of the answer. ``places``: the index of each item in the request, if the order differs.
    ``recording``: what all items have in common. ``seconds``: how long upstream took for all, divided equally. Usage is stored only with
    the entry of a single item.
    """
    envelope, pieces = found.answer
    alone = len(keys) == 1
    headers = kept_headers(recording.head.pairs)
    entries: dict[str, Entry] = {}
    for key, piece, place in zip(keys, pieces, places or range(len(keys)), strict=True):
        if key in entries:
            continue
        body = batch.body_of_one(place)
        entries[key] = Entry(
            key=key,
            status=recording.head.status,
            headers=headers,
            body=compose(envelope, [piece], [envelope] if alone else []),
            stored_at=now,
            seconds=seconds / len(keys),
            http_version=recording.head.http_version,
            usage=found.usage if alone else None,
            ttl=recording.ttl,
            summary=summary_of(recording._replace(request_body=body)),
            request_body=canonical_text(body),
        )
    return list(entries.values())


class Items:
    """The items of one request. ``places``: the index of the first occurrence of each distinct key."""

    def __init__(
        self, request: Request, batch: ItemBatch, model: str | None, plan: Plan, rule: Rule | None, now: float, judge: Judge
    ) -> None:
        self.batch = batch
        self.plan = plan
        self._request, self.model, self._rule, self._now, self._judge = request, model, rule, now, judge
        bodies = map(batch.body_of_one, range(len(batch.items)))
        self.keys = [key_of(request, body, plan.key, plan.namespace, plan.sample) for body in bodies]
        self.places: dict[str, int] = {}
        for place, key in enumerate(self.keys):
            self.places.setdefault(key, place)
        self.is_admitted = False  # has the call reserved what it may cost?
        self._known: dict[str, _Known] = {}
        self._stale: dict[str, _Known] = {}
        self._pieces: dict[str, Piece] = {}
        self._envelopes: list[Envelope] = []  # of the answers received so far
        self._billed: list[Usage | None] = []
        self._head: Head | None = None  # of the last answer
        self._reason: str | None = None  # why some of it is not stored

    # -- what the store has -------------------------------------------------------------------------------------------

    def add_found(self, entries: Mapping[str, Entry]) -> None:
        """Add the stored entries. If their vectors differ in model or length, none is used, since they are not comparable."""
        reader = ItemReader(self.batch.shape.answer)
        for key, entry in entries.items():
            answer = reader.read(entry.body)
            if isinstance(answer, str):
                continue
            known, reuse = self._known, self._reuse_of(entry)
            if reuse is None:
                known, reuse = self._stale, self._stale_reuse(entry, 599)
            known[key] = _Known(reuse or Reuse(entry, CacheStatus(), 0.0), answer.envelope, answer.pieces[0])
            if known is self._known:
                self._pieces[key] = answer.pieces[0]
        if not self.agrees(self._pieces.values()):
            for key in self._known:
                self._pieces.pop(key, None)
            self._known.clear()

    def agrees(self, pieces: Iterable[Piece]) -> bool:
        """Return whether these pieces are comparable with each other and with those added so far."""
        return len({piece.likeness for piece in (*self._pieces.values(), *pieces)}) < 2

    @property
    def missing(self) -> list[str]:
        """The keys of the items that have no piece yet."""
        return [key for key in self.places if key not in self._pieces]

    def places_of(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the index in the request of each of these keys."""
        return {key: self.places[key] for key in keys}

    def _reuse_of(self, entry: Entry) -> Reuse | None:
        return self._judge.reuse_of(entry, self.plan, self._rule, self._now)

    def _stale_reuse(self, entry: Entry, code: int) -> Reuse | None:
        return self._judge.stale_reuse(entry, self.plan, self._rule, self._now, code)

    # -- what upstream sends ------------------------------------------------------------------------------------------

    @property
    def is_sent(self) -> bool:
        """Whether upstream has answered, and its answer counts."""
        return self._head is not None

    def read(self, head: Head, body: bytes, keys: Sequence[str]) -> SplitAnswer:
        """Return the answer split into the items of these keys; with a reason if it does not match what was added so far."""
        found = split_answer(self.batch, head, body, len(keys))
        self._billed.append(found.usage)
        return found if found.reason or self.agrees(found.answer.pieces) else found._replace(reason=LENGTH)

    def add_answer(self, head: Head, found: SplitAnswer, keys: Sequence[str]) -> None:
        """Add the answer for these keys. Of a repeated key, the first piece counts."""
        self._head = head
        self._envelopes.append(found.answer.envelope)
        for key, piece in zip(reversed(keys), reversed(found.answer.pieces), strict=True):
            self._pieces[key] = piece

    def entries_of(self, found: SplitAnswer, head: Head, keys: Sequence[str], now: float) -> tuple[Entry, ...]:
        """Return the entries of the items of these keys. ``now``: when the answer was whole (seconds since the epoch)."""
        body = self.batch.body_of_one(0)
        recording = Recording(
            "", head, self._request, "embeddings", self.model, body, self.plan.max_body, self.plan.call_ttl, self.plan.namespace,
            self.plan.sample, headers=self.plan.key.headers,
        )  # fmt: skip
        places = [self.places[key] for key in keys]
        return tuple(item_entries(self.batch, keys, found, recording, now, max(0.0, now - self._now), places))

    def note_unstored(self, reason: str | None) -> None:
        """Remember why some of what was received is not stored; the first reason counts."""
        self._reason = self._reason or reason

    def forget_known(self) -> None:
        """Forget everything from the store, since it is not comparable with what upstream sends now."""
        self._known.clear()
        self._pieces.clear()

    # -- the end ------------------------------------------------------------------------------------------------------

    @property
    def _fwd(self) -> Literal["request", "partial", "stale", "miss"]:
        """Return why the request goes upstream (RFC 9211): ``partial`` if the store has only some of the items."""
        if self.plan.skips_lookup:
            return "request"
        return "partial" if self._known else "stale" if self._stale else "miss"

    def status(self, reason: str | None = None, fwd_status: int | None = None, *, stored: bool = False) -> CacheStatus:
        """Return the status of a request that was sent, or would have been."""
        fwd, key = self._fwd, self.keys[0] if len(self.places) == 1 else None
        detail = reason or (None if fwd != "request" else "refresh" if self.plan.mode == "refresh" else "no-cache")
        reused = sum(key in self._known for key in self.keys)
        return CacheStatus(fwd=fwd, fwd_status=fwd_status, stored=stored, key=key, detail=detail, items=len(self.keys), items_reused=reused)

    def reused(self) -> Reuse:
        """Return the answer made from the store alone."""
        return self._reuse(self._known)

    def reused_if_stale(self, code: int) -> Reuse | None:
        """Return the answer made from the store, with stale items, in place of an upstream error; None if it cannot or may not be made."""
        allowed = {key: known for key, known in self._stale.items() if self._stale_reuse(known.reuse.entry, code)}
        if not self.places.keys() <= allowed.keys() | self._known.keys():
            return None
        known = {**allowed, **self._known}
        return self._reuse(known) if len({each.piece.likeness for each in known.values()}) == 1 else None

    def _reuse(self, known: Mapping[str, _Known]) -> Reuse:
        items = [known[key] for key in self.places]
        entries = [item.reuse.entry for item in items]
        oldest = max(items, key=lambda item: item.reuse.age)
        left = [item.reuse.status.ttl for item in items if item.reuse.status.ttl is not None]
        detail = next((item.reuse.status.detail for item in items if item.reuse.status.detail), None)
        entry = entries[0]._replace(
            body=compose(items[0].envelope, [known[key].piece for key in self.keys], []),
            stored_at=oldest.reuse.entry.stored_at,
            seconds=sum(entry.seconds for entry in entries),
            usage=_total([entry.usage for entry in entries]),
        )
        key = entry.key if len(items) == 1 else None
        status = CacheStatus(
            hit=True, ttl=min(left, default=None), key=key, detail=detail, items=len(self.keys), items_reused=len(self.keys)
        )
        return Reuse(entry, status, oldest.reuse.age, keys=tuple(self.places))

    def collapsed(self) -> Reuse:
        """Return the answer whose missing items other calls have stored."""
        reuse = self.reused()
        status = self.status()
        return reuse._replace(status=CacheStatus(fwd="miss", collapsed=True, key=status.key, items=status.items, items_reused=status.items))

    def relayed(self) -> Relay:
        """Return the answer made from the store and upstream together."""
        body = compose(self._envelopes[-1], [self._pieces[key] for key in self.keys], self._envelopes)
        return self.as_sent()._replace(body=body)

    def as_sent(self) -> Relay:
        """Return upstream's own answer, which covers all items."""
        assert self._head is not None, "something was sent"
        status = self.status(self._reason, self._head.status, stored=self._reason is None)
        return Relay(status, None, self.model, usage=_total(self._billed), keys=tuple(self.places))

    def refused(self, reason: str, head: Head) -> Relay:
        """Return upstream's answer, none of which is stored."""
        return Relay(self.status(reason, head.status), None, self.model, usage=_total(self._billed))


def _total(usages: Iterable[Usage | None]) -> Usage | None:
    """Return the sum of the known counts; None if none is known."""
    known = [usage for usage in usages if usage is not None]
    return Usage(*map(sum, zip(*known, strict=True))) if known else None
