"""``wirecache run --proxy``: a program of any language uses the cache by its environment, and runs as without it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.test_run import run
from tests.programs import line_of, started
from tests.provider import CHAT, Provider
from wirecache import Cassette, cached_client

CALL = """
import json, os, sys, urllib.request
body = json.dumps({"model": "m", "messages": []}).encode()
headers = {"content-type": "application/json", "authorization": "Bearer sk"}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, headers)
try:
    answer = urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.headers["cache-status"].split(";")[1], json.load(answer).get("id"))
"""
CURL = """curl -s "$OPENAI_BASE_URL/chat/completions" -H 'content-type: application/json' -d '{"model":"m","messages":[]}'"""


def test_a_base_url_that_is_set_becomes_the_upstream(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "call.py").write_text(CALL)
    given = {"OPENAI_BASE_URL": f"{provider.url}/v1"}
    assert run("--proxy", "--store", "kept", "call.py", cwd=tmp_path, **given)[:2] == (0, "200  fwd=miss chatcmpl-1\n")
    code, out, error = run("--proxy", "--store", "kept", "--", sys.executable, "call.py", cwd=tmp_path, **given)
    assert (code, out) == (0, "200  hit chatcmpl-1\n")
    assert "1 hit, 0 misses" in error
    assert provider.requests[0].path == "/v1/chat/completions"
    assert provider.calls == 1


OWN_CACHE = """
import os, sys, httpx, wirecache
if sys.argv[1] == "install":
    wirecache.install()
client = wirecache.cached_client(library="httpx") if sys.argv[1] == "client" else httpx.Client()
for number in range(6):
    url = os.environ["OPENAI_BASE_URL"] if number < 3 else sys.argv[2]
    print(client.post(url + "/chat/completions", json={"model": "m", "messages": [], "seed": number}).status_code, end=" ")
"""


@pytest.mark.parametrize("own", ["install", "client"])
@pytest.mark.parametrize("place", ["option", "variable", "file"])
def test_a_program_with_a_cache_of_its_own_is_counted_once(own: str, place: str, provider: Provider, tmp_path: Path) -> None:
    """Its calls over the proxy are counted by the proxy, its other calls by itself, in the same budget."""
    (tmp_path / "program.py").write_text(OWN_CACHE)
    given = {"OPENAI_BASE_URL": f"{provider.url}/v1"}
    if place == "variable":
        given |= {"WIRECACHE_BUDGET": "calls=5", "WIRECACHE_RUN": "this"}
    if place == "file":
        (tmp_path / "wirecache.toml").write_text("[budget]\ncalls = 5\n")
    options = ["--max-calls", "5"] if place == "option" else []
    code, out, error = run("--proxy", *options, "program.py", own, f"{provider.url}/v1", cwd=tmp_path, **given)
    assert (code, out) == (0, "200 200 200 200 200 424 "), error
    assert provider.calls == 5


def test_a_cassette_of_it_replays_in_python(provider: Provider, tmp_path: Path) -> None:
    given = {"OPENAI_BASE_URL": f"{provider.url}/v1"}
    record = ("--proxy", "--cassette", "tape", "--record", "once", "--", "sh", "-c", CURL)
    if shutil.which("curl") is None:
        (tmp_path / "call.py").write_text(CALL)
        record = (*record[:-3], "call.py")
    code, _, error = run(*record, cwd=tmp_path, **given)
    assert code == 0, error
    assert "1 recorded" in error
    with Cassette(tmp_path / "tape") as cassette, cached_client(cassette) as client:
        assert client.post(f"{provider.url}/v1/chat/completions", json={"model": "m", "messages": []}).json() == CHAT
    (tmp_path / "call.py").write_text(CALL)
    assert run("--proxy", "--cassette", "tape", "call.py", cwd=tmp_path, **given)[1] == "200  hit chatcmpl-1\n"
    assert provider.calls == 1


def test_only_the_environment_differs(tmp_path: Path) -> None:
    (tmp_path / "show.py").write_text("import json, os, sys; print(json.dumps(dict(os.environ))); print(sys.argv, sys.stdin.read())")
    variables, rest = run("--proxy", "show.py", "--proxy", "a b", cwd=tmp_path, OPENAI_BASE_URL="http://lab/v1")[1].splitlines()
    changed = json.loads(variables)
    assert changed["OPENAI_BASE_URL"].endswith("/openai/v1")
    assert changed["ANTHROPIC_BASE_URL"].startswith("http://127.0.0.1:")
    assert "WIRECACHE_INSTALL" not in changed
    assert "PYTHONPATH" not in changed or "_child" not in changed["PYTHONPATH"]
    assert rest == "['show.py', '--proxy', 'a b'] "


def test_a_proxy_to_the_outside_is_not_asked_for_this_one(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "call.py").write_text(CALL)
    outside = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "NO_PROXY": "localhost,127.0.0.1"}
    given = {"OPENAI_BASE_URL": f"{provider.url}/v1", **outside}
    assert run("--proxy", "call.py", cwd=tmp_path, **given)[1] == "200  fwd=miss chatcmpl-1\n"


@pytest.mark.parametrize(
    ("program", "status"), [("import sys; sys.exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 128 + 9), ("pass", 0)]
)
def test_the_exit_status_is_that_of_the_program(program: str, status: int, tmp_path: Path) -> None:
    assert run("--proxy", "--", sys.executable, "-c", program, cwd=tmp_path)[0] == status


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    code, _, error = run("--proxy", "--", str(tmp_path / "nothing"), cwd=tmp_path)
    assert code in (2, 127)
    assert "nothing" in error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_program(number: int, tmp_path: Path) -> None:
    (tmp_path / "wait.py").write_text(
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(11))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(0.01)"  # a signal just before signal.pause() would be met after the next one
    )  # fmt: skip
    with started("-m", "wirecache", "run", "--proxy", "wait.py", cwd=tmp_path) as process:
        assert line_of(process) == "ready"
        process.send_signal(number)
        assert process.wait(50) == 11


def test_codex_is_led_by_its_own_option(tmp_path: Path) -> None:
    codex = tmp_path / "codex"
    codex.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    codex.chmod(0o755)
    code, out, _ = run("--proxy", "--", "codex", "exec", "hi", cwd=tmp_path, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert code == 0
    option, setting, *rest = out.splitlines()
    assert (option, rest) == ("-c", ["exec", "hi"])
    assert setting.startswith('openai_base_url="http://127.0.0.1:')
    assert setting.endswith('/openai/v1"')


def test_usage_errors(tmp_path: Path) -> None:
    assert run("--upstream", "a=http://b", "x.py", cwd=tmp_path)[0] == 2
    assert run("--proxy", "--upstream", "a=b", "--", "true", cwd=tmp_path)[0] == 2
    assert run("--proxy", "--record", "once", "--", "true", cwd=tmp_path)[0] == 2
