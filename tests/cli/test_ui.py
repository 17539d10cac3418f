"""``wirecache ui`` as a process of its own: what it prints, what it serves, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.command import entry, fill, wirecache
from wirecache import Cache, RedisStore

ROOT = Path(__file__).parents[2]


@contextmanager
def ui(*options: str | Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command; yield it and the address that it printed."""
    command = [sys.executable, "-m", "wirecache", "ui", *map(str, options)]
    given = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=given, **pipes) as running:  # type: ignore[call-overload]
        try:
            line = running.stdout.readline()
            found = re.fullmatch(r"wirecache ui: (http://\S+)\n", line)
            assert found, line + running.stderr.read()
            yield running, found[1]
        finally:
            running.kill()


def page(address: str, path: str = "/") -> str:
    """Return a page as a browser gets it: the token becomes a cookie first."""
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=30) as client:
        client.get(address).raise_for_status()
        return client.get(httpx.URL(address).copy_with(path=path, query=None)).raise_for_status().text


def test_it_serves_on_loopback_with_a_token_and_ends_with_a_signal(tmp_path: Path) -> None:
    fill(tmp_path / "store", [entry("What is a cache?", "A memory.")])
    with ui("--no-open", tmp_path / "store") as (running, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{20,}", address)
        assert httpx.get(address.partition("?")[0], trust_env=False).status_code == 401
        assert "What is a cache?" in page(address)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
        assert "Traceback" not in errors
        assert address not in errors


def test_it_opens_the_address_in_the_browser(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\nprintf %s \"$1\" > '{opened}.tmp' && mv '{opened}.tmp' '{opened}'\n")
    browser.chmod(0o700)
    with ui(tmp_path / "store", BROWSER=f"{browser} %s") as (running, address):
        running.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
        assert page(address)  # it serves after it has opened
        assert opened.read_text() == address


def test_redis_is_a_store_to_look_at_and_to_change(redis_url: str) -> None:
    url = f"{redis_url}?prefix=pages:"
    with Cache(RedisStore(redis_url, prefix="pages:")) as cache:
        cache.engine.source.save(one := entry("In Redis?", "Yes."))
    with ui("--no-open", "--no-token", url) as (_, address):
        assert "token" not in address
        assert "In Redis?" in page(address)
        assert "Yes." in page(address, f"/x/0/{one.key}")
        form = {"do": "discard", "x": f"0/{one.key}"}
        done = httpx.post(f"{address}actions", data=form, headers={"origin": address.rstrip("/")}, trust_env=False, timeout=30)
        assert done.status_code == 303
    with Cache(RedisStore(redis_url, prefix="pages:")) as cache:
        assert cache.get(one.key) is None


def test_a_redis_that_is_not_there_is_said_on_the_page(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with ui("--no-open", f"redis://127.0.0.1:{port}") as (_, address):
        assert "127.0.0.1" in (text := page(address))
        assert "connect" in text.lower()


def test_an_address_in_use_or_reached_by_others(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = wirecache("ui", "--no-open", "--port", str(taken.getsockname()[1]), tmp_path)
    assert done.code == 1
    assert "choose another --port, or 0 for a free one" in done.error
    with ui("--no-open", "--host", "0.0.0.0", tmp_path) as (running, address):
        assert address.startswith("http://127.0.0.1:")
        assert page(address)
        running.send_signal(signal.SIGINT)
        assert "can be reached from other machines" in running.communicate(timeout=20)[1]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--proxy", "127.0.0.1:4141"], "must be the URL that wirecache serve printed"),
        (["--git", "--output=x"], "range"),
    ],
)
def test_wrong_options(options: list[str], problem: str, tmp_path: Path) -> None:
    done = wirecache("ui", "--no-open", *options, tmp_path)
    assert (done.code, problem in done.error) == (2, True), done.error
