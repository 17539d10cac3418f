from __future__ import annotations

import pytest

from tests.core.play import entry, pairs_of
from wirecache._core.flows.entry_headers import kept_headers, renewed, unkept_headers


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


def test_renewed() -> None:
    made = renewed(
        entry(headers=((b"etag", b'"1"'),), ttl=60.0), pairs_of({"ETag": '"1"', "Age": "3", "Date": "now", "Set-Cookie": "x"}), 2000.0
    )
    assert made == entry(headers=((b"etag", b'"1"'), (b"date", b"now")), ttl=60.0, stored_at=2000.0)


def test_urls_in_stored_headers_have_no_secrets() -> None:
    stored = kept_headers(((b"Link", b'<https://h/?sig=s3cr3t>; rel="next"'), (b"ETag", b'"a?b=c"'), (b"x-session-token", b"s3cr3t")))
    assert stored == ((b"link", b'<https://h/?sig=REDACTED>; rel="next"'), (b"etag", b'"a?b=c"'))
