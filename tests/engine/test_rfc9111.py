"""HTTP's own rules for GET and HEAD, played by hand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest

from tests.core.play import ask, fields_of, head, play
from wirecache._core.flows.effects import Discard, Forward, Lookup, ReadClock, Refuse, Relay, Reuse, Save
from wirecache._core.flows.invalidation import invalidate_changed, is_mark
from wirecache._core.keys.keys import changed_mark_key, http_key, stored_mark_key, variant_key
from wirecache._core.messages import Entry, Head, Request
from wirecache._core.rules.plan import Mode, Plan, for_call
from wirecache._core.rules.preconditions import MET_HERE
from wirecache._core.status import CacheStatus
from wirecache._engine.rfc9111 import http_flow

URL = "https://api.openai.com/v1/models"
NOW = float(int(time.time()))
GET = ask(URL, "GET", {"authorization": "Bearer a"})
AUTO, OFFLINE, REFRESH, OFF = (Plan(mode=mode) for mode in (Mode.AUTO, Mode.OFFLINE, Mode.REFRESH, Mode.OFF))
TAG = {"cache-control": "max-age=60", "etag": '"1"'}
LENGTH = (b"content-length", b"3")


def key_of(request: Request) -> str:
    flow = http_flow(request, AUTO, NOW)
    effect = next(flow)
    if request.method == "HEAD":  # which asks for a GET's entry first
        effect = flow.send(None)
    assert isinstance(effect, Lookup)
    return effect.key


def date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


def planned(request: Request, plan: Plan = AUTO) -> Plan:
    """The plan of a call: what its own headers say lies over the cache's."""
    return for_call(plan, request, None, None)


def relayed(request: Request, answer: Head, *before: Any, plan: Plan = AUTO, answers_after: Sequence[Any] = ()) -> Relay:
    outcome = play(http_flow(request, planned(request, plan), NOW), *before, answer, *answers_after).outcome
    assert isinstance(outcome, Relay)
    return outcome


def stored(headers: dict[str, str], request: Request = GET, ago: float = 0.0, body: bytes = b"old") -> Entry:
    """The entry that this answer made so many seconds ago."""
    looks = [None, None] if request.method == "HEAD" else [None]  # a GET's entry answers a HEAD, too
    outcome = play(http_flow(request, planned(request), NOW), *looks, head(200, headers), *looks[1:]).outcome
    assert isinstance(outcome, Relay)
    recorder = outcome.recorder
    assert recorder is not None, "it was not stored"
    if request.method != "HEAD":
        recorder.feed(body)
    recorder.end()
    assert recorder.refusal_reason(bytes) is None
    entry = recorder.entry(NOW, 0.5)
    return entry._replace(stored_at=entry.stored_at - ago)


# -- what is stored ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"cache-control": "max-age=60"}, id="max-age"),
        pytest.param({"cache-control": "private, max-age=60"}, id="private: this cache is"),
        pytest.param({"cache-control": "public, max-age=60, must-revalidate"}, id="must-revalidate"),
        pytest.param({"expires": date(NOW + 60), "date": date(NOW)}, id="Expires"),
        pytest.param({"cache-control": "no-cache", "etag": '"1"'}, id="no-cache: to be revalidated"),
        pytest.param({"cache-control": "max-age=0", "etag": '"1"'}, id="max-age=0: to be revalidated"),
        pytest.param({"cache-control": "max-age=60", "vary": "Accept"}, id="Vary"),
        pytest.param({"etag": '"1"'}, id="an entity tag alone: to be revalidated"),
        pytest.param({"last-modified": date(NOW - 5), "date": date(NOW)}, id="Last-Modified alone: to be revalidated"),
    ],
)
def test_stored_with_an_explicit_lifetime(headers: dict[str, str]) -> None:
    effects, outcome = play(http_flow(GET, AUTO, NOW), None, head(200, headers))
    assert effects == [Lookup(key_of(GET)), Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None
    assert outcome.status == CacheStatus(fwd="miss", fwd_status=200, key=key_of(GET))


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        pytest.param(200, {}, "not-allowed", id="nothing said"),
        pytest.param(200, {"last-modified": date(0)}, "not-allowed", id="Last-Modified without a Date"),
        pytest.param(200, {"last-modified": date(NOW), "date": date(NOW)}, "not-allowed", id="changed in this second"),
        pytest.param(500, {"etag": '"1"'}, "not-allowed", id="an error with a validator alone"),
        pytest.param(200, {"cache-control": "public"}, "not-allowed", id="public alone"),
        pytest.param(200, {"cache-control": "s-maxage=60"}, "not-allowed", id="for shared caches"),
        pytest.param(200, {"cache-control": "no-store"}, "not-allowed", id="no-store"),
        pytest.param(200, {"cache-control": "max-age=60, no-store"}, "not-allowed", id="no-store wins over max-age"),
        pytest.param(200, {"cache-control": "max-age=60", "vary": "*"}, "vary", id="Vary: *"),
        pytest.param(200, {"cache-control": "max-age=60", "vary": "Accept, *"}, "vary", id="Vary: Accept, *"),
        pytest.param(200, {"cache-control": "max-age=60", "content-type": "text/event-stream"}, "stream", id="event stream"),
        *(pytest.param(code, {"cache-control": "max-age=60"}, "not-allowed", id=str(code)) for code in (206, 304)),
    ],
)
def test_not_stored(status: int, headers: dict[str, str], reason: str) -> None:
    outcome = relayed(GET, head(status, headers), None)
    assert outcome == Relay(CacheStatus(fwd="miss", fwd_status=status, key=key_of(GET), detail=reason))


@pytest.mark.parametrize("status", [203, 301, 302, 404, 410, 429, 500, 503])
def test_errors_and_redirects_are_stored_for_as_long_as_they_say(status: int) -> None:
    assert relayed(GET, head(status, {"cache-control": "max-age=60"}), None).recorder is not None


def test_a_polled_job_is_always_forwarded() -> None:
    """As batches are answered: with a time of change, and not a word on how long that is true."""
    request = ask("https://api.openai.com/v1/batches/b", "GET")
    since = {"last-modified": date(0), "date": date(NOW)}
    found = stored(since, request)
    effects, _ = play(http_flow(request, AUTO, NOW), found, head(200, since))
    assert effects[1] == Forward({b"if-modified-since": since["last-modified"].encode()})


@pytest.mark.parametrize("directive", ["no-store", "max-age=0, no-store"])
def test_a_request_that_forbids_it_is_not_stored(directive: str) -> None:
    outcome = relayed(ask(URL, "GET", {"cache-control": directive}), head(200, TAG))
    assert outcome == Relay(CacheStatus(fwd="bypass", fwd_status=200, detail="no-store"))


def test_how_long_the_store_is_told_to_keep_it() -> None:
    assert stored({"expires": date(NOW + 60)}).ttl == pytest.approx(60, abs=2)


# -- what is reused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "ago", "left"),
    [
        pytest.param({"cache-control": "max-age=60"}, 0, 60, id="new"),
        pytest.param({"cache-control": "max-age=60"}, 50, 10, id="fresh"),
        pytest.param({"cache-control": "max-age=60", "date": date(NOW - 20)}, 10, 40, id="its Date is older"),
        pytest.param({"cache-control": "max-age=60", "date": date(NOW + 500)}, 10, 50, id="its Date is in the future"),
        pytest.param({"cache-control": "max-age=60", "age": "40"}, 10, 10, id="it came with an age"),
        pytest.param({"expires": date(NOW + 86400), "date": date(NOW)}, 0, 86400, id="Expires"),
    ],
)
def test_reused(headers: dict[str, str], ago: float, left: float) -> None:
    found = stored(headers, ago=ago)
    effects, outcome = play(http_flow(GET, AUTO, NOW), found, None)
    assert effects == [Lookup(key_of(GET)), Lookup(changed_mark_key(GET))]
    assert isinstance(outcome, Reuse)
    assert outcome.entry == found
    assert outcome.status == CacheStatus(hit=True, ttl=pytest.approx(left, abs=1), key=key_of(GET))
    assert outcome.age == pytest.approx(max(0, 60 - left), abs=1)


@pytest.mark.parametrize(
    ("headers", "ago", "asking"),
    [
        pytest.param({"cache-control": "max-age=60"}, 61, {}, id="stale"),
        pytest.param({"cache-control": "max-age=60", "age": "59"}, 2, {}, id="stale by the age it came with"),
        pytest.param({"cache-control": "no-cache"}, 0, {}, id="no-cache"),
        pytest.param({"cache-control": "no-cache, max-age=60"}, 0, {}, id="no-cache with max-age"),
        pytest.param({"cache-control": "max-age=0"}, 0, {}, id="max-age=0"),
        pytest.param({"expires": date(NOW), "date": date(NOW)}, 0, {}, id="Expires at once"),
        pytest.param({"cache-control": "max-age=60"}, 0, {"cache-control": "no-cache"}, id="the request wants it revalidated"),
        pytest.param(
            {"cache-control": "max-age=60"},
            9,
            {"cache-control": "max-age=0"},
            id="the request wants it new",
        ),
    ],
)
def test_forwarded_again(headers: dict[str, str], ago: float, asking: dict[str, str]) -> None:
    request = ask(URL, "GET", asking)
    effects, outcome = play(http_flow(request, planned(request), NOW), stored(headers, ago=ago), head(200, TAG))
    assert [type(effect) for effect in effects] == [Lookup, Forward]
    assert isinstance(outcome, Relay)
    assert outcome.status.fwd == "stale"
    assert outcome.recorder is not None


def test_a_header_in_two_lines() -> None:
    found = stored({"cache-control": "max-age=60"})
    found = found._replace(headers=((b"cache-control", b"max-age=60"), (b"cache-control", b"private")))
    outcome = play(http_flow(GET, AUTO, NOW), found, None).outcome
    assert isinstance(outcome, Reuse)
    assert outcome.status.ttl == pytest.approx(60, abs=1)


def test_the_time_is_the_one_that_is_passed_in() -> None:
    found = stored({"cache-control": "max-age=60"})._replace(stored_at=5000.0)
    assert isinstance(play(http_flow(GET, AUTO, 5010.0), found, None).outcome, Reuse)


def test_only_if_cached_never_leaves() -> None:
    request = ask(URL, "GET", {"cache-control": "only-if-cached"})
    assert isinstance(play(http_flow(request, planned(request), NOW), None).outcome, Refuse)


def test_only_if_cached_is_no_leave_to_be_stale() -> None:
    request = ask(URL, "GET", {"cache-control": "only-if-cached"})
    found = stored(TAG, ask(URL, "GET"), ago=100)
    assert isinstance(play(http_flow(request, planned(request), NOW), found).outcome, Refuse)


# -- revalidation ------------------------------------------------------------------------------------------------------

SINCE = {"last-modified": date(NOW - 5000)}


@pytest.mark.parametrize(
    ("headers", "conditions"),
    [
        pytest.param({"etag": '"1"'}, {b"if-none-match": b'"1"'}, id="entity tag"),
        pytest.param({"etag": 'W/"1"'}, {b"if-none-match": b'W/"1"'}, id="weak entity tag"),
        pytest.param(SINCE, {b"if-modified-since": SINCE["last-modified"].encode()}, id="time of change"),
        pytest.param(
            {**SINCE, "etag": '"1"'}, {b"if-none-match": b'"1"', b"if-modified-since": SINCE["last-modified"].encode()}, id="both"
        ),
        pytest.param({}, {}, id="nothing to go by"),
    ],
)
def test_conditions(headers: dict[str, str], conditions: dict[bytes, bytes]) -> None:
    effects, _ = play(http_flow(GET, AUTO, NOW), stored({"cache-control": "max-age=60", **headers}, ago=100), head(200, TAG))
    assert effects[1] == Forward(conditions)


def test_a_304_renews() -> None:
    found = stored({**TAG, "x-a": "1", "content-type": "text/plain"}, ago=100)
    fresh_headers = {"etag": '"1"', "cache-control": "max-age=90", "x-a": "2", "date": date(NOW)}
    answer = head(304, {**fresh_headers, "set-cookie": "s3cr3t", "content-encoding": "gzip", "accept-ranges": "bytes"})
    effects, outcome = play(http_flow(GET, AUTO, NOW), found, answer, True)
    assert isinstance(outcome, Reuse)
    renewed = outcome.entry
    assert effects[2] == Save(renewed)
    assert (renewed.body, renewed.stored_at, renewed.key, renewed.ttl) == (b"old", NOW, found.key, 90.0)
    assert dict(renewed.headers) == {**fields_of(fresh_headers), b"content-type": b"text/plain"}
    assert outcome.status == CacheStatus(fwd="stale", fwd_status=304, stored=True, key=found.key)
    assert outcome.live == (LENGTH, (b"set-cookie", b"s3cr3t"))
    assert isinstance(play(http_flow(GET, AUTO, NOW + 1), renewed, None).outcome, Reuse)


def test_a_304_updates_what_the_answer_is_as_well() -> None:
    found = stored({**TAG, "content-type": "text/plain", "x-a": "1", "x-b": "2"}, ago=100)
    newer = {"cache-control": 'max-age=60, no-cache="x-b"', "content-type": "text/plain;charset=utf-8"}
    outcome = play(http_flow(GET, AUTO, NOW), found, head(304, newer), True).outcome
    assert isinstance(outcome, Reuse)
    assert dict(outcome.entry.headers) == {**fields_of(newer), b"etag": b'"1"', b"x-a": b"1"}


@pytest.mark.parametrize(("newer", "reason"), [({"cache-control": "no-store"}, "not-allowed"), ({"vary": "*"}, "vary")], ids=str)
def test_what_a_304_forbids_to_keep_answers_once_more(newer: dict[str, str], reason: str) -> None:
    found = stored(TAG, ago=100)
    effects, outcome = play(http_flow(GET, AUTO, NOW), found, head(304, newer), None)
    assert effects[2:] == [Discard(found.key)]
    assert isinstance(outcome, Reuse)
    assert (outcome.entry.body, outcome.status.stored, outcome.status.detail) == (b"old", False, reason)


def test_a_304_may_say_what_else_the_answer_depends_on() -> None:
    request = ask(URL, "GET", {"accept": "text/plain", "x-lang": "en"})
    found = stored({**TAG, "vary": "Accept"}, request, ago=100)
    outcome = play(http_flow(request, AUTO, NOW), found, head(304, {"vary": "X-Lang"}), True).outcome
    assert isinstance(outcome, Reuse)
    assert isinstance(play(http_flow(request, AUTO, NOW), outcome.entry, None).outcome, Reuse)
    other = ask(URL, "GET", {"accept": "text/plain", "x-lang": "de"})
    assert isinstance(play(http_flow(other, AUTO, NOW), outcome.entry, None, head(200, TAG), None).outcome, Relay)


def test_a_lifetime_is_guessed_on_demand() -> None:
    plan, since = replace(AUTO, heuristics=True), {"last-modified": date(NOW - 1000), "date": date(NOW)}
    made = relayed(GET, head(200, since), None, plan=plan).recorder
    assert made is not None
    assert made.recording.ttl == 100
    outcome = play(http_flow(GET, plan, NOW + 99), stored(since), None).outcome
    assert isinstance(outcome, Reuse)
    assert outcome.status == CacheStatus(hit=True, ttl=1.0, key=key_of(GET))
    assert isinstance(play(http_flow(GET, plan, NOW + 100), stored(since), head(200, TAG)).outcome, Relay)


@pytest.mark.parametrize("dated", [{}, {"date": date(NOW - 100)}], ids=["no Date", "a Date"])
def test_a_304_without_a_date_renews_too(dated: dict[str, str]) -> None:
    outcome = play(http_flow(GET, AUTO, NOW), stored({**TAG, **dated}, ago=100), head(304, {"etag": '"1"'}), None).outcome
    assert isinstance(outcome, Reuse)
    assert outcome.age < 5
    assert isinstance(play(http_flow(GET, AUTO, NOW), outcome.entry, None).outcome, Reuse)


def test_a_304_for_another_tag_is_asked_again_without_conditions() -> None:
    found = stored(TAG, ago=100)
    effects, outcome = play(http_flow(GET, AUTO, NOW), found, head(304, {"etag": '"2"'}), None, head(200, TAG))
    assert effects[2:] == [Discard(found.key), Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.recorder is not None


@pytest.mark.parametrize(("status", "recorded"), [(200, True), (206, False), (404, True), (500, True)])
def test_another_answer_than_304_is_passed_on(status: int, recorded: bool) -> None:
    found = stored(TAG, ago=100)
    outcome = relayed(GET, head(status, TAG), found) if recorded else relayed(GET, head(status, TAG), found, answers_after=[None])
    assert outcome.status.header(status).startswith("wirecache; fwd=stale; key=")
    assert (outcome.recorder is not None) is recorded


def test_a_new_answer_that_may_not_be_stored_ends_the_old_one() -> None:
    request = ask(URL, "GET", {"cache-control": "no-cache"})
    effects, _ = play(
        http_flow(request, planned(request), NOW), stored(TAG, ask(URL, "GET")), head(200, {"cache-control": "no-store"}), None
    )
    assert effects[-1] == Discard(key_of(request))


@pytest.mark.parametrize("name", ["range", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"])
def test_who_validates_or_wants_a_part_is_left_alone(name: str) -> None:
    looks = [None] if name.encode() in MET_HERE else []  # a fresh entry may answer
    effects, outcome = play(http_flow(ask(URL, "GET", {name: "x"}), AUTO, NOW), *looks, head(206, TAG))
    assert effects[len(looks) :] == [Forward()]
    assert outcome == Relay(CacheStatus(fwd="bypass", fwd_status=206, detail="conditional"))


# -- one entry, one caller, one representation ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(ask(URL, "GET", {"authorization": "Bearer a"}), ask(URL, "GET", {"authorization": "Bearer b"}), id="two users"),
        pytest.param(ask(URL, "GET", {"authorization": "Bearer a"}), ask(URL, "GET"), id="a user and nobody"),
        pytest.param(ask(URL, "GET", {"x-api-key": "a"}), ask(URL, "GET", {"x-api-key": "b"}), id="two keys"),
        pytest.param(ask(URL, "GET", {"cookie": "a"}), ask(URL, "GET", {"cookie": "b"}), id="two sessions"),
        pytest.param(ask(URL + "?key=a", "GET"), ask(URL + "?key=b", "GET"), id="a key in the query"),
        pytest.param(ask(URL + "?a=1", "GET"), ask(URL + "?a=2", "GET"), id="the query"),
        pytest.param(ask(URL, "GET"), ask(URL, "HEAD"), id="the method"),
    ],
)
def test_never_shared(one: Request, other: Request) -> None:
    assert key_of(one) != key_of(other)


def test_headers_that_are_no_credentials_do_not_split_an_entry() -> None:
    agents = {"user-agent": "x", "accept": "y", "anthropic-beta": "z", "cache-control": "no-cache"}
    assert key_of(ask(URL, "GET", agents)) == key_of(ask(URL, "GET"))


@pytest.mark.parametrize("name", ["x-portkey-api-key", "private-token", "openai-organization", "helicone-target-url", "x-portkey-provider"])
def test_another_caller_or_upstream_has_another_entry(name: str) -> None:
    assert len({key_of(ask(URL, "GET", {name: value})) for value in ("a", "b")} | {key_of(ask(URL, "GET"))}) == 3


def test_a_cookie_of_an_edge_does_not_split_an_entry() -> None:
    assert key_of(ask(URL, "GET", {"cookie": "__cf_bm=1; _cfuvid=2"})) == key_of(ask(URL, "GET"))
    assert key_of(ask(URL, "GET", {"cookie": "__cf_bm=1; s=a"})) != key_of(ask(URL, "GET", {"cookie": "__cf_bm=1; s=b"}))


@pytest.mark.parametrize(
    ("vary", "first", "then", "reused"),
    [
        pytest.param("Accept", {"accept": "a"}, {"accept": "a"}, True, id="the same"),
        pytest.param("Accept", {"accept": "a"}, {"accept": "b"}, False, id="another"),
        pytest.param("Accept", {"accept": "a"}, {}, False, id="none now"),
        pytest.param("Accept", {}, {"accept": "a"}, False, id="none before"),
        pytest.param("Accept", {}, {}, True, id="none ever"),
        pytest.param("Accept", {"x": "1"}, {"x": "2"}, True, id="one that does not count"),
        pytest.param("accept , X-Lang", {"accept": "a", "x-lang": "en"}, {"accept": "a", "x-lang": "de"}, False, id="the second of two"),
        pytest.param("Authorization", {"authorization": "a"}, {"authorization": "a"}, True, id="a credential, which is in the key"),
    ],
)
def test_vary(vary: str, first: dict[str, str], then: dict[str, str], reused: bool) -> None:
    found = stored({"cache-control": "max-age=60", "vary": vary}, ask(URL, "GET", first))
    flow = http_flow(ask(URL, "GET", then), AUTO, NOW)
    outcome = play(flow, found, None, *([] if reused else [head(200, TAG), None])).outcome
    assert isinstance(outcome, Reuse) is reused


def test_the_time_of_change_of_another_representation_is_no_condition() -> None:
    found = stored({"cache-control": "max-age=60", "vary": "Accept-Language", **SINCE}, ask(URL, "GET", {"accept-language": "en"}))
    effects, _ = play(http_flow(ask(URL, "GET", {"accept-language": "de"}), AUTO, NOW), found, None, head(200, TAG), None)
    assert effects[2] == Forward()
    assert isinstance(effects[3], Save)
    assert effects[3].entry == found._replace(key=variant_key(found.key, found.request.fields))  # kept beside the new one


# -- modes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ago", "left"), [(10, 50), (100, -40)])
def test_offline_reuses_whatever_there_is(ago: float, left: float) -> None:
    found = stored(TAG, ago=ago)
    effects, outcome = play(http_flow(GET, OFFLINE, NOW), found)
    assert effects == [Lookup(found.key)]
    assert outcome == Reuse(found, CacheStatus(hit=True, ttl=left, key=found.key), ago, (LENGTH,))


def test_offline_refuses_the_rest() -> None:
    effects, outcome = play(http_flow(ask(URL + "?key=s3cr3t", "GET"), OFFLINE, NOW), None)
    assert [type(effect) for effect in effects] == [Lookup]
    assert isinstance(outcome, Refuse)
    assert (outcome.status.fwd, outcome.status.detail) == ("miss", "only-if-cached")
    assert "s3cr3t" not in outcome.message


def test_offline_minds_vary() -> None:
    found = stored({**TAG, "vary": "Accept"}, ask(URL, "GET", {"accept": "audio/mpeg"}))
    assert isinstance(play(http_flow(ask(URL, "GET", {"accept": "text/plain"}), OFFLINE, NOW), found, None).outcome, Refuse)


def test_refresh_does_not_look() -> None:
    effects, outcome = play(http_flow(GET, REFRESH, NOW), head(200, TAG))
    assert effects == [Forward()]
    assert isinstance(outcome, Relay)
    assert outcome.status == CacheStatus(fwd="request", fwd_status=200, key=key_of(GET), detail="refresh")
    assert outcome.recorder is not None


def test_refresh_ends_an_answer_that_may_no_longer_be_stored() -> None:
    effects, _ = play(http_flow(GET, REFRESH, NOW), head(200, {"cache-control": "no-store"}), stored(TAG), None)
    assert effects[-1] == Discard(key_of(GET))


def test_refresh_of_what_may_not_be_stored() -> None:
    outcome = play(http_flow(GET, REFRESH, NOW), head(200, {}), None).outcome
    assert outcome.status.detail == "not-allowed"


@pytest.mark.parametrize(
    ("bypassed", "plan", "reason"),
    [
        pytest.param(GET, OFF, "off", id="off"),
        pytest.param(ask(URL, "GET", {"upgrade": "websocket"}), AUTO, "upgrade", id="upgrade"),
        pytest.param(ask("wss://h/v1/realtime", "GET"), AUTO, "upgrade", id="websocket"),
        pytest.param(ask(URL, "GET", {"content-length": "7"}), AUTO, "body", id="a GET with a body, which its server may read"),
        pytest.param(ask(URL, "HEAD", {"transfer-encoding": "chunked"}), AUTO, "body", id="a HEAD with a body"),
    ],
)
def test_bypass(bypassed: Request, plan: Plan, reason: str) -> None:
    assert relayed(bypassed, head(101, {}), plan=plan) == Relay(CacheStatus(fwd="bypass", fwd_status=101, detail=reason))


def test_an_empty_body_is_none() -> None:
    assert relayed(ask(URL, "GET", {"content-length": "0"}), head(200, TAG), None).recorder is not None


def test_an_upgrade_does_not_leave_offline() -> None:
    assert isinstance(play(http_flow(ask("wss://h/v1/realtime", "GET"), OFFLINE, NOW)).outcome, Refuse)


def test_head_is_stored_and_reused_without_a_body() -> None:
    request = ask(URL, "HEAD")
    found = stored({**TAG, "content-length": "9000"}, request)
    assert found.body == b""
    assert isinstance(play(http_flow(request, AUTO, NOW), None, found, None).outcome, Reuse)


def test_a_head_is_answered_by_the_entry_of_a_get() -> None:
    outcome = play(http_flow(ask(URL, "HEAD", {"authorization": "Bearer a"}), AUTO, NOW), stored(TAG), None).outcome
    assert isinstance(outcome, Reuse)
    assert outcome.entry.body == b""
    assert outcome.live == (LENGTH,)


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE", "PROPPATCH", "XYZ"])
def test_an_unsafe_method_makes_the_get_of_its_url_invalid(method: str) -> None:
    request = ask(URL, method, {"authorization": "Bearer a"})
    assert http_key(request) == key_of(GET)
    is_stored, changed = stored_mark_key(GET), changed_mark_key(GET)
    mark = relayed(GET, head(200, TAG), None).recorder.recording.mark  # type: ignore[union-attr]
    assert mark is not None
    assert (mark.key, is_mark(mark)) == (is_stored, True)
    effects, _ = play(invalidate_changed(request, AUTO, head(204)), mark, NOW + 1, True, None, None)
    assert effects[:2] == [Lookup(is_stored), ReadClock()]
    assert isinstance(effects[2], Save)
    assert effects[2].entry.key == changed
    assert effects[3:] == [Discard(key_of(GET)), Discard(http_key(request._replace(method="HEAD")))]
    forwarded = play(http_flow(GET, AUTO, NOW), stored(TAG), effects[2].entry, head(200, TAG))
    assert forwarded.effects[2] == Forward({b"if-none-match": b'"1"'})
