"""What does RFC 9111 ask of a private cache, case by case: what is stored, reused, confirmed and dropped?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

HOUR = 3600
Headers = tuple[tuple[str, str | int], ...]  # a number is a date, in seconds from now


class Step(NamedTuple):
    """One request, the answer that the server has for it, and what shall happen to it.

    ``expected``: ``hit`` (nothing arrives), ``forwarded`` (it arrives without conditions), ``confirmed`` (it arrives with them, and the
    server says 304). ``shown`` and ``hidden``: headers that the caller must and must not see.
    """

    expected: str
    headers: Headers = ()
    status: int = 200
    method: str = "GET"
    sent: Headers = ()
    path: str = ""
    shown: Headers = ()
    hidden: tuple[str, ...] = ()


class Case(NamedTuple):
    category: str
    name: str
    steps: tuple[Step, ...]


def first(*headers: tuple[str, str | int], status: int = 200, **more: Any) -> Step:
    """The first request of a case: it always arrives."""
    return Step("forwarded", headers, status, **more)


def then(expected: str, *headers: tuple[str, str | int], **more: Any) -> Step:
    """A later request."""
    return Step(expected, headers, **more)


FRESH, STALE, TAG = ("Cache-Control", "max-age=3600"), ("Age", "7200"), ("ETag", '"1"')
NOW, OLD = ("Date", 0), ("Last-Modified", -HOUR)
CONTROL = "Cache-Control"


def _stored(category: str, name: str, *headers: tuple[str, str | int], status: int = 200) -> Case:
    return Case(category, name, (first(*headers, status=status), then("hit")))


def _not_reused(category: str, name: str, *headers: tuple[str, str | int], status: int = 200) -> Case:
    return Case(category, name, (first(*headers, status=status), then("forwarded")))


def _status_cases() -> Iterator[Case]:
    for status in (200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 429, 499, 500, 501, 502, 503, 504, 599):
        yield _stored("status", f"{status} with max-age", FRESH, status=status)
        yield _not_reused("status", f"{status} with nothing", status=status)
    yield _not_reused("status", "an unknown status that must be understood", ("Cache-Control", "max-age=3600, must-understand"), status=499)
    yield _not_reused("partial", "206 without a range requested", FRESH, ("Content-Range", "bytes 0-1/9"), status=206)
    yield Case("partial", "a range is not stored", (first(FRESH, status=206, sent=(("Range", "bytes=0-1"),)), then("forwarded", FRESH)))


def _freshness_cases() -> Iterator[Case]:
    for value in ("max-age=3600", "MAX-AGE=3600", 'max-age="3600"', "private, max-age=3600", "max-age=99999999999", "x=1,max-age=3600"):
        yield _stored("cache-control", value, (CONTROL, value))
    yield _stored("cache-control", "max-age before Expires", FRESH, ("Expires", -HOUR), NOW)
    yield _stored("cache-control", "a valid max-age in the second line", (CONTROL, "private"), FRESH)
    for value in ("max-age=0", "max-age=-1", "max-age='3600'", "max-age=a", "no-store, max-age=3600", "No-Store", "s-maxage=3600"):
        yield _not_reused("cache-control", value, (CONTROL, value))
    for value in ("max-age=3600, no-cache", "No-CaChE", 'no-cache="a", no-cache, max-age=3600', "max-age=0, max-age=3600"):
        yield _not_reused("cache-control", value, (CONTROL, value))
    yield _not_reused("cache-control", "max-age in a quoted text", (CONTROL, 'x="max-age=3600"'))
    yield Case("cache-control", "no-cache is confirmed", (first((CONTROL, "no-cache, max-age=3600"), TAG), then("confirmed", TAG)))
    for value in ("7200", "7200, 0", "3601"):
        yield _not_reused("age", f"Age: {value}", FRESH, ("Age", value), NOW)
    for value in ("0, 7200", "-7200", "abc", "10"):
        yield _stored("age", f"Age: {value}", FRESH, ("Age", value), NOW)
    yield _not_reused("age", "two lines, the first counts", FRESH, ("Age", "7200"), ("Age", "0"), NOW)
    yield _not_reused("age", "an old Date", FRESH, ("Date", -2 * HOUR))
    yield Case("age", "a reused answer has an Age", (first(FRESH, ("Age", "30"), NOW), then("hit", shown=(("Age", "30"),))))


def _expires_cases() -> Iterator[Case]:
    for value in (
        "Thu, 18 Aug 2050 02:01:18 GMT",
        "THU, 18 AUG 2050 02:01:18 gmt",
        "Thursday, 18-Aug-50 02:01:18 GMT",
        "Thu Aug 18 02:01:18 2050",
    ):
        yield _stored("expires", value, ("Expires", value), NOW)
    for value in (
        "0", "-1", "", "Thu, 18 Aug 50 02:01:18 GMT", "Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18  Aug  2050 02:01:18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT", "Thu, 18 Aug 2050 02.01.18 GMT", "Thu, 18 Aug 2050 2:01:18 GMT", "Thu, 18 Aug 2050 02:01:18 EST",
        "Thu, 18 Aug 2050 02:01:18 +0000", "Thu, 18 Aug 2050 02:01:18 UTC", "18 Aug 2050 02:01:18 GMT", "Thu, 38 Aug 2050 02:01:18 GMT",
    ):  # fmt: skip
        yield _not_reused("expires", f"invalid: {value!r}", ("Expires", value), NOW)
    yield _not_reused("expires", "past", ("Expires", -HOUR), NOW)
    yield _not_reused("expires", "at its own Date", ("Expires", 0), NOW)
    yield _not_reused("expires", "before its own Date, though in the future", ("Expires", 300), ("Date", 400))
    yield _not_reused("expires", "an Age beyond it", ("Expires", HOUR), NOW, STALE)
    yield _not_reused("expires", "stale by its Date", ("Expires", -5), ("Date", -HOUR))
    yield _stored("expires", "an Age within it", ("Expires", HOUR), NOW, ("Age", "60"))


def _request_cases() -> Iterator[Case]:
    aged = (FRESH, ("Age", "600"), NOW)
    for directive, expected in {
        "max-age=0": "forwarded", "max-age=500": "forwarded", "max-age=1000": "hit", "min-fresh=3500": "forwarded", "min-fresh=100": "hit",
        "no-cache": "forwarded", "only-if-cached": "hit", "max-stale": "hit",
    }.items():  # fmt: skip
        yield Case("request", f"{directive} on a fresh one", (first(*aged), then(expected, sent=((CONTROL, directive),))))
    stale = (FRESH, ("Age", "4000"), NOW)
    for directive, expected in {
        "max-stale": "hit",
        "max-stale=1000": "hit",
        "max-stale=100": "forwarded",
        "max-stale=1000, min-fresh=1": "forwarded",
    }.items():
        yield Case("request", f"{directive} on a stale one", (first(*stale), then(expected, sent=((CONTROL, directive),))))
    binding = ((CONTROL, "max-age=3600, must-revalidate"), ("Age", "4000"), NOW)
    yield Case("request", "max-stale, but must-revalidate", (first(*binding), then("forwarded", sent=((CONTROL, "max-stale"),))))
    yield Case("request", "no-store stores nothing", (first(FRESH, sent=((CONTROL, "no-store"),)), then("forwarded", FRESH)))
    yield Case("request", "no-cache is confirmed", (first(FRESH, TAG), then("confirmed", FRESH, TAG, sent=((CONTROL, "no-cache"),))))


def _validation_cases() -> Iterator[Case]:
    for name, headers in {
        "an entity tag": (TAG,), "a weak one": (("ETag", 'W/"1"'),), "a time of change": (OLD, NOW), "both": (TAG, OLD, NOW),
    }.items():  # fmt: skip
        yield Case("validation", f"{name} alone", (first(*headers), then("confirmed", *headers), then("confirmed", *headers)))
        stale = (FRESH, STALE, *headers)
        yield Case("validation", f"{name}, stale, then renewed", (first(*stale), then("confirmed", FRESH, *headers), then("hit")))
    yield _not_reused("validation", "changed in the second of its Date", ("Last-Modified", 0), NOW)
    yield _not_reused("validation", "an error with a tag alone", TAG, status=500)
    changed = (first(FRESH, STALE, TAG, ("A", "1")), then("forwarded", FRESH, ("ETag", '"2"'), ("A", "2"), sent=((CONTROL, "max-age=0"),)))
    yield Case(
        "validation",
        "replaced by another",
        (changed[0], Step("replaced", (FRESH, ("ETag", '"2"'), ("A", "2"))), then("hit", shown=(("A", "2"),))),
    )
    renewing = then(
        "confirmed",
        FRESH,
        TAG,
        ("A", "2"),
        ("Set-Cookie", "s=2"),
        ("X-RateLimit-Remaining", "5"),
        shown=(("A", "2"), ("Set-Cookie", "s=2"), ("X-RateLimit-Remaining", "5")),
    )
    yield Case("validation", "the headers of a 304 reach the caller, private ones once", (
        first(FRESH, STALE, TAG, ("A", "1")), renewing, then("hit", shown=(("A", "2"),), hidden=("Set-Cookie", "X-RateLimit-Remaining")),
    ))  # fmt: skip
    yield Case("validation", "a 304 updates the type", (
        first(FRESH, STALE, TAG, ("Content-Type", "text/x-a")),
        then("confirmed", FRESH, TAG, ("Content-Type", "text/x-b"), shown=(("Content-Type", "text/x-b"),)),
    ))  # fmt: skip
    yield Case("validation", "how the body came stays", (
        first(FRESH, STALE, TAG, ("Accept-Ranges", "none")),
        then("confirmed", FRESH, TAG, ("Accept-Ranges", "bytes"), shown=(("Accept-Ranges", "none"),)),
    ))  # fmt: skip


def _header_cases() -> Iterator[Case]:
    fields = (("A", "1"), ("B", "2"), ("C", "3"))
    for name, headers in {
        "Connection": (("Connection", "a, b"), FRESH),
        "no-cache": (("Cache-Control", 'no-cache="a, b"'), FRESH),
        "no-cache in upper case": (("Cache-Control", 'max-age=3600, No-Cache="A,B"'),),
        "private": (("Cache-Control", 'private="a, b", max-age=3600'),),
    }.items():
        yield Case("headers", f"fields named in {name}", (first(*headers, *fields), then("hit", shown=(("C", "3"),), hidden=("A", "B"))))
    yield Case("headers", "Set-Cookie is its caller's", (first(FRESH, ("Set-Cookie", "s=1")), then("hit", hidden=("Set-Cookie",))))
    yield Case("headers", "Vary cannot be left out", (
        first(("Connection", "vary"), FRESH, ("Vary", "Foo"), sent=(("Foo", "1"),)), then("forwarded", sent=(("Foo", "2"),)),
    ))  # fmt: skip
    yield Case(
        "cookies",
        "an edge's cookies do not count",
        (first(FRESH), then("hit", sent=(("Cookie", "__cf_bm=a; _cfuvid=b; AWSALB=c; AWSALBCORS=d"),))),
    )
    yield Case(
        "cookies",
        "nor beside a session",
        (first(FRESH, sent=(("Cookie", "s=1; __cf_bm=a"),)), then("hit", sent=(("Cookie", "__cf_bm=b; s=1"),))),
    )
    yield Case("cookies", "a session's do", (first(FRESH, sent=(("Cookie", "s=1"),)), then("forwarded", sent=(("Cookie", "s=2"),))))
    yield Case(
        "authorization",
        "another account",
        (first(FRESH, sent=(("Authorization", "a"),)), then("forwarded", sent=(("Authorization", "b"),))),
    )
    yield Case(
        "authorization", "the same account", (first(FRESH, sent=(("Authorization", "a"),)), then("hit", sent=(("Authorization", "a"),)))
    )


def _vary_cases() -> Iterator[Case]:
    for value in ("*", "*, *", ", *", "*, Foo", "Foo, *"):
        yield Case("vary", f"Vary: {value}", (first(FRESH, ("Vary", value), sent=(("Foo", "1"),)), then("forwarded", sent=(("Foo", "1"),))))
    by_foo = (FRESH, ("Vary", "Foo"))
    for name, one, other, expected in (
        ("the same", "1", "1", "hit"), ("another", "1", "2", "forwarded"), ("the same but for white space", "1, 2", "1,2", "hit"),
    ):  # fmt: skip
        yield Case("vary", name, (first(*by_foo, sent=(("Foo", one),)), then(expected, sent=(("Foo", other),))))
    yield Case("vary", "none now", (first(*by_foo, sent=(("Foo", "1"),)), then("forwarded")))
    yield Case("vary", "none before", (first(*by_foo), then("forwarded", sent=(("Foo", "1"),))))
    both = (FRESH, ("Vary", "Foo, Bar"))
    yield Case(
        "vary", "the second of two", (first(*both, sent=(("Foo", "1"), ("Bar", "1"))), then("forwarded", sent=(("Foo", "1"), ("Bar", "2"))))
    )
    yield Case("vary", "in two lines", (first(*by_foo, ("Vary", "Bar"), sent=(("Bar", "1"),)), then("forwarded", sent=(("Bar", "2"),))))
    values = [(("Foo", str(number)),) for number in range(3)]
    yield Case("vary", "three representations are kept", (
        *(Step("forwarded", (*by_foo, ("N", str(n))), sent=sent) for n, sent in enumerate(values)),
        *(then("hit", sent=sent, shown=(("N", str(n)),)) for n, sent in enumerate(values)),
    ))  # fmt: skip
    yield Case("vary", "a change ends all of them", (
        *(Step("forwarded", by_foo, sent=sent) for sent in values),
        then("forwarded", method="PUT"),
        *(then("forwarded", sent=sent) for sent in values),
    ))  # fmt: skip


def _invalidation_cases() -> Iterator[Case]:
    for method in ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "PROPPATCH", "MKCOL", "LOCK", "XYZ"):
        yield Case("invalidation", method, (first(FRESH), then("forwarded", method=method), then("forwarded")))
        yield Case("invalidation", f"{method} that failed", (first(FRESH), then("forwarded", method=method, status=500), then("hit")))
    for method in ("OPTIONS", "PROPFIND", "REPORT", "SEARCH"):
        yield Case("invalidation", f"{method} changes nothing", (first(FRESH), then("forwarded", method=method), then("hit")))
    for name in ("Location", "Content-Location"):
        yield Case(
            "invalidation",
            name,
            (first(FRESH, path="/b"), then("forwarded", (name, "b"), method="POST", path="/a"), then("forwarded", path="/b")),
        )
        elsewhere = (name, "http://other.example/b")
        yield Case(
            "invalidation",
            f"{name} elsewhere",
            (first(FRESH, path="/b"), then("forwarded", elsewhere, method="POST", path="/a"), then("hit", path="/b")),
        )
    one, other = (("Authorization", "a"),), (("Authorization", "b"),)
    yield Case(
        "invalidation",
        "another account's entry",
        (first(FRESH, sent=one), then("forwarded", method="DELETE", sent=other), then("forwarded", sent=one)),
    )
    chat = "/v1/chat/completions"
    yield Case(
        "invalidation",
        "a POST on an inference path",
        (first(FRESH, path=chat), then("forwarded", method="POST", path=chat), then("forwarded", path=chat)),
    )
    yield Case(
        "invalidation", "what is stored afterwards", (first(FRESH), then("forwarded", method="PUT"), then("forwarded", FRESH), then("hit"))
    )


def _error_cases() -> Iterator[Case]:
    allowed, kept = (CONTROL, "max-age=3600, stale-if-error=9000"), ("A", "1")
    broken = {"status": 503, "shown": (kept,)}
    yield Case("error", "the server allows the stale one", (first(allowed, STALE, NOW, kept), then("forwarded", **broken)))
    sent = ((CONTROL, "stale-if-error=9000"),)
    yield Case("error", "the request allows it", (first(FRESH, STALE, NOW, kept), then("forwarded", sent=sent, **broken)))
    for name, control, sending in (
        ("nobody allows it", "max-age=3600", ()),
        ("it is too old", "max-age=3600, stale-if-error=3000", ()),
        ("the server forbids it", "max-age=3600, must-revalidate", sent),
        ("the request forbids it", "max-age=3600, stale-if-error=9000", ((CONTROL, "no-cache"),)),
    ):
        refused = then("forwarded", status=503, sent=sending, hidden=("A",))
        yield Case("error", name, (first((CONTROL, control), STALE, NOW, kept), refused))


def _head_cases() -> Iterator[Case]:
    yield Case(
        "head", "from a stored GET", (first(FRESH, ("A", "1")), then("hit", method="HEAD", shown=(("A", "1"), ("Content-Length", "4"))))
    )
    yield Case("head", "not from a stale GET", (first(FRESH, STALE), then("forwarded", method="HEAD")))
    yield Case("head", "no GET from a HEAD", (first(FRESH, method="HEAD"), then("forwarded")))
    yield Case("head", "a HEAD shows that a GET is out of date", (
        first(FRESH, TAG), then("forwarded", FRESH, ("ETag", '"2"'), method="HEAD", sent=((CONTROL, "max-age=0"),)), then("forwarded"),
    ))  # fmt: skip
    yield Case("head", "a HEAD renews a GET", (
        first(FRESH, STALE, ("A", "1"), ("B", "1")),
        then("forwarded", FRESH, ("A", "2"), method="HEAD"),
        then("hit", shown=(("A", "2"), ("B", "1"))),
    ))  # fmt: skip
    yield Case("head", "a HEAD ends what may no longer be kept", (
        first(FRESH, TAG), then("forwarded", (CONTROL, "no-store"), TAG, method="HEAD", sent=((CONTROL, "max-age=0"),)), then("forwarded"),
    ))  # fmt: skip


CASES = [
    case
    for cases in (
        _status_cases, _freshness_cases, _expires_cases, _request_cases, _validation_cases, _header_cases, _vary_cases,
        _invalidation_cases, _error_cases, _head_cases,
    )
    for case in cases()
]  # fmt: skip
