"""How long is the event loop held up? ``python -m tests.benchmarks.heartbeat``

A task that wants to wake every millisecond notes how late it is, while 64 calls at once get answers of 200 KB: on a plain client, then
on the cache, all misses, then all hits. The provider runs in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from typing import Any

import httpx

from tests.faces.face import TLS
from tests.provider import CHAT, Answer, Provider
from wirecache import Cache
from wirecache.httpx import cached_async_client

CALLS = 64
LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)  # those of cached clients, as SDKs recommend
ANSWER = {**CHAT, "more": "x" * 200_000}


def serve(pipe: Connection) -> None:
    provider = Provider()
    provider.script = lambda _: Answer.of(ANSWER)
    pipe.send(provider.url)
    pipe.recv()


async def heartbeat(gaps: list[float]) -> None:
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        gaps.append(time.perf_counter() - start - 0.001)


async def measured(client: httpx.AsyncClient, url: str) -> list[float]:
    gaps: list[float] = []
    await client.post(url, json={"model": "warm up"})  # what is imported at first use
    beating = asyncio.create_task(heartbeat(gaps))
    await asyncio.sleep(0.05)
    gaps.clear()

    async def call(at: int) -> None:
        (await client.post(url, json={"model": "m", "messages": [{"role": "user", "content": str(at)}]})).raise_for_status()

    await asyncio.gather(*map(call, range(CALLS)))
    await asyncio.sleep(0.01)
    beating.cancel()
    return sorted(gaps)


async def main(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, client in (
            ("a plain client", httpx.AsyncClient(verify=TLS, timeout=60, limits=LIMITS)),
            ("the cache, misses", cached_async_client(cache := Cache(folder), verify=TLS, timeout=60)),
            ("the cache, hits", cached_async_client(cache, verify=TLS, timeout=60)),
        ):
            async with client:
                gaps = await measured(client, url)
            hits = f" ({cache.stats.hits} hits so far)" if "cache" in name else ""
            print(f"{name:20} worst {max(gaps, default=0) * 1000:6.1f} ms, median {_median(gaps) * 1000:5.2f} ms{hits}")


def _median(values: list[Any]) -> float:
    return float(values[len(values) // 2]) if values else 0.0


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    asyncio.run(main(ours.recv() + "/v1/chat/completions"))
    ours.send(None)
