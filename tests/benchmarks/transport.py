"""What does the cache cost, and what does a hit cost? ``make bench`` prints the numbers of the README.

Medians of calls that alternate in one run, so that the machine's moods hit both sides; quote the ratios, not the microseconds.
The floor is the OpenAI SDK on ``MockTransport`` with a realistic answer: 2 KB, 22 headers, of which two set cookies, as a provider
behind Cloudflare sends them. The loopback provider of the misses is a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import httpx
import httpx2
import openai

import wirecache
from tests.provider import CHAT, Provider

COOKIE = "path=/; expires=Sat, 21-Nov-26 04:24:24 GMT; domain=.api.openai.com; HttpOnly; Secure; SameSite=None"
VALUE = "0123456789abcdefghij"
NAMES = (
    "date server x-request-id openai-processing-ms openai-version openai-organization openai-project strict-transport-security "
    "cf-cache-status cf-ray alt-svc x-content-type-options x-ratelimit-limit-requests x-ratelimit-limit-tokens "
    "x-ratelimit-remaining-requests x-ratelimit-remaining-tokens x-ratelimit-reset-requests x-ratelimit-reset-tokens via"
)
HEADERS = [
    ("content-type", "application/json"),
    ("set-cookie", f"__cf_bm={VALUE * 7}; {COOKIE}"),
    ("set-cookie", f"_cfuvid={VALUE * 4}; {COOKIE}"),
    *((name, VALUE) for name in NAMES.split()),
]
BODY = json.dumps({**CHAT, "padding": "x" * 1600}).encode()
URL = "http://127.0.0.1:9/v1"
MESSAGES: list[Any] = [{"role": "user", "content": "Why should a program not ask the same question twice? " * 8}]


def alternate(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """The median seconds of each call, the calls taking turns."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            started = time.perf_counter()
            call()
            taken.append(time.perf_counter() - started)
    return [statistics.median(taken) for taken in times]


async def alternate_async(calls: list[Callable[[], Awaitable[Any]]], rounds: int) -> list[float]:
    """Return the median seconds of each call, made in turns, for coroutine functions."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            started = time.perf_counter()
            await call()
            taken.append(time.perf_counter() - started)
    return [statistics.median(taken) for taken in times]


def ask(client: Any, prompt: list[Any] = MESSAGES) -> Any:
    return client.chat.completions.create(model="gpt-4o", messages=prompt, temperature=0.5)


def canned(library: ModuleType) -> Any:
    return library.MockTransport(lambda _: library.Response(200, headers=HEADERS, content=BODY))


def hits_through_the_sdk(library: ModuleType, store: str, rounds: int) -> tuple[float, float]:
    """Return the seconds of the floor and of a hit through ``OpenAI``."""
    floor = openai.OpenAI(api_key="k", base_url=URL, http_client=library.Client(transport=canned(library)))
    cache = wirecache.Cache(store, namespace=library.__name__)
    http = wirecache.cached_client(cache, library=library.__name__, transport=canned(library))
    client = openai.OpenAI(api_key="k", base_url=URL, http_client=http)
    ask(client)
    cache.flush()
    seconds = alternate([lambda: ask(floor), lambda: ask(client)], rounds)
    assert cache.stats.hits == rounds
    return seconds[0], seconds[1]


async def hits_through_the_async_sdk(library: ModuleType, store: str, rounds: int) -> tuple[float, float]:
    """Return the seconds of the floor and of a hit through ``AsyncOpenAI``."""
    floor = openai.AsyncOpenAI(api_key="k", base_url=URL, http_client=library.AsyncClient(transport=canned(library)))
    cache = wirecache.Cache(store, namespace=library.__name__ + " async")
    http = wirecache.cached_async_client(cache, library=library.__name__, transport=canned(library))
    client = openai.AsyncOpenAI(api_key="k", base_url=URL, http_client=http)
    await ask(client)
    cache.flush()
    seconds = await alternate_async([lambda: ask(floor), lambda: ask(client)], rounds)
    assert cache.stats.hits == rounds
    return seconds[0], seconds[1]


def hit_in_the_transport(library: ModuleType, store: str, rounds: int) -> float:
    """Seconds inside ``handle_request`` for a hit, measured in place: within SDK calls."""
    cache = wirecache.Cache(store, namespace=library.__name__ + " inside")
    http = wirecache.cached_client(cache, library=library.__name__, transport=canned(library))
    client = openai.OpenAI(api_key="k", base_url=URL, http_client=http)
    ask(client)
    cache.flush()
    inner = http._transport.handle_request
    times: list[float] = []

    def timed(request: Any) -> Any:
        started = time.perf_counter()
        response = inner(request)
        times.append(time.perf_counter() - started)
        return response

    http._transport.handle_request = timed
    for _ in range(rounds):
        ask(client)
    return statistics.median(times)


def misses_over_loopback(library: ModuleType, store: str, url: str, rounds: int) -> tuple[float, float]:
    """Seconds of a plain SDK call to the loopback provider, and of one that misses and is stored."""
    plain = openai.OpenAI(api_key="k", base_url=url, http_client=library.Client())
    cache = wirecache.Cache(store, namespace=f"{library.__name__} {time.time()}")
    client = openai.OpenAI(api_key="k", base_url=url, http_client=wirecache.cached_client(cache, library=library.__name__))
    count = itertools.count()

    def call(which: Any) -> None:
        ask(which, [{"role": "user", "content": f"{MESSAGES[0]['content']} {next(count)}"}])

    call(plain)
    call(client)
    seconds = alternate([lambda: call(plain), lambda: call(client)], rounds)
    assert cache.stats.stored == rounds + 1
    plain.close()
    client.close()
    return seconds[0], seconds[1]


def large_bodies(library: ModuleType, store: str, rounds: int) -> float:
    """Seconds that a request body of 5 MB adds to a hit, over the same on ``MockTransport``."""
    image = "data:image/png;base64," + "QUJD" * 1_250_000
    parts = [{"type": "image_url", "image_url": {"url": image}}]
    content = json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()
    bare = canned(library)
    cached = wirecache.cached_client(wirecache.Cache(store), library=library.__name__, transport=bare)._transport
    request = library.Request("POST", URL + "/chat/completions", content=content, headers={"content-type": "application/json"})
    cached.handle_request(request).read()
    cached.cache.flush()
    seconds = alternate([lambda: bare.handle_request(request).read(), lambda: cached.handle_request(request).read()], rounds)
    return seconds[1] - seconds[0]


def import_seconds(rounds: int) -> float:
    """Seconds that ``import wirecache`` adds to a Python that has the standard library's share loaded."""
    code = "import importlib, typing, time; s = time.perf_counter(); import wirecache; print(time.perf_counter() - s)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(rounds)]
    return statistics.median(float(run.stdout) for run in runs)


@contextmanager
def provider_process() -> Iterator[str]:
    """A loopback provider in another process; its base URL."""
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.transport", "--serve"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip() + "/v1"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def serve() -> None:
    """Be the provider until killed."""
    print(Provider().url, flush=True)
    while True:
        time.sleep(3600)


def run(rounds: int) -> list[tuple[str, str]]:
    """All rows: what was measured, and the result."""
    rows: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as folder, provider_process() as url:
        store = f"{folder}/store"
        for library in (httpx, httpx2):
            name = library.__name__
            inside = hit_in_the_transport(library, store, rounds)
            rows.append((f"hit inside the transport, {name}", f"{inside * 1e6:.0f} µs"))
            floor, hit = hits_through_the_sdk(library, store, rounds)
            rows.append((f"hit through OpenAI, {name} sync", f"{hit / floor:.2f} of MockTransport ({floor * 1e6:.0f} µs)"))
            floor, hit = asyncio.run(hits_through_the_async_sdk(library, store, rounds))
            rows.append((f"hit through OpenAI, {name} async", f"{hit / floor:.2f} of MockTransport ({floor * 1e6:.0f} µs)"))
            plain, miss = misses_over_loopback(library, store, url, rounds)
            rows.append((f"miss through OpenAI, {name} sync", f"{miss / plain:.2f} of a loopback call ({plain * 1e6:.0f} µs)"))
            added = large_bodies(library, store, max(5, rounds // 20))
            rows.append((f"request body of 5 MB, {name}", f"adds {added * 1e3:.1f} ms"))
    rows.append(("import wirecache", f"{import_seconds(max(3, rounds // 50)) * 1e3:.1f} ms"))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=600, help="calls of each kind")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    for what, result in run(options.rounds):
        print(f"{what:36} {result}")


if __name__ == "__main__":
    main()
