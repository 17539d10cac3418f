"""``wirecache serve`` as a shell runs it: what it prints, what it refuses, how it stops."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.cli.command import wirecache
from tests.guide.documents import blocks
from tests.programs import AnyProgram, line_of, started
from tests.provider import CHAT, Answer, Provider
from tests.sdk.wire import CHAT_STREAM, Gate
from tests.stores.contract import until
from wirecache import Cache

PATH = "/openai/v1/chat/completions"
BODY = {"model": "m", "messages": []}


class Served:
    """A running command; ``url`` is where it serves, ``lines`` what it has printed first."""

    def __init__(self, process: AnyProgram) -> None:
        assert process.stdout is not None
        self.process = process
        first = process.stdout.readline()
        match = re.match(r"# wirecache serve: (http://\S+?)(?: \(token: (\S+)\))?$", first)
        assert match, first + (process.stderr.read() if process.stderr else "")
        self.url, self.token = match[1], match[2]
        self.exports: dict[str, str] = {}
        while not self.exports.get("OLLAMA_HOST"):
            name, _, value = process.stdout.readline().removeprefix("export ").strip().partition("=")
            self.exports[name] = value

    def post(self, path: str = PATH, **options: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=BODY, trust_env=False, timeout=200, **options)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send the signal, and return the exit status and what was printed since."""
        self.process.send_signal(number)
        out, error = self.process.communicate(timeout=200)
        return self.process.wait(), out, error


@contextmanager
def serve(*arguments: object, cwd: Path, **environment: str) -> Iterator[Served]:
    """Run the command on a free port."""
    with started("-m", "wirecache", "serve", "--port", "0", *arguments, cwd=cwd, env={**os.environ, **environment}) as process:
        yield Served(process)


def test_it_prints_where_a_further_upstream_is(provider: Provider, tmp_path: Path) -> None:
    with serve("--store", "kept", "--upstream", f"lab={provider.url}", cwd=tmp_path) as served:
        assert line_of(served.process) == f"# upstream lab: {served.url}/lab"
        assert served.post("/lab/v1/chat/completions").status_code == 200


def test_it_prints_what_to_export_and_serves_until_it_is_stopped(provider: Provider, tmp_path: Path) -> None:
    with serve("--store", "kept", "--upstream", f"openai={provider.url}", cwd=tmp_path) as served:
        assert served.exports["OPENAI_BASE_URL"] == f"{served.url}/openai/v1"
        assert served.exports["ANTHROPIC_BASE_URL"] == f"{served.url}/anthropic"
        statuses = [served.post(headers={"authorization": "Bearer sk-secret"}).headers["cache-status"] for _ in range(2)]
        code, out, error = served.stop()
    assert ["fwd=miss" in statuses[0], "hit" in statuses[1]] == [True, True]
    assert (code, out) == (0, "")
    assert re.findall(r"POST openai (\S+) 200 (\w+) [\d.]+ ms 282 B", error) == [
        ("/v1/chat/completions", "miss"),
        ("/v1/chat/completions", "hit"),
    ]
    assert "secret" not in error
    with serve("--store", "kept", "--mode", "offline", "--quiet", "--upstream", f"openai={provider.url}", cwd=tmp_path) as served:
        assert served.post().json() == CHAT
        assert served.stop(signal.SIGINT)[::2] == (0, "")
    assert provider.calls == 1


def test_who_is_early_waits(provider: Provider, tmp_path: Path) -> None:
    with started("-m", "wirecache", "serve", "--port", "0", "--upstream", f"openai={provider.url}", cwd=tmp_path) as process:
        url = line_of(process).split()[-1]
        status = httpx.post(url + PATH, json=BODY, trust_env=False, timeout=200).status_code
    assert status == 200


def test_a_cassette_is_recorded_and_replayed(provider: Provider, tmp_path: Path) -> None:
    upstream = ("--upstream", f"openai={provider.url}")
    with serve("--cassette", "tape", "--record", "once", *upstream, cwd=tmp_path) as served:
        assert served.post().json() == CHAT
        code, _, error = served.stop()
        assert code == 0
        assert error.endswith("wirecache: cassette tape: 0 replayed, 1 recorded, 0 live, 0 unused\n")
    with serve("--cassette", "tape", *upstream, cwd=tmp_path) as served:
        assert served.post().json() == CHAT
        assert served.post("/openai/v1/other").status_code == 424
    assert provider.calls == 1


def test_repetitions_are_samples_for_the_life_of_the_server(provider: Provider, tmp_path: Path) -> None:
    provider.script = lambda _: Answer.of({**CHAT, "id": f"answer-{provider.calls}"})
    runs = []
    for _ in range(2):
        with serve("--samples", "--store", "kept", "--upstream", f"openai={provider.url}", cwd=tmp_path) as served:
            runs.append([served.post().json()["id"] for _ in range(3)])
            served.stop()
    assert runs == [["answer-1", "answer-2", "answer-3"]] * 2
    assert provider.calls == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--upstream", "lab"], "--upstream must be NAME=VALUE, got 'lab'"),
        (["--upstream", "lab=nowhere"], "upstream lab: must be a URL"),
        (["--allow-host", "https://a/b"], "an allowed host must be"),
        (["--inject-key", "openai=NOT_SET"], "the variable NOT_SET is not set"),
        (["--inject-key", "nobody=HOME"], "--inject-key must name an upstream"),
        (["--record", "once"], "--record needs --cassette"),
        (["--cassette", "a", "--from", "2"], "--from and --child need --record fork"),
        (["--cassette", "a", "--store", "b"], "cannot be combined"),
        (["--samples", "--workers", "2"], "--samples cannot be combined with --workers"),
        (["--port", "99999"], "Invalid value for '--port'"),
        (["--ttl", "soon"], "ttl must be"),
    ],
)
def test_usage_errors(arguments: list[str], message: str) -> None:
    done = wirecache("serve", "--port", "0", *arguments)
    assert done.code == 2
    assert message in re.sub(r"[│╭╮╰╯─]+ ?", "", done.error).replace("  ", " ")


def test_a_port_in_use() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as used:
        done = wirecache("serve", "--port", str(used.getsockname()[1]))
    assert done.code == 1
    assert "cannot listen on 127.0.0.1" in done.error


def test_other_machines_need_a_token(provider: Provider, tmp_path: Path) -> None:
    upstream = ("--host", "0.0.0.0", "--upstream", f"openai={provider.url}")
    with serve(*upstream, cwd=tmp_path) as served:
        assert len(served.token) >= 32
        assert served.url.startswith("http://127.0.0.1:")
        assert served.exports["OPENAI_BASE_URL"] == f"{served.url}/token/{served.token}/openai/v1"
        assert served.post().status_code == 401
        assert served.post(f"/token/{served.token}{PATH}").status_code == 200
        assert served.token not in served.stop()[2]
    with serve(*upstream, "--no-token", cwd=tmp_path) as served:
        assert served.token is None
        assert served.post().status_code == 200
    with serve("--upstream", f"openai={provider.url}", cwd=tmp_path, WIRECACHE_SERVE_TOKEN="mine") as served:
        assert served.post().status_code == 401
        assert served.post(headers={"x-wirecache-token": "mine"}).status_code == 200


def test_a_key_is_put_in_for_who_sends_the_dummy(provider: Provider, tmp_path: Path) -> None:
    upstreams = ("--upstream", f"openai={provider.url}", "--upstream", f"gemini={provider.url}", "--inject-key", "openai=KEY")
    with serve(*upstreams, "--mode", "off", cwd=tmp_path, KEY="sk-real") as served:
        for headers in ({"authorization": "Bearer wirecache"}, {"x-api-key": "wirecache"}, {"authorization": "Bearer sk-own"}, {}):
            served.post(headers=headers)
        served.post(f"{PATH}?key=wirecache&a=1")
        served.post("/gemini/v1/models/m:generateContent", headers={"authorization": "Bearer wirecache"})
        assert "sk-real" not in "".join(served.stop()[1:])
    sent = [(request.header("authorization"), request.header("x-api-key"), request.path) for request in provider.requests]
    assert sent == [
        ("Bearer sk-real", None, "/v1/chat/completions"),
        (None, "sk-real", "/v1/chat/completions"),
        ("Bearer sk-own", None, "/v1/chat/completions"),
        (None, None, "/v1/chat/completions"),
        (None, None, "/v1/chat/completions?key=sk-real&a=1"),
        ("Bearer wirecache", None, "/v1/models/m:generateContent"),
    ]


def test_the_settings_file_is_heeded_and_read_again(provider: Provider, tmp_path: Path) -> None:
    settings = tmp_path / "wirecache.toml"
    text = f'[serve]\nping_seconds = 1.5\n[serve.upstreams]\nlab = "{provider.url}"\nslow = {{ url = "{provider.url}", timeout = 0.2 }}\n'
    settings.write_text(text)
    may = threading.Event()
    provider.script = lambda request: may.wait(50) and None if "slow" in request.path else None
    with serve(cwd=tmp_path) as served:
        assert served.post("/lab/v1/chat/completions").status_code == 200
        assert served.post("/slow/v1/slow").status_code == 504
        may.set()
        assert served.post("/more/v1/chat/completions").status_code == 404
        settings.write_text(text + f'more = "{provider.url}"\n')
        served.process.send_signal(signal.SIGHUP)
        until(lambda: served.post("/more/v1/chat/completions").status_code == 200, 50)
        settings.write_text("rubbish")
        served.process.send_signal(signal.SIGHUP)
        assert served.post("/more/v1/chat/completions").status_code == 200
        assert "the settings were not reloaded" in served.stop()[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[serve]\nhots = 1", "serve.hots is not a setting; allowed: host, port"),
        ('[serve.upstreams]\nlab = "nowhere"', "upstream lab: must be a URL"),
        ("[serve.upstreams.lab]\ntimeout = 1", "serve.upstreams.lab"),
    ],
)
def test_a_wrong_settings_file(text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wirecache.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    done = wirecache("serve", "--port", "0")
    assert done.code == 2
    assert message in re.sub(r"[│╭╮╰╯─]+ ?", "", done.error).replace("  ", " ")


def takes_calls(served: Served) -> bool:
    try:
        httpx.get(f"{served.url}/-/wirecache/health", trust_env=False)
    except httpx.ConnectError:
        return False
    return True


def test_100_open_streams_end_before_it_stops(provider: Provider, tmp_path: Path) -> None:
    gates = [Gate(CHAT_STREAM) for _ in range(100)]
    waiting = iter(gates)
    provider.script = lambda _: next(waiting).answer()
    bodies: list[bytes] = []

    def call(number: int) -> None:
        body = {**BODY, "stream": True, "user": str(number)}
        bodies.append(httpx.post(served.url + PATH, json=body, trust_env=False, timeout=200).content)

    with serve("--streams", "record", "--store", "kept", "--upstream", f"openai={provider.url}", cwd=tmp_path) as served:
        threads = [threading.Thread(target=call, args=(number,)) for number in range(100)]
        for thread in threads:
            thread.start()
        until(lambda: len(httpx.get(f"{served.url}/-/wirecache/calls", trust_env=False).json()["open"]) == 100, 50)
        served.process.send_signal(signal.SIGTERM)
        until(lambda: not takes_calls(served), 50)
        for gate in gates:
            gate.open()
        for thread in threads:
            thread.join()
        assert served.stop()[0] == 0
    assert bodies == [b"".join(CHAT_STREAM)] * 100
    stored = wirecache("stats", "--store", tmp_path / "kept", "--json").json
    assert "100" in str(stored)


def test_a_stream_that_does_not_end_is_cut_at_the_limit(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "wirecache.toml").write_text("[serve]\ngrace_seconds = 1.0\n")
    forever = threading.Event()
    provider.script = lambda _: Answer(
        200, {"content-type": "text/event-stream"}, (b"data: 1\n\n" for _ in iter(lambda: forever.wait(0.1), True))
    )
    with serve("--upstream", f"openai={provider.url}", cwd=tmp_path) as served:
        with httpx.stream("POST", served.url + PATH, json=BODY, trust_env=False) as response:
            pieces = response.iter_raw()
            next(pieces)
            started = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)
        assert served.process.wait(50) == 0
    assert time.monotonic() - started > 0.9
    forever.set()


def test_a_fork(provider: Provider, tmp_path: Path) -> None:
    upstream = ("--quiet", "--upstream", f"openai={provider.url}")
    with serve("--cassette", "tape", "--record", "once", *upstream, cwd=tmp_path) as served:
        served.post()
    with serve("--cassette", "tape", "--record", "fork", "--from", "2", *upstream, cwd=tmp_path) as served:
        statuses = [served.post().headers["cache-status"].split("; ")[1] for _ in range(2)]
        _, _, error = served.stop()
    assert statuses == ["hit", "fwd=miss"]
    child = tmp_path / "tape-fork"
    assert error.endswith(f"1 replayed, 1 recorded, 0 live, 0 unused; live from step 2, written to {child}\n")
    assert len(list(child.glob("chat-*.json"))) == 1, "both answers were the same"


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


EARLY = """
import os, runpy, signal, sys, time, uvicorn

def run(self, *arguments, **options):
    os.kill(os.getppid() if "--workers" in sys.argv else os.getpid(), signal.SIGTERM)
    deadline = time.monotonic() + 20
    while not self.should_exit and time.monotonic() < deadline:
        time.sleep(0.01)
    return original(self, *arguments, **options)

original, uvicorn.Server.run = uvicorn.Server.run, run
runpy.run_module("wirecache", run_name="__main__")
"""


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["one process", "workers"])
def test_a_signal_that_comes_before_the_server_runs_stops_it(workers: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-c", EARLY, "serve", "--port", "0", "--store", "kept", *workers]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it looks for the workers in /proc")
class TestWorkers:
    def test_equal_calls_of_all_workers_share_a_forward_and_all_stop(self, provider: Provider, tmp_path: Path) -> None:
        provider.delay = 0.5
        with serve("--workers", 3, "--store", "kept", "--upstream", f"openai={provider.url}", cwd=tmp_path) as served:
            with ThreadPoolExecutor(12) as pool:
                answers = list(pool.map(lambda _: served.post(), range(12)))
            assert [answer.status_code for answer in answers] == [200] * 12
            assert provider.calls == 1
            workers = children_of(served.process.pid)
            assert len(workers) == 3
            code, _, error = served.stop()
        assert code == 0
        assert error.count(" 200 ") == 12
        assert "Traceback" not in error
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
        with Cache(tmp_path / "kept") as cache:
            assert sum(day.calls for day in cache.history().values()) == 12  # what each has counted is kept

    def test_one_that_dies_is_replaced_and_all_end_with_the_first_process(self, provider: Provider, tmp_path: Path) -> None:
        with serve("--workers", 2, "--quiet", "--store", "kept", "--upstream", f"openai={provider.url}", cwd=tmp_path) as served:
            until(lambda: len(children_of(served.process.pid)) == 2)
            before = children_of(served.process.pid)
            os.kill(before[0], signal.SIGKILL)
            until(lambda: len(children_of(served.process.pid)) == 2 and before[0] not in children_of(served.process.pid))
            assert served.post().status_code == 200
            workers = children_of(served.process.pid)
            served.process.kill()
            until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))

    def test_who_comes_while_they_stop_is_refused_at_once(self, provider: Provider, tmp_path: Path) -> None:
        def is_refused() -> bool:
            try:
                socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=200).close()
            except ConnectionRefusedError:
                return True
            return False

        gate = Gate(CHAT_STREAM)
        provider.script = lambda _: gate.answer()
        options = ("--workers", 2, "--quiet", "--store", "kept", "--upstream", f"openai={provider.url}")
        with serve(*options, cwd=tmp_path) as served:
            with httpx.stream("POST", served.url + PATH, json={**BODY, "stream": True}, trust_env=False, timeout=200) as response:
                pieces = response.iter_raw()
                first = next(pieces)
                served.process.send_signal(signal.SIGTERM)
                until(is_refused, 60)
                gate.open()
                assert first + b"".join(pieces) == b"".join(CHAT_STREAM)
            assert served.process.wait(200) == 0

    def test_the_numbers_are_those_of_all_workers_whichever_is_asked(self, provider: Provider, tmp_path: Path) -> None:
        def numbers() -> dict[str, str]:
            text = httpx.get(served.url + "/-/wirecache/metrics", trust_env=False, timeout=200).text
            return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

        def written() -> int:
            files = [json.loads(path.read_text()) for path in tmp_path.glob("wirecache-serve-*/*.json")]
            return sum(sum(families["hits_total"].values()) + sum(families["misses_total"].values()) for families in files)

        options = ("--workers", 2, "--quiet", "--store", "kept", "--upstream", f"openai={provider.url}")
        with serve(*options, cwd=tmp_path, TMPDIR=str(tmp_path)) as served:
            for _ in range(10):
                served.post()
            until(lambda: written() == 10)
            assert {name: value for name, value in numbers().items() if "calls" in name} == {
                'wirecache_proxy_calls_total{upstream="openai",method="POST",status="200",outcome="miss"}': "1",
                'wirecache_proxy_calls_total{upstream="openai",method="POST",status="200",outcome="hit"}': "9",
                "wirecache_proxy_open_calls": "0",
            }
            workers = children_of(served.process.pid)
            for pid in workers:  # what they have counted stays counted
                os.kill(pid, signal.SIGKILL)
            until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
            served.post()
            until(lambda: written() == 11)
            found = numbers()
            assert (found["wirecache_misses_total"], found["wirecache_hits_total"]) == ("1", "10")
            code, _, error = served.stop()
        assert (code, "Traceback" in error) == (0, False)
        assert not list(tmp_path.glob("wirecache-serve-*"))

    @pytest.mark.parametrize(
        ("options", "problem"),
        [(["--cassette", "tapes"], "its sequences are those of one process"), (["--store", "memory://"], "a store that processes share")],
    )
    def test_where_there_cannot_be_several(self, options: list[str], problem: str) -> None:
        done = wirecache("serve", "--workers", "2", *options)
        assert (done.code, problem in done.error) == (2, True), done.error


def test_the_containers_of_the_guide_are_ready_and_share_redis(redis_url: str, provider: Provider, tmp_path: Path) -> None:
    """What the Dockerfile runs, with the environment that the compose file gives it: there is no Docker to do it here."""
    found = {block.language: block.text for block in blocks("dockerfile", "yaml") if block.path.name == "serve.md"}
    command: list[str] = json.loads(re.findall(r"^CMD (\[.+\])$", found["dockerfile"], re.MULTILINE)[0])
    health: list[str] = json.loads(re.findall(r"^HEALTHCHECK CMD (\[.+\])$", found["dockerfile"], re.MULTILINE)[0])
    services = yaml.safe_load(found["yaml"])["services"]
    assert services["wirecache"]["environment"]["WIRECACHE_STORE"] == "redis://redis"
    assert set(services["wirecache"]["depends_on"]) <= services.keys()
    environment = {"WIRECACHE_STORE": redis_url, "WIRECACHE_SERVE_TOKEN": "a-token", "HOME": "/nonexistent"}
    assert command[:2] == ["wirecache", "serve"]
    options = [*command[2:], "--namespace", "containers", "--upstream", f"openai={provider.url}"]
    outcomes = []
    for _ in range(2):  # containers that follow each other
        with serve(*options, cwd=tmp_path, **environment) as served:
            port = served.url.rpartition(":")[2]
            subprocess.run([sys.executable, *(part.replace(":4141", f":{port}") for part in health[1:])], check=True, timeout=20)
            outcomes.append(served.post(f"/token/a-token{PATH}").headers["cache-status"])
            assert served.post().status_code == 401
            assert served.stop()[0] == 0
    assert ["fwd=miss" in outcomes[0], "hit" in outcomes[1]] == [True, True]
