from __future__ import annotations

import pytest

from tests.core.play import ask
from wirecache._core.messages import Request
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.rules.left_alone import left_alone_reason, parse_hosts
from wirecache._core.rules.plan import Directives, Mode, Plan
from wirecache._core.rules.record_modes import CassettePlan, RecordMode


def request_to(host: str, port: int | None = None, **fields: str) -> Request:
    headers = {name.replace("_", "-").encode(): value.encode() for name, value in fields.items()}
    return Request("POST", "https", host, port, b"/v1/traces", b"", headers)


def cassette(*hosts: str, localhost: bool = False) -> CassettePlan:
    return CassettePlan(RecordMode.NONE, True, DEFAULT, "c", "h", ignore_hosts=parse_hosts(hosts), ignore_localhost=localhost)


@pytest.mark.parametrize(
    ("glob", "host", "port", "ignored"),
    [
        ("otel.example", "otel.example", None, True),
        ("OTEL.example", "otel.EXAMPLE", None, True),
        ("otel.example", "otel.example.", 4318, True),
        ("*.example", "otel.example", 4318, True),
        ("example", "otel.example", None, False),
        ("otel.example:4318", "otel.example", 4318, True),
        ("otel.example:4317", "otel.example", 4318, False),
        ("otel.example:443", "otel.example", None, True),
        ("[::1]:4318", "::1", 4318, True),
        ("::1", "[::1]", 4318, True),
        ("host[12]", "host2", None, True),
        ("[ab].example", "a.example", None, True),
        ("[ab].example:4318", "b.example", 4318, True),
    ],
)
def test_hosts(glob: str, host: str, port: int | None, ignored: bool) -> None:
    assert left_alone_reason(request_to(host, port), Plan(), cassette(glob)) == ("ignored-host" if ignored else None)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "[::]"])
def test_this_machine(host: str) -> None:
    assert left_alone_reason(request_to(host), Plan(), cassette(localhost=True)) == "ignored-host"
    assert left_alone_reason(request_to(host), Plan(), cassette()) is None


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example", "notlocalhost", "128.0.0.1"])
def test_other_machines(host: str) -> None:
    assert left_alone_reason(request_to(host), Plan(), cassette(localhost=True)) is None


def test_by_the_call() -> None:
    no_store = Plan(directives=Directives(no_store=True))
    assert left_alone_reason(request_to("h"), Plan(mode=Mode.OFF), cassette()) == "off"
    assert left_alone_reason(request_to("h"), no_store, cassette()) == "no-store"
    assert left_alone_reason(request_to("h", accept="text/event-stream"), no_store, cassette()) is None
    assert left_alone_reason(request_to("h", accept="application/json, text/event-stream"), no_store, cassette()) == "no-store"


@pytest.mark.parametrize("plan", [Plan(mode=Mode.OFFLINE), Plan(directives=Directives(only_if_cached=True, no_store=True))])
def test_offline_nothing_is_left_alone(plan: Plan) -> None:
    assert left_alone_reason(request_to("h"), plan, cassette("h")) is None


def test_a_host_may_be_given_alone() -> None:
    assert parse_hosts("OTEL.example") == parse_hosts("otel.example.") == parse_hosts(["otel.example"]) == ("otel.example",)


@pytest.mark.parametrize("wrong", ["https://h", "h/path", "", 5])
def test_a_wrong_host(wrong: object) -> None:
    with pytest.raises(ValueError, match="ignore_hosts must be globs of hosts"):
        parse_hosts([wrong])  # type: ignore[list-item]


MCP = {"accept": "application/json, text/event-stream", "mcp-session-id": "s", "cache-control": "no-store"}


@pytest.mark.parametrize(
    ("method", "headers", "left_alone"),
    [
        pytest.param("GET", MCP, False, id="the stream of a session"),
        pytest.param("GET", {**MCP, "last-event-id": "3"}, False, id="a request that resumes one"),
        pytest.param("GET", {"accept": "text/event-stream"}, False, id="any stream of events"),
        pytest.param("POST", MCP, True, id="a message"),
        pytest.param("GET", {**MCP, "accept": "application/json"}, True, id="no events"),
    ],
)
def test_no_store_that_an_http_library_sends_is_not_the_programs(method: str, headers: dict[str, str], left_alone: bool) -> None:
    request = ask("https://h/mcp", method, headers={"cache-control": "no-store", **headers})
    no_store = Plan(directives=Directives(no_store=True))
    assert left_alone_reason(request, no_store, cassette()) == ("no-store" if left_alone else None)
