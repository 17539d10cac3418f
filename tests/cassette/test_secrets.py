"""A secret is in no file, wherever it stood; and with another one the recording is found all the same."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.jsons import documents
from tests.core.privacy.samples import IN_CONTEXT, SECRETS
from wirecache import Cassette
from wirecache.httpx import cached_client

Open = Callable[..., Cassette]
URL = "https://api.example/v1/chat/completions"
FORM = "application/x-www-form-urlencoded"
PASSWORD = "hunter2-correct-horse"  # known by the name of its member only

Sent = dict[str, Any]

# Where a secret may stand in a request: what is given to httpx for it.
PLACES: dict[str, Callable[[str], Sent]] = {
    "authorization": lambda secret: {"headers": {"authorization": f"Bearer {secret}"}},
    "a key's header": lambda secret: {"headers": {"x-api-key": secret}},
    "a header that counts": lambda secret: {"headers": {"openai-beta": secret}},
    "cookie": lambda secret: {"headers": {"cookie": f"session={secret}"}},
    "query": lambda secret: {"url": f"{URL}?q={quote(secret, safe='')}"},
    "credential of the query": lambda secret: {"url": f"{URL}?api_key={quote(secret, safe='')}&v=1"},
    "refresh token of the query": lambda secret: {"url": f"{URL}?refresh_token={quote(secret, safe='')}&v=1"},
    "part by name": lambda secret: {"files": {"password": (None, secret.encode())}},
    "path": lambda secret: {"url": f"https://api.example/t/{quote(secret, safe='')}/x"},
    "member": lambda secret: {"json": {"api_key": secret}},
    "prompt": lambda secret: {"json": {"messages": [{"role": "user", "content": f"It is {secret} - keep it."}]}},
    "tool call": lambda secret: {"json": {"arguments": json.dumps({"header": secret})}},
    "name of a member": lambda secret: {"json": {secret: 1}},
    "model": lambda secret: {"json": {"model": secret}},
    "part": lambda secret: {"files": {"file": ("a.txt", f"It is {secret}".encode())}},
    "part of lines": lambda secret: {"files": {"file": ("a.jsonl", json.dumps({"content": secret}).encode() + b"\n{}\n")}},
    "field of a form": lambda secret: {"data": {"note": f"It is {secret}"}},
    "text": lambda secret: {"content": f"It is {secret}", "headers": {"content-type": "text/plain"}},
    "lines of JSON": lambda secret: {"content": json.dumps({"content": secret}) + "\n{}\n", "headers": {"content-type": "text/plain"}},
}
# And in an answer.
ANSWERS: dict[str, Callable[[str], httpx.Response]] = {
    "header": lambda secret: httpx.Response(200, headers={"x-note": secret}, json={}),
    "set-cookie": lambda secret: httpx.Response(200, headers={"set-cookie": f"session={secret}"}, json={}),
    "location": lambda secret: httpx.Response(302, headers={"location": f"https://h/x?token={quote(secret, safe='')}"}),
    "link": lambda secret: httpx.Response(200, headers={"link": f"<https://h/x?sig={quote(secret, safe='')}>; rel=next"}, json={}),
    "member": lambda secret: httpx.Response(200, json={"client_secret": {"value": secret}}),
    "text": lambda secret: httpx.Response(200, json={"choices": [{"message": {"content": f"It is {secret}."}}]}),
    "error": lambda secret: httpx.Response(401, json={"error": {"message": f"Incorrect API key provided: {secret}"}}),
    "plain": lambda secret: httpx.Response(500, text=f"upstream said {secret}"),
    "event": lambda secret: httpx.Response(
        200,
        headers={"content-type": "text/event-stream"},
        content=[b"data: " + json.dumps({"choices": [{"delta": {"content": secret}}]}).encode() + b"\n\n", b"data: [DONE]\n\n"],
    ),
    "comment of a stream": lambda secret: httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content=[f": {secret}\n\n".encode(), b"data: [DONE]\n\n"]
    ),
    "line": lambda secret: httpx.Response(
        200, headers={"content-type": "application/x-ndjson"}, content=[json.dumps({"a": secret}).encode() + b"\n", b"{}\n"]
    ),
}
SHAPES = {**{name: (secret, secret) for name, secret in SECRETS.items()}, **IN_CONTEXT}


def send(tape: Cassette, answer: httpx.Response | None = None, **sent: Any) -> httpx.Response:
    """Send it as it is, with that answer behind the cassette."""

    def respond(_: httpx.Request) -> httpx.Response:
        assert answer is not None, "nothing may be sent"
        return answer

    with cached_client(tape, transport=httpx.MockTransport(respond), follow_redirects=False) as client:
        return client.request("POST", sent.pop("url", URL), **sent)


def held(folder: Path) -> str:
    """All that is in the files, and their names."""
    return "\n".join(f"{path.name}\n{path.read_bytes().decode('latin-1')}" for path in folder.rglob("*") if path.is_file())


def bare(secret: str) -> str:
    """The part of a secret that no encoding changes."""
    return max(secret.replace("%", "/").replace("=", "/").replace(":", "/").replace("+", "/").replace(".", "/").split("/"), key=len)


@pytest.mark.parametrize("place", PLACES)
def test_a_request(tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str) -> None:
    """Each shape in a cassette of its own. One test for all of them: as many tests took twice as long."""
    caplog.set_level(logging.DEBUG, "wirecache")
    for number, (shape, (text, secret)) in enumerate(SHAPES.items()):
        folder = tmp_path / str(number)
        caplog.clear()
        try:
            with Cassette(folder, "once") as tape:
                live = send(tape, httpx.Response(200, json={"choices": []}), **PLACES[place](text))
        except (httpx.InvalidURL, httpx.LocalProtocolError, ValueError):
            continue  # what HTTP cannot carry in that place
        assert live.status_code == 200, shape
        assert bare(secret) not in held(folder), shape
        assert not any(bare(secret) in message for message in caplog.messages), shape
        with Cassette(folder) as tape:
            assert send(tape, **PLACES[place](text)).status_code == 200, shape


@pytest.mark.parametrize("place", ANSWERS)
def test_an_answer(tmp_path: Path, place: str) -> None:
    for number, (shape, (text, secret)) in enumerate(SHAPES.items()):
        folder = tmp_path / str(number)
        text = text.replace("\n", " ") if place in ("header", "comment of a stream") and shape != "a private key" else text
        if "\n" in text and place in ("header", "comment of a stream", "set-cookie"):
            continue  # what HTTP cannot carry in that place
        with Cassette(folder, "once") as tape:
            send(tape, ANSWERS[place](text), json={})
        assert bare(secret) not in held(folder), shape
        with Cassette(folder) as tape:
            replayed = send(tape, json={})
        assert bare(secret) not in replayed.text + str(replayed.headers), shape


OTHERS = {"openai": "sk-" + "T3stOnly" * 5, "dummy": "dummy", "google": "AI" + "zaSy" + "0123456789abcdefghijklmnopqrstuvw"}


@pytest.mark.parametrize("place", ["authorization", "a key's header", "cookie", "credential of the query", "member"])
@pytest.mark.parametrize("other", OTHERS)
def test_the_dummy_key_of_ci(cassette: Open, place: str, other: str) -> None:
    send(cassette("once"), httpx.Response(200, json={"a": 1}), **PLACES[place](SECRETS["openai project"]))
    assert send(cassette(), **PLACES[place](OTHERS[other])).json() == {"a": 1}


def test_no_key_at_all(cassette: Open) -> None:
    send(cassette("once"), httpx.Response(200, json={"a": 1}), headers={"authorization": f"Bearer {SECRETS['groq']}"}, url=URL + "?key=x1")
    assert send(cassette()).json() == {"a": 1}


@pytest.mark.parametrize("place", [place for place in PLACES if place not in ("authorization", "a key's header", "cookie")])
def test_another_secret_of_the_same_shape(cassette: Open, place: str) -> None:
    one = "gsk" + "_aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD"
    send(cassette("once"), httpx.Response(200, json={"a": 1}), **PLACES[place](one))
    assert send(cassette(), **PLACES[place](one[:-6] + "zzzzzz")).json() == {"a": 1}
    by_name = place in ("credential of the query", "refresh token of the query", "part by name", "member")
    assert send(cassette(), **PLACES[place]("something else")).status_code == (200 if by_name else 424)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"json": {"password": PASSWORD}}, id="member"),
        pytest.param({"json": [{"deep": {"clientSecret": PASSWORD}}]}, id="member, deep"),
        pytest.param({"data": {"password": PASSWORD, "a": "1"}}, id="form"),
        pytest.param({"files": {"f": ("a.json", json.dumps({"api_key": PASSWORD}).encode())}}, id="part"),
        pytest.param({"files": {"f": ("a.jsonl", b"{}\n" + json.dumps({"api_key": PASSWORD}).encode() + b"\n")}}, id="part of lines"),
        pytest.param({"files": {"f": ("a.json", json.dumps({"api_key": PASSWORD}).encode())}, "data": {"x": "1"}}, id="parts"),
        pytest.param({"url": f"{URL}?token={PASSWORD}"}, id="query"),
        pytest.param({"content": f'{{"api_key": "{PASSWORD}", "api_key": 2}}'}, id="JSON with a name twice"),
        pytest.param({"content": json.dumps({"api_key": PASSWORD}) + "\n{}\n"}, id="lines"),
        pytest.param({"files": {"f": (f"{SECRETS['groq']}.txt", b"x")}}, id="file name"),
    ],
)
def test_what_is_secret_by_its_name(cassette: Open, folder: Path, sent: Sent) -> None:
    send(cassette("once"), httpx.Response(200, json={"a": 1}), **sent)
    assert PASSWORD not in held(folder)
    assert SECRETS["groq"] not in held(folder)
    assert send(cassette(), **sent).json() == {"a": 1}


PATTERNS: list[Any] = ["cust-[0-9]+", r"ticket (?P<secret>T\d+)"]


@pytest.mark.parametrize("place", [place for place in PLACES if place not in ("authorization", "a key's header", "cookie")])
def test_patterns_of_the_user(cassette: Open, folder: Path, place: str) -> None:
    tape = cassette("once", redact=PATTERNS)
    send(tape, httpx.Response(200, json={"said": "cust-12 has ticket T7"}, headers={"x-a": "cust-12"}), **PLACES[place]("cust-12"))
    text = held(folder)
    assert "cust-12" not in text
    assert '"cust-' not in text
    assert "ticket REDACTED" in text
    assert send(cassette(redact=PATTERNS), **PLACES[place]("cust-99")).json() == {"said": "REDACTED has ticket REDACTED"}


def test_a_recording_that_was_made_with_fewer_patterns_is_found(cassette: Open) -> None:
    """The key is made of what is in the file, by the patterns of today."""
    send(cassette("once"), httpx.Response(200, json={"a": 1}), **PLACES["prompt"]("cust-12"))
    assert send(cassette(redact=PATTERNS), **PLACES["prompt"]("cust-12")).json() == {"a": 1}


# -- what is recorded is found again, whatever it was -------------------------------------------------------------------

names = st.sampled_from(["api_key", "password", "a", "Content"])
bodies = st.one_of(
    documents.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.lists(documents, max_size=4).map(lambda values: b"".join(json.dumps(value).encode() + b"\n" for value in values)),
    st.dictionaries(names, st.sampled_from([PASSWORD, SECRETS["groq"], "x", "", None])).map(lambda value: json.dumps(value).encode()),
)
types = st.sampled_from(["application/json", "text/plain", FORM, "application/octet-stream", ""])


@settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies, content_type=types, as_part=st.booleans())
def test_any_request_is_found_again(tmp_path_factory: pytest.TempPathFactory, body: bytes, content_type: str, as_part: bool) -> None:
    folder = tmp_path_factory.mktemp("any")
    headers = {"content-type": content_type} if content_type and not as_part else {}
    sent: Sent = {"files": {"f": ("a", body)}} if as_part else {"content": body, "headers": headers}
    send(Cassette(folder, "once"), httpx.Response(200, json={"a": 1}), **sent)
    assert send(Cassette(folder), **sent).status_code == 200
    assert SECRETS["groq"] not in held(folder)
