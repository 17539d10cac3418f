"""Does a client pass a case? Its requests are sent one after the other, and what came back and what arrived is compared."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tests.engine.cache_tests.cases import Case, Request
from tests.engine.cache_tests.headers import resolved
from tests.engine.cache_tests.origin import NO_BODY, Arrived, Play, Server

PAUSE = 3.0  # seconds between two requests where the case wants one: what it calls short-lived is stale then
VALIDATED = {"etag_validated": "if-none-match", "lm_validated": "if-modified-since"}


class Failed(Exception):
    """The case has failed. ``SetupFailed``: before it came to the point."""


class SetupFailed(Failed):
    """What the case takes for granted is not so: it says nothing about its point."""


def play(case: Case, client: httpx.Client, server: Server) -> str | None:
    """Play the case; return None if the client passes, else what went wrong."""
    state = Play(case.requests)
    server.plays[state.token] = state
    url = f"http://127.0.0.1:{server.server_address[1]}/test/{state.token}"
    try:
        responses: list[httpx.Response] = []
        for number, request in enumerate(state.requests, 1):
            responses.append(_sent(client, url, request, number, responses))
            _check_response(state, request, responses[-1], number)
            if request.get("pause_after") is True:
                time.sleep(PAUSE)
        _check_arrived(state, responses)
    except SetupFailed as failed:
        return f"setup: {failed}"
    except (Failed, httpx.HTTPError) as failed:
        return str(failed) or repr(failed)
    return None


def _sent(client: httpx.Client, url: str, request: Request, number: int, before: list[httpx.Response]) -> httpx.Response:
    headers = [("Req-Num", str(number))]
    for header in request.get("request_headers", ()):
        relative = request.get("magic_ims") and header[0].lower() == "if-modified-since"
        headers.append((header[0], resolved(header, _fields(before[-1]), request) if relative else str(header[1])))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    if name := request.get("filename"):
        url += f"/{name}"
    if query := request.get("query_arg"):
        url += f"?{query}"
    client.cookies.clear()
    method, follow = request.get("request_method", "GET"), request.get("redirect") != "manual"
    return client.request(method, url, headers=raw, content=request.get("request_body"), follow_redirects=follow)


def _fields(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _expect(request: Request, member: str, holds: bool, message: str) -> None:
    """Raise unless it holds: as a fault of the setup, where the case says that it is part of that."""
    if not holds:
        is_setup = request.get("setup") is True or member in request.get("setup_tests", ())
        raise (SetupFailed if is_setup else Failed)(message)


def _take_for_granted(holds: bool, message: str) -> None:
    if not holds:
        raise SetupFailed(message)


# -- what came back -----------------------------------------------------------------------------------------------------


def _check_response(state: Play, request: Request, response: httpx.Response, number: int) -> None:
    fields = _fields(response)
    numbers = fields.get("request-numbers", "").split()
    _take_for_granted(len(numbers) == len(set(numbers)), "retry")
    _check_origin(request, response.status_code, fields.get("server-request-count", ""), number)
    _check_status(request, response.status_code, number)
    for header in request.get("expected_response_headers", ()):
        _check_header(request, header, fields, number)
    for header in request.get("expected_response_headers_missing", ()):
        if isinstance(header, str):  # a pair names a value, which their own driver never compares
            _expect(request, "expected_response_headers_missing", header.lower() not in fields, f"answer {number} has {header}")
    _check_body(state, request, response, number)
    _expect(request, "expected_interim_responses", "expected_interim_responses" not in request, "httpx shows no interim responses")


def _check_origin(request: Request, status: int, count: str, number: int) -> None:
    kind = request.get("expected_type")
    if kind == "cached" and not (status == 304 and not count):
        _expect(request, "expected_type", count.isdigit() and int(count) < number, f"answer {number} does not come from the cache")
    if kind == "not_cached":
        _expect(request, "expected_type", count == str(number), f"answer {number} comes from the cache")


def _check_status(request: Request, status: int, number: int) -> None:
    if "expected_status" in request:
        wanted = request["expected_status"]
        _expect(request, "expected_status", wanted in (None, status), f"answer {number} has status {status}, not {wanted}")
    elif "response_status" in request:
        _take_for_granted(status == request["response_status"][0], f"answer {number} has status {status}")
    elif status == 999:
        _expect(request, "expected_type", False, f"request {number} has no condition")
    else:
        _take_for_granted(status == 200, f"answer {number} has status {status}, not 200")


def _check_header(request: Request, header: Any, fields: Mapping[str, str], number: int) -> None:
    name = (header if isinstance(header, str) else header[0]).lower()
    value = fields.get(name)
    if isinstance(header, str):
        holds = value is not None
    elif len(header) == 2:
        holds = value == resolved(header, fields, request)
    elif header[1] == "=":
        holds = value is not None and value == fields.get(header[2].lower())
    else:
        assert header[1] == ">", header
        found = re.match(r"\s*(-?\d+)", value or "")
        holds = found is not None and int(found[1]) > header[2]
    _expect(request, "expected_response_headers", holds, f"answer {number}: {name} is {value!r}, expected {header}")


def _check_body(state: Play, request: Request, response: httpx.Response, number: int) -> None:
    if request.get("check_body") is False:
        return
    text = response.text
    if "expected_response_text" in request:
        wanted = request["expected_response_text"]
        _expect(request, "expected_response_text", wanted in (None, text), f"answer {number} is {text!r}, not {wanted!r}")
    elif request.get("response_body") is not None:
        _take_for_granted(text == request["response_body"], f"answer {number} is {text!r}")
    elif response.status_code not in NO_BODY and request.get("request_method") != "HEAD":
        _take_for_granted(text == state.token, f"answer {number} is {text!r}")


# -- what arrived -------------------------------------------------------------------------------------------------------


def _check_arrived(state: Play, responses: list[httpx.Response]) -> None:
    """Compare request by request; one that was answered from the cache has not arrived."""
    waiting = iter(state.arrived)
    for number, (request, response) in enumerate(zip(state.requests, responses, strict=True), 1):
        if request.get("expected_type") == "cached":
            continue
        arrived = next(waiting, None)
        if request.get("expected_type") == "not_cached":
            _expect(request, "expected_type", arrived is not None and arrived.number == number, f"request {number} did not arrive")
        if condition := VALIDATED.get(request.get("expected_type", "")):
            _expect(request, "expected_type", arrived is not None and condition in arrived.headers, f"request {number} has no {condition}")
        _check_request(request, arrived, response, number)


def _check_request(request: Request, arrived: Arrived | None, response: httpx.Response, number: int) -> None:
    expected = [("expected_request_headers", True, header) for header in request.get("expected_request_headers", ())]
    expected += [("expected_request_headers_missing", False, header) for header in request.get("expected_request_headers_missing", ())]
    if arrived is None:
        if expected or "expected_method" in request:
            raise Failed(f"request {number} did not arrive")
        return
    for member, wanted, header in expected:
        name, *values = [header] if isinstance(header, str) else header
        found = arrived.headers.get(name.lower())
        holds = found == str(values[0]) if values else found is not None
        _expect(request, member, holds is wanted, f"request {number}: {name} is {found!r}")
    for name, value in arrived.sent.items():
        if name.lower() != "date":
            _take_for_granted(
                response.headers.get(name) == value, f"answer {number}: {name} is {response.headers.get(name)!r}, not {value!r}"
            )
    method = request.get("expected_method", arrived.method)
    _expect(request, "expected_method", arrived.method == method, f"request {number} came as {arrived.method}, not {method}")
