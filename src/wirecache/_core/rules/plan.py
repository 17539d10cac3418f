"""The plan: the settings in force for a call, which are the cache's overridden by the call's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from wirecache._core.keys.keys import DEFAULT_KEY, KeyOptions, request_from
from wirecache._core.messages import Entry, Request
from wirecache._core.rules.freshness import cache_control, parse_ttl, ttl_left
from wirecache._core.rules.record_modes import CassettePlan, RecordMode
from wirecache._core.rules.rules import Rule, rule_for_model, rules_for
from wirecache._core.unset import UNSET, Ttl

__all__ = [
    "MAX_BODY",
    "OPTION_FIELDS",
    "CallOptions",
    "Directives",
    "Embeddings",
    "Mode",
    "Plan",
    "Streams",
    "cassette_in_force",
    "for_call",
    "inner_namespace",
    "is_fresh",
    "parse_options",
    "time_left",
    "ttl_in_force",
]

NESTED = "\x1f"  # separates a namespace from the one nested in it (ASCII's unit separator; not allowed in given names)
MAX_BODY = 64 * 1024 * 1024  # bytes; larger bodies pass through unbuffered and unstored


class Mode(StrEnum):
    """Whether the store may answer, and whether a request may be sent.

    | mode | fresh entry | stale entry | no entry |
    |---|---|---|---|
    | ``auto`` | reuse | forward, store | forward, store |
    | ``offline`` | reuse | reuse | refuse |
    | ``refresh`` | forward, store | forward, store | forward, store |
    | ``off`` | forward | forward | forward |
    """

    AUTO = "auto"
    OFFLINE = "offline"
    REFRESH = "refresh"
    OFF = "off"


class Streams(StrEnum):
    """What happens to streams. ``bypass``: they are relayed, not stored. ``record``: they are relayed, and stored with their timing."""

    BYPASS = "bypass"
    RECORD = "record"


class Embeddings(StrEnum):
    """How requests for embeddings are looked up. ``request``: the list of inputs as a whole. ``items``: each input by itself."""

    REQUEST = "request"
    ITEMS = "items"


class Directives(NamedTuple):
    """What the ``Cache-Control`` of a request requires (RFC 9111 section 5.2.1). Times in seconds; ``max_stale`` may be infinite."""

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    max_stale: float = 0.0
    min_fresh: float = 0.0


NO_DIRECTIVES = Directives()


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The options of one call. Options that were not given are None (``UNSET`` for the ttl, where None means never expiring)."""

    ttl: Ttl = UNSET
    mode: Mode | None = None
    namespace: str | None = None
    sample: int | None = None
    streams: Streams | None = None

    def within(self, outer: CallOptions) -> CallOptions:
        """Return these options, with those not given taken from an outer block; namespaces nest."""
        return CallOptions(
            outer.ttl if self.ttl is UNSET else self.ttl,
            self.mode or outer.mode,
            _nested(outer.namespace, self.namespace),
            outer.sample if self.sample is None else self.sample,
            self.streams or outer.streams,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings in force. Times in seconds; A ttl of None: never expires. ``call_ttl``: the ttl of this one call, or ``UNSET``."""

    mode: Mode = Mode.AUTO
    ttl: float | None = 604800.0
    namespace: str = ""
    key: KeyOptions = DEFAULT_KEY
    max_body: int = MAX_BODY
    rules: tuple[Rule, ...] = ()
    keep_stale: float | None = 2592000.0  # how long past its ttl the store keeps an entry
    stale_if_error: float = 0.0
    streams: Streams = Streams.BYPASS
    collapse: bool = True
    collapse_shared: bool = False  # among all processes on the store
    sample: int = 0
    call_ttl: Ttl = UNSET
    directives: Directives = NO_DIRECTIVES
    header_options: bool = True  # may headers of a request set options?
    status_header: bool = True
    miss: Literal["respond", "raise"] = "respond"
    replay_speed: float = 0.0
    embeddings: Embeddings = Embeddings.REQUEST
    cassette: CassettePlan | None = None
    heuristics: bool = False  # may a GET's lifetime be estimated from its Last-Modified?
    is_budgeted: bool = False  # is there a budget?

    @property
    def skips_lookup(self) -> bool:
        """Whether this call only writes to the store and never reads from it."""
        return self.mode is Mode.REFRESH or self.directives.no_cache


def cassette_in_force(plan: Plan) -> CassettePlan:
    """Return the cassette's plan for this call. Offline nothing is sent, whatever the record mode, not even to verify."""
    cassette = plan.cassette
    assert cassette is not None, "a cassette's plan has a cassette"
    if plan.mode is not Mode.OFFLINE and not plan.directives.only_if_cached:
        return cassette
    how = f'turn offline mode off (mode="offline", WIRECACHE_MODE, only-if-cached), and {cassette.how_to_record}'
    return cassette._replace(record_mode=RecordMode.NONE, verify=False, fork=None, how_to_record=how)


def ttl_in_force(plan: Plan, rule: Rule | None) -> float | None:
    """Return how long entries are fresh, in seconds: the call's own ttl, else the rule's, else the cache's. None for ever."""
    for ttl in (plan.call_ttl, rule.ttl_seconds if rule else UNSET):
        if ttl is not UNSET:
            return ttl
    return plan.ttl


def time_left(entry: Entry, plan: Plan, now: float) -> float | None:
    """Return for how many seconds the entry is still fresh, by its own ttl, its rule's, or the cache's; None for ever."""
    rule = None
    if plan.rules:
        request = entry.request
        rule = rule_for_model(rules_for(plan.rules, request_from(request.method, request.url)), request.model)
    return ttl_left(entry, ttl_in_force(plan, rule), now)


def is_fresh(entry: Entry, plan: Plan, now: float) -> bool:
    """Return whether the entry is within its ttl: its own, its rule's, or the cache's."""
    left = time_left(entry, plan, now)
    return left is None or left > 0


# Request headers that carry options for one call, removed before the request is sent.
OPTION_FIELDS = {b"wirecache-ttl": "ttl", b"wirecache-namespace": "namespace", b"wirecache-sample": "sample"}
_NAMES = frozenset(field.name for field in fields(CallOptions))
_CHOICES: dict[str, type[StrEnum]] = {"mode": Mode, "streams": Streams}


def _nested(outer: str | None, inner: str | None) -> str | None:
    """Return the inner namespace nested in the outer one; either may be missing. Different pairs give different names."""
    return f"{outer}{NESTED}{inner}" if outer and inner else inner or outer


def inner_namespace(outer: str, whole: str) -> str | None:
    """Return the inner namespace that gives ``whole`` within ``outer``: None if they are equal, ``whole`` if it is not within ``outer``."""
    return None if whole == outer else whole.removeprefix(f"{outer}{NESTED}" if outer else "")


def parse_options(given: Mapping[str, Any], where: str = "") -> CallOptions:
    """Return the validated options of one call. Raises ``ValueError``; ``where`` is put before the option's name in the message."""
    if unknown := given.keys() - _NAMES:
        raise ValueError(f"{where}options must be among {', '.join(sorted(_NAMES))}, got {sorted(unknown)[0]!r}")
    found: dict[str, Any] = dict(given)
    if "ttl" in found:
        found["ttl"] = parse_ttl(found["ttl"], f"{where}ttl")
    for name, kind in _CHOICES.items():
        if found.get(name) is not None:
            if found[name] not in tuple(kind):
                raise ValueError(f"{where}{name} must be one of {', '.join(kind)}, got {found[name]!r}")
            found[name] = kind(found[name])
    if found.get("sample") is not None:
        if not re.fullmatch(r"\d{1,18}", str(found["sample"])):
            raise ValueError(f"{where}sample must be 0, 1, 2, ..., got {found['sample']!r}")
        found["sample"] = int(found["sample"])
    _check_namespace(found.get("namespace"), where)
    return CallOptions(**found)


def _check_namespace(namespace: Any, where: str) -> None:
    if not isinstance(namespace, str | None):
        raise ValueError(f"{where}namespace must be a str, got {namespace!r}")
    if namespace and NESTED in namespace:
        raise ValueError(f"{where}namespace must not contain {NESTED!r}, got {namespace!r}")


def for_call(plan: Plan, request: Request, context: CallOptions | None, extension: Any) -> Plan:
    """Return the plan for one request: its headers win, then its extension, the context, the cache. ``ValueError`` as ``parse_options``."""
    call: CallOptions | None = None
    if extension is not None:
        if not isinstance(extension, Mapping):
            raise ValueError(f'extensions["wirecache"] must be a dict of options, got {extension!r}')
        call = parse_options(extension, 'extensions["wirecache"]: ')
    if plan.header_options and (names := OPTION_FIELDS.keys() & request.fields.keys()):
        headers = {OPTION_FIELDS[name]: request.fields[name].decode("latin-1") for name in names}
        options = parse_options(headers, "header Wirecache-")
        call = replace(options.within(call), namespace=options.namespace or call.namespace) if call else options
    chosen = call.within(context) if call and context else call or context
    control = request.fields.get(b"cache-control") if plan.header_options else None
    if chosen is None and control is None:
        return plan
    chosen = chosen or CallOptions()
    directives, on_error = _directives(control) if control else (NO_DIRECTIVES, None)
    return replace(
        plan,
        mode=chosen.mode or plan.mode,
        namespace=_nested(plan.namespace, chosen.namespace) or "",
        sample=chosen.sample or 0,
        call_ttl=chosen.ttl,
        streams=chosen.streams or plan.streams,
        directives=directives,
        stale_if_error=plan.stale_if_error if on_error is None else on_error,
    )


def _directives(control: bytes) -> tuple[Directives, float | None]:
    """Return the directives of a request, and its ``stale-if-error`` in seconds."""
    found = cache_control(control)
    seconds = {name: float(value) for name, value in found.items() if value.isdigit()}
    max_age = seconds.get(b"max-age", 0.0) if b"max-age" in found else None  # an invalid one counts as 0, to be on the safe side
    max_stale = float("inf") if found.get(b"max-stale") == b"" else seconds.get(b"max-stale", 0.0)
    directives = Directives(
        b"no-store" in found,
        b"no-cache" in found,
        b"only-if-cached" in found,
        max_age,
        max_stale,
        seconds.get(b"min-fresh", 0.0),
    )
    return directives, seconds.get(b"stale-if-error")
