from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.play import KEY, quick
from wirecache._core.status import CacheStatus


@pytest.mark.parametrize(
    ("status", "code", "header"),
    [
        pytest.param(CacheStatus(hit=True, ttl=3540.4, key="k"), 200, 'wirecache; hit; ttl=3540; key="k"', id="hit"),
        pytest.param(CacheStatus(hit=True, key="k"), 200, 'wirecache; hit; key="k"', id="hit for ever"),
        pytest.param(
            CacheStatus(hit=True, ttl=-12.0, detail="stale-if-error"), 200, "wirecache; hit; ttl=-12; detail=stale-if-error", id="stale hit"
        ),
        pytest.param(
            CacheStatus(fwd="miss", fwd_status=200, stored=True, key="k"), 200, 'wirecache; fwd=miss; stored; key="k"', id="miss, stored"
        ),
        pytest.param(
            CacheStatus(fwd="miss", fwd_status=500, key="k", detail="status-500"),
            500,
            'wirecache; fwd=miss; key="k"; detail=status-500',
            id="miss",
        ),
        pytest.param(
            CacheStatus(fwd="stale", fwd_status=304, stored=True), 200, "wirecache; fwd=stale; fwd-status=304; stored", id="renewed"
        ),
        pytest.param(CacheStatus(fwd="bypass", fwd_status=200, detail="stream"), 200, "wirecache; fwd=bypass; detail=stream", id="bypass"),
        pytest.param(CacheStatus(fwd="miss", collapsed=True), None, "wirecache; fwd=miss; collapsed", id="collapsed"),
        pytest.param(CacheStatus(fwd="miss", detail="only-if-cached"), 424, "wirecache; fwd=miss; detail=only-if-cached", id="refused"),
        pytest.param(CacheStatus(fwd="miss", fwd_status=200), None, "wirecache; fwd=miss; fwd-status=200", id="log line"),
        pytest.param(CacheStatus(), 200, "wirecache", id="nothing to say"),
        pytest.param(CacheStatus(hit=True, ttl=1e300), 200, "wirecache; hit", id="no integer of a header holds it"),
        pytest.param(
            CacheStatus(fwd="miss", detail='a "b" \\'), 200, 'wirecache; fwd=miss; detail="a \\"b\\" \\\\"', id="a detail that is no token"
        ),
        pytest.param(
            CacheStatus(fwd="miss", detail="é\r\nx: y"), 200, 'wirecache; fwd=miss; detail="???x: y"', id="no header is smuggled in"
        ),
    ],
)
def test_header(status: CacheStatus, code: int | None, header: str) -> None:
    assert status.header(code) == header


# A member of a list of structured fields, with its parameters (RFC 8941)
MEMBER = re.compile(r'wirecache(; [a-z-]+(=(-?\d{1,15}|[A-Za-z*][!#$%&\'*+.^_`|~0-9A-Za-z:/-]*|"([ !#-\[\]-~]|\\["\\])*"))?)*')

words = st.none() | st.sampled_from(["miss", "a b", '"', "\\", "é", "*", "1", "-", "a/b:c", "a\nb", "\x7f"]) | st.text(max_size=5)


@quick
@given(
    st.builds(
        CacheStatus,
        hit=st.booleans(),
        fwd=st.sampled_from([None, "miss", "stale", "bypass", "request"]),
        fwd_status=st.none() | st.integers(100, 999),
        ttl=st.none() | st.floats(allow_nan=False) | st.floats(-1e6, 1e6),
        stored=st.booleans(),
        collapsed=st.booleans(),
        key=st.sampled_from([None, KEY]),
        detail=words,
    )
)
def test_the_header_is_always_one_member_of_a_structured_list(status: CacheStatus) -> None:
    assert MEMBER.fullmatch(status.header(200))


def test_settled() -> None:
    begun = CacheStatus(fwd="request", fwd_status=200, key="k", detail="refresh")
    assert begun.settled(None) == CacheStatus(fwd="request", fwd_status=200, key="k", detail="refresh", stored=True)
    assert begun.settled("truncated") == CacheStatus(fwd="request", fwd_status=200, key="k", detail="truncated")


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        CacheStatus().hit = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (CacheStatus(hit=True), "hit"),
        (CacheStatus(hit=True, ttl=1.0), "hit"),
        (CacheStatus(hit=True, ttl=0.0), "stale"),
        (CacheStatus(hit=True, ttl=-1.0), "stale"),
        (CacheStatus(fwd="miss", collapsed=True), "collapsed"),
        (CacheStatus(fwd="bypass"), "bypass"),
        (CacheStatus(fwd="miss"), "miss"),
        (CacheStatus(fwd="stale"), "miss"),
    ],
)
def test_what_an_exchange_counts_as(status: CacheStatus, outcome: str) -> None:
    assert status.outcome == outcome


def test_how_many_items_were_reused_is_said_where_nothing_else_is() -> None:
    assert CacheStatus(fwd="partial", items=3, items_reused=1).header() == 'wirecache; fwd=partial; detail="1 of 3 items"'
    assert CacheStatus(fwd="miss", items=1).header() == "wirecache; fwd=miss"
    assert CacheStatus(fwd="miss", items=3, detail="status-500").header() == "wirecache; fwd=miss; detail=status-500"
