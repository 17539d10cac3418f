"""What a change makes invalid, played by hand."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tests.core.play import ask, entry, head, play
from wirecache._core import codec
from wirecache._core.flows.effects import Discard, Effect, Lookup, ReadClock, Save
from wirecache._core.flows.invalidation import changed_since, invalidate_changed, is_mark, may_change, stored_mark
from wirecache._core.keys.keys import changed_mark_key, http_key, stored_mark_key
from wirecache._core.rules.plan import Mode, Plan

URL = "https://h.example/v1/things"
PLAN = Plan()


def looked_up(method: str, headers: dict[str, str], status: int = 200) -> list[str]:
    """Return the keys of the marks that a request of that method looks for."""
    found = []
    if may_change(ask(URL, method), PLAN):
        for effect in invalidate_changed(ask(URL, method), PLAN, head(status, headers)):  # answered with None: there is no mark
            assert isinstance(effect, Lookup)
            found.append(effect.key)
    return found


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "MKCOL", "XYZ"])
def test_a_method_that_may_change_something(method: str) -> None:
    assert looked_up(method, {}) == [stored_mark_key(ask(URL))]
    assert looked_up(method, {}, status=404) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "SEARCH", "QUERY"])
def test_a_safe_method(method: str) -> None:
    assert looked_up(method, {}) == []


def test_a_cache_that_is_off_changes_nothing() -> None:
    assert not may_change(ask(URL), Plan(mode=Mode.OFF))


@pytest.mark.parametrize(
    ("value", "url"),
    [
        pytest.param("things/1", "https://h.example/v1/things/1", id="relative"),
        pytest.param("/x?a=1#f", "https://h.example/x?a=1", id="absolute path"),
        pytest.param("https://H.example:443/x", "https://h.example/x", id="same origin"),
        pytest.param("http://h.example/x", None, id="another scheme"),
        pytest.param("https://other.example/x", None, id="another host"),
        pytest.param("https://h.example:8443/x", None, id="another port"),
        pytest.param("https://[", None, id="no URL"),
    ],
)
@pytest.mark.parametrize("name", ["location", "content-location"])
def test_what_the_answer_names(name: str, value: str, url: str | None) -> None:
    others = [] if url is None else [stored_mark_key(ask(url))]
    assert looked_up("POST", {name: value}) == [stored_mark_key(ask(URL)), *others]


@pytest.mark.parametrize(("stored_at", "is_changed"), [(999.0, True), (1000.0, True), (1000.5, False)])
def test_what_is_older_than_the_change(stored_at: float, is_changed: bool) -> None:
    def flow() -> Generator[Effect, Any, Any]:
        return (yield from changed_since(ask(URL), entry(stored_at=stored_at), ""))

    assert play(flow(), entry(stored_at=1000.0)).outcome is is_changed
    assert play(flow(), None).outcome is False


def test_a_mark_is_kept_as_an_entry_is_and_is_none() -> None:
    mark = stored_mark(ask(URL + "?key=s3cr3t", headers={"authorization": "s3cr3t"}), "", 1000.0)
    assert codec.decode(mark.key, codec.encode(mark)) == mark
    assert b"s3cr3t" not in codec.encode(mark)
    assert is_mark(mark)
    assert not is_mark(entry())
    assert mark.key == stored_mark(ask(URL, "GET"), "", 2000.0).key != stored_mark(ask(URL, "GET"), "other", 1000.0).key


def test_a_change_of_what_is_stored_is_marked_and_the_callers_own_answers_are_dropped() -> None:
    flow = invalidate_changed(ask(URL, "DELETE"), PLAN, head(200, {}))
    assert next(flow) == Lookup(stored_mark_key(ask(URL)))
    assert flow.send(entry()) == ReadClock()
    saved = flow.send(2000.0)
    assert isinstance(saved, Save)
    assert (saved.entry.key, saved.entry.stored_at) == (changed_mark_key(ask(URL)), 2000.0)
    assert flow.send(None) == Discard(http_key(ask(URL, "GET")))
    assert flow.send(None) == Discard(http_key(ask(URL, "HEAD")))
    with pytest.raises(StopIteration):
        flow.send(None)


def test_a_location_is_resolved_against_an_address_and_a_port() -> None:
    url = "http://[::1]:8000/v1/things"
    effects = list(invalidate_changed(ask(url), PLAN, head(201, {"location": "things/1"})))
    assert effects == [Lookup(stored_mark_key(ask(url))), Lookup(stored_mark_key(ask(url + "/1")))]
