"""Two libraries whose classes are distinct, until ``httpx2.alias_httpx()`` makes one of them."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import wirecache
from tests.faces.ask import body_of
from tests.faces.face import FACES, Face
from tests.provider import CHAT_EVENTS, Provider, events
from wirecache import Cache, ConfigError

ROOT = Path(__file__).parents[2]


async def test_a_request_of_the_other_library(face: Face, provider: Provider, cache: Cache) -> None:
    other = Face("httpx2" if face.library == "httpx" else "httpx", face.colour)
    async with other.plain_client(transport=face.cache_transport(cache, face.network())) as client:
        for method, path in (("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("PUT", "/")):
            with pytest.raises(TypeError) as caught:
                await client.request(method, provider.url + path)
            message = str(caught.value)
            assert f"for {face.library} " in message
            assert f"of {other.library} " in message
            assert f"library='{other.library}'" in message
    assert provider.calls == 0


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_the_library_is_picked(library: str, cache: Cache) -> None:
    with wirecache.cached_client(cache, library=library, verify=False) as client:
        assert type(client) is Face(library, "sync").http.Client
    assert type(wirecache.cached_async_client(cache, library=library, verify=False)) is Face(library, "asyncio").http.AsyncClient


def test_httpx2_is_the_default(cache: Cache) -> None:
    with wirecache.cached_client(cache, verify=False) as client:
        assert type(client).__module__.startswith("httpx2")
    assert type(wirecache.cached_async_client(cache, verify=False)).__module__.startswith("httpx2")


def test_a_library_that_is_none() -> None:
    with pytest.raises(ConfigError, match="library must be 'httpx' or 'httpx2', or None"):
        wirecache.cached_client(library="requests")  # type: ignore[call-overload]


@pytest.mark.parametrize("colour", ["sync", "asyncio", "trio"])
def test_two_libraries_on_one_cache(colour: str, provider: Provider, cache: Cache) -> None:
    async def call(face: Face) -> bool:
        async with face.client(cache) as client:
            return (await client.post(provider.url + "/v1/chat/completions", json=body_of())).cache_status.hit

    faces = [Face(library, colour) for library in ("httpx", "httpx2", "httpx")]
    assert [face.run(partial(call, face)) for face in faces] == [False, True, True]


@pytest.mark.parametrize("face", [face for face in FACES if face.library == "httpx2"], ids=str)
async def test_server_sent_events_of_httpx2(face: Face, provider: Provider, cache: Cache) -> None:
    """Its own ``client.sse()`` sends a GET that no cache may touch."""
    provider.script = lambda _: events(*CHAT_EVENTS)
    async with face.client(cache) as client:
        got = []
        if face.is_async:
            async with client.native.sse(provider.url + "/events") as source:
                got.extend([event.data async for event in source])
        else:
            with client.native.sse(provider.url + "/events") as source:
                got.extend(event.data for event in source)
    assert (len(got), got[-1]) == (4, "[DONE]")
    assert (cache.stats.hits, cache.stats.stored) == (0, 0)


ALIASED = """
import sys
import httpx2
httpx2.alias_httpx()
import httpx
assert httpx is httpx2
import wirecache.httpx
assert wirecache.httpx.httpx.Client is httpx2.Client
import pytest
folder = "tests/faces/"
files = [folder + name for name in ("test_hit.py", "test_streams.py")]
options = ["-p", "no:cacheprovider", "-k", "httpx-", "--basetemp", sys.argv[1]]
options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # anyio is imported already, by the library
sys.exit(pytest.main([*files, *options]))
"""


def test_under_the_alias(tmp_path: Path) -> None:
    """The faces of httpx pass their tests when httpx means httpx2."""
    command = [sys.executable, "-c", ALIASED, str(tmp_path / "aliased")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
    assert "failed" not in done.stdout
