"""Some event loops (nest_asyncio's) close no async generator that the garbage collector finds; Python then writes to standard error.

The libraries leave their own generators to it when a stream is closed early, with the cache and without it. The cache adds none, and a
recorded body closes those that it holds.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.faces.ask import CHAT_PATH, body_of
from tests.faces.face import Face
from tests.provider import Answer, Provider
from tests.provider_events import CHAT, SSE
from wirecache import Cache

pytestmark = pytest.mark.usefixtures("only_new_garbage")


async def read_first(client: Any, url: str) -> None:
    """Read one chunk of a stream, as under a loop of nest_asyncio."""
    sys.set_asyncgen_hooks(None, None)
    async with client:
        async with client.stream("POST", url, json=body_of(stream=True)) as response:
            async for _ in response.aiter_raw():
                break
        gc.collect()


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The exceptions that Python could only write to standard error."""
    found: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda each: found.append(str(each.exc_value)))
    return found


@pytest.mark.parametrize("streams", ["bypass", "record"])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_stream_that_is_closed_early(
    library: str, streams: str, provider: Provider, make_cache: Callable[..., Cache], unraisable: list[str]
) -> None:
    face, url = Face(library, "asyncio"), provider.url + CHAT_PATH
    provider.script = lambda _: Answer(200, {"content-type": SSE}, CHAT, pause=0.01)
    face.run(partial(read_first, face.http.AsyncClient(), url))
    gc.collect()
    without_cache = len(unraisable)
    unraisable.clear()
    face.run(partial(read_first, face.client(make_cache(streams=streams)).native, url))
    gc.collect()
    assert len(unraisable) <= (0 if (library, streams) == ("httpx", "record") else without_cache)
