"""One process of the soak: threads and an event loop that make all kinds of calls, and check each answer.

python -m tests.soak.worker STORE URL SEED: a line of JSON each second until standard input ends.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import httpx2

import wirecache
from tests.faces.ask import CHAT_PATH, body_of
from tests.soak.upstream import RESET, expected, expected_stream
from wirecache import Cache, DiskStore, StoreError

HOT = 50  # prompts that are asked again and again
SIZE_LIMIT = "20MB"
PAUSE = 0.02  # seconds after each call of a task: a soak is no benchmark
THREADS, TASKS = 2, 4
BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx2.RemoteProtocolError, httpx2.ReadError)  # what a plain client raises of a reset


class Worker:
    """``counts``: how many calls of each kind were made. ``bad``: what must not happen."""

    def __init__(self, store: str, url: str, seed: int) -> None:
        self.url = url + CHAT_PATH
        self.seed = seed
        self.cache = Cache(DiskStore(store, size_limit=SIZE_LIMIT), streams="record")
        self.counts: Counter[str] = Counter()
        self.bad: Counter[str] = Counter()
        self.done = threading.Event()

    def prompt(self, draw: random.Random) -> str:
        kind = draw.random()
        if kind < 0.6:
            return f"hot {draw.randrange(HOT)}"
        if kind < 0.95:
            return f"cold {draw.getrandbits(60)} " + "x" * draw.randrange(20_000)
        return f"{RESET} {draw.getrandbits(60)} {draw.random()}"

    def judge(self, prompt: str, stream: bool, content: bytes) -> None:
        """An answer is upstream's, from wherever it came."""
        if prompt.startswith(RESET):
            self.bad["a fragment was read as an answer"] += 1
        elif content != (expected_stream(prompt) if stream else expected(prompt)):
            self.bad["a wrong answer"] += 1

    def failed(self, prompt: str, error: BaseException) -> None:
        if not (prompt.startswith(RESET) and isinstance(error, BROKEN)):
            self.bad[f"{type(error).__name__}: {error}"[:200]] += 1

    def look(self, draw: random.Random) -> bool:
        """Do what people do beside calls; return whether the store, which may be locked just now, allowed it."""
        try:
            match draw.randrange(4):
                case 0:
                    for _, entry in zip(range(20), self.cache.entries(), strict=False):
                        self.cache.discard(entry.key)
                case 1:
                    self.cache.prune()
                case 2:
                    _ = self.cache.stats
                case 3:
                    self.cache.flush()
        except StoreError:
            return False
        return True

    def thread(self, number: int) -> None:
        draw = random.Random(self.seed * 100 + number)
        with wirecache.cached_client(self.cache, library="httpx", timeout=60) as client:
            while not self.done.is_set():
                prompt, stream, kind = self.prompt(draw), draw.random() < 0.3, draw.random()
                try:
                    if kind < 0.1:
                        with client.stream("POST", self.url, json=body_of(prompt, **({"stream": True} if stream else {}))) as reply:
                            next(reply.iter_raw(), None)
                        self.counts["closed early"] += 1
                    elif kind < 0.12:
                        self.counts["looks"] += self.look(draw)
                    else:
                        reply = client.post(self.url, json=body_of(prompt, **({"stream": True} if stream else {})))
                        self.judge(prompt, stream, reply.content)
                        self.counts["streams" if stream else "calls"] += 1
                except Exception as error:
                    self.failed(prompt, error)
                time.sleep(PAUSE)

    async def task(self, client: Any, number: int) -> None:
        draw = random.Random(self.seed * 100 + 50 + number)
        while not self.done.is_set():
            prompt, stream, kind = self.prompt(draw), draw.random() < 0.3, draw.random()
            try:
                with anyio.move_on_after(draw.random() * 0.01 if kind < 0.15 else 3600) as scope:
                    reply = await client.post(self.url, json=body_of(prompt, **({"stream": True} if stream else {})))
                    self.judge(prompt, stream, reply.content)
                self.counts["cancelled" if scope.cancelled_caught else "streams" if stream else "calls"] += 1
            except Exception as error:
                self.failed(prompt, error)
            await anyio.sleep(PAUSE)

    async def loop(self) -> None:
        async with wirecache.cached_async_client(self.cache, library="httpx2", timeout=60) as client, anyio.create_task_group() as group:
            for number in range(TASKS):
                group.start_soon(self.task, client, number)

    def tell(self) -> None:
        stats = self.cache.stats
        store = {name: getattr(stats, name) for name in ("hits", "misses", "stored", "refused", "store_errors")}
        print(json.dumps({"counts": self.counts, "bad": self.bad, "store": store, "blocks": sys.getallocatedblocks()}), flush=True)


def main() -> None:
    store, url, seed = sys.argv[1:]
    worker = Worker(store, url, int(seed))
    targets: list[Callable[[], object]] = [lambda: anyio.run(worker.loop)]
    targets += [lambda number=number: worker.thread(number) for number in range(THREADS)]  # type: ignore[misc]
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    ended = threading.Thread(target=lambda: (sys.stdin.read(), worker.done.set()), daemon=True)
    ended.start()
    while not worker.done.wait(1.0):
        worker.tell()
    for thread in threads:
        thread.join()
    worker.cache.close()
    worker.tell()


if __name__ == "__main__":
    main()
