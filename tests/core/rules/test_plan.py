from __future__ import annotations

from typing import Any

import pytest

from tests.core.play import entry
from wirecache._core.messages import Request
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.rules.plan import (
    CallOptions,
    Directives,
    Mode,
    Plan,
    Streams,
    cassette_in_force,
    for_call,
    inner_namespace,
    is_fresh,
    parse_options,
    time_left,
    ttl_in_force,
)
from wirecache._core.rules.record_modes import CassettePlan, RecordMode
from wirecache._core.rules.rules import Rule

PLAN = Plan(ttl=100.0, namespace="cache", stale_if_error=5.0)


def request(**fields: str) -> Request:
    named = {name.replace("_", "-").lower().encode(): value.encode() for name, value in fields.items()}
    return Request("POST", "https", "h", None, b"/", b"", named)


def test_a_call_without_options_has_the_plan_of_the_cache() -> None:
    assert for_call(PLAN, request(), None, None) is PLAN


def test_options_complete_those_of_an_outer_block() -> None:
    outer = CallOptions(ttl=5.0, streams=Streams.RECORD)
    assert CallOptions().within(outer) == outer
    assert CallOptions(ttl=None, streams=Streams.BYPASS).within(outer) == CallOptions(ttl=None, streams=Streams.BYPASS)


def test_streams_are_the_calls_own_or_the_caches() -> None:
    plan = Plan(streams=Streams.RECORD)
    assert for_call(plan, request(wirecache_ttl="1"), None, None).streams is Streams.RECORD
    assert for_call(plan, request(), None, {"streams": "bypass"}).streams is Streams.BYPASS


def test_what_is_not_given_is_as_without_options() -> None:
    made = for_call(Plan(), request(cache_control="min-fresh=7"), None, None)
    assert (made.namespace, made.sample, made.directives) == ("", 0, Directives(min_fresh=7.0))
    plan = Plan(header_options=False)
    assert for_call(plan, request(cache_control="no-store"), None, None) is plan


def test_a_wrong_option_is_named_with_where_it_stands() -> None:
    with pytest.raises(ValueError, match=r'^extensions\["wirecache"\]: ttl must be'):
        for_call(PLAN, request(), None, {"ttl": "soon"})
    with pytest.raises(ValueError, match=r"^header Wirecache-ttl must be"):
        for_call(PLAN, request(wirecache_ttl="soon"), None, None)
    with pytest.raises(ValueError, match=r"^ttl must be"):
        parse_options({"ttl": "soon"})


def test_offline_no_fork_is_recorded() -> None:
    cassette = CassettePlan(RecordMode.ONCE, True, DEFAULT, "name", "record", fork=("elsewhere",))  # type: ignore[arg-type]
    assert cassette_in_force(Plan(cassette=cassette, mode=Mode.OFFLINE)).fork is None


def test_the_nearest_wins() -> None:
    context = CallOptions(ttl=1.0, namespace="context", sample=1, mode=Mode.OFF)
    extension = {"ttl": "2s", "namespace": "extension", "sample": 2}
    headers = request(Wirecache_TTL="3s", Wirecache_Namespace="header")
    plan = for_call(PLAN, request(), context, None)
    assert (plan.call_ttl, plan.namespace, plan.sample, plan.mode) == (1.0, "cache\x1fcontext", 1, Mode.OFF)
    plan = for_call(PLAN, request(), context, extension)
    assert (plan.call_ttl, plan.namespace, plan.sample, plan.mode) == (2.0, "cache\x1fcontext\x1fextension", 2, Mode.OFF)
    plan = for_call(PLAN, headers, context, extension)
    assert (plan.call_ttl, plan.namespace, plan.sample, plan.mode) == (3.0, "cache\x1fcontext\x1fheader", 2, Mode.OFF)


def test_for_ever_and_empty_are_values_too() -> None:
    plan = for_call(PLAN, request(Wirecache_TTL="never", Wirecache_Namespace=""), CallOptions(ttl=1.0, namespace="context"), None)
    assert plan.call_ttl is None
    assert plan.namespace == "cache\x1fcontext"  # no call leaves the namespace of its block


@pytest.mark.parametrize(
    ("control", "directives", "on_error"),
    [
        pytest.param("no-store", Directives(no_store=True), 5.0, id="no-store"),
        pytest.param("NO-CACHE", Directives(no_cache=True), 5.0, id="capitals"),
        pytest.param("only-if-cached, max-age=7", Directives(only_if_cached=True, max_age=7.0), 5.0, id="two"),
        pytest.param('max-age="7"', Directives(max_age=7.0), 5.0, id="quoted"),
        pytest.param("max-stale", Directives(max_stale=float("inf")), 5.0, id="any staleness"),
        pytest.param("max-stale=9", Directives(max_stale=9.0), 5.0, id="some staleness"),
        *(
            pytest.param(
                f"max-stale={odd}",
                Directives(),
                5.0,
                id=f"max-stale={odd}",
            )
            for odd in ("-1", "1.5", "soon")
        ),
        pytest.param("stale-if-error=0", Directives(), 0.0, id="stale-if-error"),
        pytest.param("min-fresh=soon, no-transform, , x=y", Directives(), 5.0, id="what is unknown or wrong is passed over"),
        *(pytest.param(odd, Directives(max_age=0.0), 5.0, id=odd) for odd in ("max-age=soon", "max-age = 60", "max-age")),
    ],
)
def test_directives(control: str, directives: Directives, on_error: float) -> None:
    plan = for_call(PLAN, request(Cache_Control=control), None, None)
    assert plan.directives == directives
    assert plan.stale_if_error == on_error


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"ttl": "soon"}, "x: ttl must be seconds, a timedelta", id="ttl"),
        pytest.param({"ttl": -1}, "x: ttl must be seconds, a timedelta", id="negative ttl"),
        pytest.param({"mode": "on"}, "x: mode must be one of auto, offline, refresh, off, got 'on'", id="mode"),
        pytest.param({"sample": "first"}, "x: sample must be 0, 1, 2, ..., got 'first'", id="sample"),
        pytest.param({"sample": 1.5}, "x: sample must be 0, 1, 2, ..., got 1.5", id="half a sample"),
        pytest.param({"namespace": 7}, "x: namespace must be a str, got 7", id="namespace"),
        pytest.param({"namespace": "a\x1fb"}, r"x: namespace must not contain '\\x1f', got 'a\\x1fb'", id="a separator"),
        pytest.param({"tll": 1}, "x: options must be among mode, namespace, sample, streams, ttl, got 'tll'", id="unknown"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        parse_options(given, "x: ")


def test_an_extension_is_a_dict() -> None:
    with pytest.raises(ValueError, match="must be a dict of options"):
        for_call(PLAN, request(), None, "1h")


def test_what_skips_the_lookup() -> None:
    assert [plan.skips_lookup for plan in (Plan(), Plan(mode=Mode.REFRESH), Plan(directives=Directives(no_cache=True)))] == [
        False,
        True,
        True,
    ]


def test_offline_no_cassette_sends_anything() -> None:
    cassette = CassettePlan(RecordMode.ALL, True, DEFAULT, "tape", "run it with X", verify=True)
    assert cassette_in_force(Plan(cassette=cassette)) is cassette
    for plan in (Plan(cassette=cassette, mode=Mode.OFFLINE), Plan(cassette=cassette, directives=Directives(only_if_cached=True))):
        offline = cassette_in_force(plan)
        assert (offline.record_mode, offline.verify, offline.fork, offline.name) == (RecordMode.NONE, False, None, "tape")
        assert offline.how_to_record.startswith("turn offline mode off")
        assert offline.how_to_record.endswith(", and run it with X")


@pytest.mark.parametrize(
    ("plan", "rule", "ttl"),
    [
        (Plan(ttl=1.0), None, 1.0),
        (Plan(ttl=1.0), Rule(), 1.0),
        (Plan(ttl=1.0), Rule(ttl=2), 2.0),
        (Plan(ttl=1.0), Rule(ttl=None), None),
        (Plan(ttl=1.0, call_ttl=3.0), Rule(ttl=2), 3.0),
        (Plan(ttl=1.0, call_ttl=None), Rule(ttl=2), None),
    ],
)
def test_which_ttl_is_in_force(plan: Plan, rule: Rule | None, ttl: float | None) -> None:
    assert ttl_in_force(plan, rule) == ttl


def test_how_long_an_entry_is_fresh() -> None:
    made = entry()  # of a chat of model m, stored at second 1000
    assert time_left(made, Plan(ttl=60.0), 1010.0) == 50.0
    assert time_left(made, Plan(ttl=None), 1010.0) is None
    assert time_left(made, Plan(ttl=60.0, rules=(Rule(model="m", ttl=5), Rule(ttl=1))), 1010.0) == -5.0
    assert time_left(made, Plan(ttl=60.0, rules=(Rule(model="n", ttl=5),)), 1010.0) == 50.0
    assert [is_fresh(made, Plan(ttl=ttl), 1010.0) for ttl in (None, 11.0, 10.0, 9.0)] == [True, True, False, False]


def test_a_choice_may_be_a_text() -> None:
    assert parse_options({"mode": "offline", "streams": "record", "sample": "2"}) == CallOptions(
        mode=Mode.OFFLINE, streams=Streams.RECORD, sample=2
    )


@pytest.mark.parametrize(
    ("outer", "whole", "inner"),
    [
        ("", "", None),
        ("cache", "cache", None),
        ("", "block", "block"),
        ("cache", "cache\x1fblock", "block"),
        ("cache", "cache\x1fblock\x1fheader", "block\x1fheader"),
        ("cache", "caches", "caches"),
    ],
)
def test_the_namespace_within_another_one(outer: str, whole: str, inner: str | None) -> None:
    assert inner_namespace(outer, whole) == inner
