"""What ``Cache-Control``, ``Expires``, ``Age`` and ``Date`` say is what RFC 9111 says; whatever else stands there breaks no call."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import httpx
from hypothesis import strategies as st

from tests.fuzz.target import Target
from wirecache import Cache, MemoryStore
from wirecache._core.http_date import http_date
from wirecache._core.rules.freshness import cache_control
from wirecache.httpx import cached_client

URL = "https://api.example/v1/models"
NOW = 1_800_000_000.0  # 2027-01-15

# -- well-formed ones -------------------------------------------------------------------------------------------------

SECONDS = st.sampled_from([0, 1, 10, 100, 3600, 2**31, 2**31 + 7, 10**12])
DIRECTIVES = st.fixed_dictionaries(
    {},
    optional={
        "max-age": SECONDS, "no-store": st.none(), "no-cache": st.none(), "must-revalidate": st.none(), "private": st.none(),
        "public": st.none(),
        "s-maxage": SECONDS, "stale-while-revalidate": SECONDS, "x": st.sampled_from(["a, max-age=9", "no-store", 'no-cache, b="']),
        "immutable": st.none(),
    },
)  # fmt: skip
REQUESTED = st.fixed_dictionaries(
    {},
    optional={"max-age": SECONDS, "max-stale": SECONDS | st.none(), "min-fresh": SECONDS, "no-cache": st.none(), "x": st.just("no-store")},
)
OFFSETS = st.sampled_from([-(10**6), -100, -10, 0, 10, 100, 10**6])
EXCHANGES = st.fixed_dictionaries(
    {
        "response": DIRECTIVES,
        "request": st.just({}) | REQUESTED,
        "date": st.none() | OFFSETS,
        "expires": st.none() | OFFSETS | st.just("0"),
        "age": st.none() | SECONDS,
        "wait": st.sampled_from([0.5, 5.5, 50.5, 2000.5, 5.0e8]),
        "spelling": st.integers(0, 99),
    }
)


def spelled(directives: dict[str, Any], dice: int) -> str:
    """The directives as a header, in one of its spellings."""
    parts = []
    for index, (name, value) in enumerate(sorted(directives.items(), key=lambda pair: (pair[0] * (dice + 1))[dice % 3 :])):
        spelled_name = name.upper() if (dice >> index) & 1 else name
        text = (
            ""
            if value is None
            else f"={value}"
            if isinstance(value, int) and not (dice >> index) & 2
            else '="' + str(value).replace('"', '\\"') + '"'
        )
        parts.append(spelled_name + text)
    return [", ", ",", " ,\t", ", ,"][dice % 4].join(parts)


def date_text(moment: float, dice: int) -> str:
    """The time as an HTTP date in one of its three forms (RFC 9110 section 5.6.7)."""
    at = datetime.fromtimestamp(moment, UTC)
    forms = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", f"%a %b {at.day:2d} %H:%M:%S %Y")
    return at.strftime(forms[dice % 3])


def check_exchange(case: dict[str, Any]) -> None:
    """The second of two requests is answered from the store exactly if RFC 9111 allows it."""
    dice, directives, requested = case["spelling"], case["response"], case["request"]
    headers = {"cache-control": spelled(directives, dice), "etag": '"a"'}
    if case["date"] is not None:
        headers["date"] = date_text(NOW + case["date"], dice)
    if case["expires"] is not None:
        headers["expires"] = case["expires"] if case["expires"] == "0" else date_text(NOW + case["expires"], dice + 1)
    if case["age"] is not None:
        headers["age"] = str(case["age"])
    statuses = exchange([(k.encode(), v.encode()) for k, v in headers.items()], spelled(requested, dice).encode(), case["wait"])
    assert statuses[1].hit is may_reuse(case), f"{statuses[1]} for {headers}, asked with {requested}"


def may_reuse(case: dict[str, Any]) -> bool:
    """Return whether RFC 9111 allows it (sections 3, 4.2, 5.2), and DESIGN, by which a lifetime is never guessed."""
    directives, requested = case["response"], case["request"]
    date = NOW if case["date"] is None else NOW + case["date"]
    if "no-store" in directives or "no-cache" in directives or "no-cache" in requested:
        return False
    if "max-age" in directives:
        lifetime = min(directives["max-age"], 2**31)
    elif case["expires"] is None or case["expires"] == "0":
        lifetime = 0.0
    else:
        lifetime = max(0.0, NOW + case["expires"] - date)
    age = max(0, NOW - date, min(case["age"] or 0, 2**31)) + case["wait"]
    left = lifetime - age
    if age > requested.get("max-age", math.inf):
        return False
    if requested.get("min-fresh", 0) > 0 or left > 0:
        return left >= requested.get("min-fresh", 0)
    max_stale = math.inf if "max-stale" in requested and requested["max-stale"] is None else requested.get("max-stale", 0)
    return -left <= max_stale and max_stale > 0 and "must-revalidate" not in directives


def exchange(headers: list[tuple[bytes, bytes]], control: bytes, wait: float) -> list[Any]:
    """Ask twice, with some time between; return what became of each."""
    statuses = []
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=httpx.ByteStream(b'{"data":[]}')))
    with Cache(MemoryStore()) as cache, cached_client(cache, transport=transport) as client:
        for now in (NOW, NOW + wait):
            with patch.object(time, "time", lambda now=now: now):
                sent = [(b"cache-control", control)] if now > NOW and control else []
                response = client.get(URL, headers=sent)
                assert response.status_code in (200, 424)
                cache.flush()
                list(cache.entries())
                statuses.append(response.extensions["wirecache"])
        assert cache.stats.store_errors == 0, "an answer was stored that cannot be read"
    return statuses


# -- whatever stands there --------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from([b"0", b"10", b"-1", b"1.5", b"9" * 400, b"9" * 5000, b"\xb2", b"1 0", b'"5"', b"", b"nan", b"1e9", b"0x1"])
PIECES = st.sampled_from(
    [
        b"max-age",
        b"no-cache",
        b"no-store",
        b"private",
        b"must-understand",
        b"stale-if-error",
        b"max-stale",
        b"only-if-cached",
        b"=",
        b'"',
        b"\\",
        b",",
        b";",
        b" ",
    ]
)
JUNK = st.lists(PIECES | NUMBERS | st.binary(max_size=3), max_size=7).map(b"".join)
DATES = st.builds(lambda seconds, dice: date_text(seconds, dice).encode(), st.integers(-(10**9), 2**33), st.integers(0, 2))
BROKEN_DATES = st.builds(
    lambda date, at, piece: date[:at] + piece + date[at + 1 :],
    DATES,
    st.integers(0, 30),
    st.sampled_from([b"", b"9", b"0", b"\xb2", b" ", b"x"]),
)
FIELDS = st.fixed_dictionaries(
    {"control": JUNK},
    optional={
        "date": DATES | BROKEN_DATES | JUNK, "expires": DATES | BROKEN_DATES | JUNK, "age": NUMBERS | JUNK,
        "last-modified": DATES | BROKEN_DATES,
        "etag": JUNK, "vary": JUNK, "connection": JUNK, "request": JUNK, "status-header": JUNK,
    },
)  # fmt: skip


def plain(value: bytes) -> bytes:
    """What a header can carry: no control characters."""
    return bytes(octet for octet in value if octet >= 0x20 and octet != 0x7F).strip()


def check_fields(case: dict[str, Any]) -> None:
    """No header breaks a call, and none makes an entry that cannot be read."""
    names = {"control": b"cache-control", "status-header": b"cache-status"}
    headers = [(names.get(name, name.encode()), plain(value)) for name, value in case.items() if name != "request"]
    exchange([(b"content-type", b"application/json"), *headers], plain(case.get("request", b"")), 5.0)
    for name, text in cache_control(case["control"]).items():
        assert name == name.lower()
        assert text in case["control"]


def check_date(case: dict[str, Any]) -> None:
    """An HTTP date is the time that it was made of, whatever its form; any other text is none, or a time."""
    now = case["now"]
    for dice in range(3):
        at = datetime.fromtimestamp(case["seconds"], UTC)
        if dice == 1 and abs(at - datetime.fromtimestamp(now, UTC)) > timedelta(days=49 * 365):
            continue
        text = date_text(case["seconds"], dice)
        assert http_date(text.encode(), now) == case["seconds"], text
    found = http_date(case["text"], now)
    assert found is None or math.isfinite(found)


TARGETS = [
    Target("freshness", EXCHANGES, check_exchange),
    Target("http-fields", FIELDS, check_fields),
    Target(
        "http-dates",
        st.fixed_dictionaries({"seconds": st.integers(-(10**9), 2**33), "now": st.integers(0, 2**33), "text": DATES | BROKEN_DATES | JUNK}),
        check_date,
    ),
]
