from __future__ import annotations

import pytest

from tests.core.play import entry, pairs_of
from wirecache._core.flows.entry_headers import kept_headers, renewed, unkept_headers, updated, varied
from wirecache._core.privacy.names import keyed_hash


@pytest.mark.parametrize(
    "name",
    [
        # how it travelled
        "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Encoding", "Content-Length", "Trailer", "Upgrade", "Age", "TE",
        # who asked, or may ask
        "Set-Cookie", "Set-Cookie2", "Cookie", "Authorization", "WWW-Authenticate", "X-Api-Key", "Api-Key", "X-Goog-Api-Key",
        "OpenAI-Organization", "Anthropic-Organization-Id", "X-Organisation", "OpenAI-Project", "OpenAI-Project-Id", "X-Goog-User-Project",
        # what was true at that moment
        "X-RateLimit-Remaining-Requests", "Anthropic-RateLimit-Tokens-Remaining", "RateLimit-Reset", "Retry-After", "Retry-After-Ms",
        "CF-Ray", "Alt-Svc", "Via", "Server-Timing", "Strict-Transport-Security", "NEL", "Access-Control-Allow-Origin",
    ],
)  # fmt: skip
def test_a_header_that_is_not_stored(name: str) -> None:
    assert kept_headers(pairs_of({name: "x"})) == ()


@pytest.mark.parametrize(
    "name",
    [
        "content-type",
        "x-request-id",
        "request-id",
        "etag",
        "date",
        "cache-control",
        "vary",
        "openai-processing-ms",
        "project",
        "x-via",
        "cfx",
    ],
)
def test_a_header_that_is_stored(name: str) -> None:
    assert kept_headers(pairs_of({name.upper(): "x"})) == ((name.encode(), b"x"),)


def test_headers_of_the_moment_are_the_callers_alone() -> None:
    pairs = [
        (b"ETag", b"1"),
        (b"Set-Cookie", b"s"),
        (b"Set-Cookie", b"t"),
        (b"X-RateLimit-Limit", b"5"),
        (b"Age", b"1"),
        (b"Connection", b"x"),
    ]
    assert unkept_headers(pairs) == tuple(pairs[1:4])


def test_updated() -> None:
    stored = pairs_of({"etag": '"1"', "a": "1", "b": "1", "date": "then", "accept-ranges": "none"})
    newer = pairs_of({"ETag": '"1"', "A": "2", "Age": "3", "Set-Cookie": "x", "Accept-Ranges": "bytes", "Content-Encoding": "gzip"})
    assert updated(stored, newer) == tuple(pairs_of({"b": "1", "accept-ranges": "none", "etag": '"1"', "a": "2"}))
    assert updated(stored, pairs_of({"Date": "now"}))[-1] == (b"date", b"now")
    twice = updated(((b"warning", b"a"), (b"warning", b"b"), (b"x", b"1")), ((b"Warning", b"c"), (b"Warning", b"d")))
    assert twice == ((b"x", b"1"), (b"warning", b"c"), (b"warning", b"d"))


def test_renewed() -> None:
    stored = entry(headers=pairs_of({"etag": '"1"'}), ttl=60.0)
    made = renewed(stored, {}, pairs_of({"etag": '"2"'}), 2000.0, 90.0)
    assert made == stored._replace(headers=pairs_of({"etag": '"2"'}), ttl=90.0, stored_at=2000.0)
    assert renewed(stored, {b"accept": b"a", b"b": b"c"}, pairs_of({"vary": "Accept"}), 2000.0, 90.0).request.fields == {"accept": "a"}


def test_urls_in_stored_headers_have_no_secrets() -> None:
    stored = kept_headers(((b"Link", b'<https://h/?sig=s3cr3t>; rel="next"'), (b"ETag", b'"a?b=c"'), (b"x-session-token", b"s3cr3t")))
    assert stored == ((b"link", b'<https://h/?sig=REDACTED>; rel="next"'), (b"etag", b'"a?b=c"'))


def test_the_headers_that_an_answer_varies_on_are_kept_and_those_that_say_who_asks_are_not_readable() -> None:
    requested = {b"accept": b" Text/HTML ,*/* ", b"x-tenant": b"acme", b"cookie": b"s3cr3t", b"accept-language": b"DE, en"}
    found = varied(requested, {b"vary": b"Accept, X-Tenant , Cookie, Accept-Language, X-Absent"})
    assert (found["accept"], found["accept-language"]) == ("text/html,*/*", "de,en")
    assert found["x-tenant"] == keyed_hash(b"acme").hex()
    assert found.keys() == {"accept", "accept-language", "x-tenant"}
    assert varied(requested, {}) == {}


def test_only_the_case_of_languages_and_media_types_makes_no_difference() -> None:
    one, other = (varied({b"x-tenant": value}, {b"vary": b"x-tenant"}) for value in (b"acme", b"Acme"))
    assert one != other
