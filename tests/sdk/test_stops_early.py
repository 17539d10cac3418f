"""A program that leaves a stream on purpose, through a real SDK and on a cassette: it replays as far as it was read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.provider import Provider
from tests.sdk.streams import SOME, Call
from tests.sdk.wire import no_sockets
from wirecache import Cassette, NotRecorded

Read = Callable[[Call, Path, str, str, int | None], list[Any]]


def read(call: Call, folder: Path, url: str, mode: Any, most: int | None) -> list[Any]:
    """Return the first ``most`` events of the stream on a cassette; all if it is None."""
    with Cassette(folder, mode) as cassette, call.sdk.client(cassette, url) as client:
        return call.read(client, most)


def read_async(call: Call, folder: Path, url: str, mode: Any, most: int | None) -> list[Any]:
    async def main() -> list[Any]:
        async with Cassette(folder, mode) as cassette, call.sdk.async_client(cassette, url) as client:
            return await call.read_async(client, most)

    return asyncio.run(main())


@pytest.mark.parametrize("record", [read, read_async], ids=["sync", "async"])
@pytest.mark.parametrize("call", SOME, ids=str)
def test_a_program_that_stops_early_replays_as_far(call: Call, provider: Provider, tmp_path: Path, record: Read) -> None:
    provider.script = lambda _: call.answer(pause=0.01)
    first = record(call, tmp_path, provider.url, "once", 1)
    (file,) = [path for path in tmp_path.glob("*.json") if path.name != "cassette.schema.json"]
    assert json.loads(file.read_text("utf-8"))["response"]["ended"] == "reader"
    with no_sockets() as opened:
        for replay in (read, read_async):
            assert replay(call, tmp_path, provider.url, "none", 1) == first
            with pytest.raises(NotRecorded, match=f"delete {file.name}"):  # no SDK retries or hides it
                replay(call, tmp_path, provider.url, "none", None)
    assert opened == []
    file.unlink()
    whole = record(call, tmp_path, provider.url, "once", None)
    assert whole[:1] == first
    assert read(call, tmp_path, provider.url, "none", None) == whole
    assert provider.calls == 2
