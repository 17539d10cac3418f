"""What does the proxy add to a call? Latency of misses and hits over a direct call, open streams, and memory over many calls.

``python -m tests.benchmarks.proxy [--calls 100000]``; the proxy and the provider are processes of their own. With ``--litellm`` and
``--aimock``, the commands of those two, their latency is measured beside ours, in the same run and on the same provider.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.server_process import free_port

ROOT = Path(__file__).parents[2]
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi " * 100}]}
PATH = "/v1/chat/completions"
LITELLM = """
model_list: [{model_name: m, litellm_params: {model: openai/m, api_base: "DIRECT/v1", api_key: none}}]
general_settings: {dangerously_permit_weak_or_unset_master_key: true}
litellm_settings: {cache: true, cache_params: {type: local}, telemetry: false}
"""
PROVIDER = """
import asyncio, json, sys
from tests.provider import CHAT
BODY = json.dumps(CHAT).encode()
HEAD = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(BODY)
EVENTS = b"HTTP/1.1 200 OK\\r\\ncontent-type: text/event-stream\\r\\ntransfer-encoding: chunked\\r\\n\\r\\n"
EVENT = b"data: {}\\n\\n"
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            length = next((int(l.split(b":")[1]) for l in head.lower().split(b"\\r\\n") if l.startswith(b"content-length")), 0)
            body = await reader.readexactly(length)
            if b'"stream"' in body:
                writer.write(EVENTS)
                for _ in range(20):
                    writer.write(b"%x\\r\\n%b\\r\\n" % (len(EVENT), EVENT))
                    await writer.drain()
                    await asyncio.sleep(1)
                writer.write(b"0\\r\\n\\r\\n")
            else:
                writer.write(HEAD + BODY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@contextmanager
def process(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a Python program; yield it and its first line."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running, running.stdout.readline()
        finally:
            running.send_signal(signal.SIGTERM)


def milliseconds(url: str, calls: int, *, new: bool) -> float:
    """Return the median time of a call. ``new``: each is another one."""
    times = []
    with httpx.Client(trust_env=False) as client:
        for number in range(calls):
            body = {**BODY, "messages": [{"role": "user", "content": f"{number} hi " * 50}]} if new else BODY
            started = time.perf_counter()
            client.post(url + PATH, json=body).raise_for_status()
            times.append(time.perf_counter() - started)
    return statistics.median(times[calls // 5 :]) * 1000


async def open_streams(url: str, streams: int) -> tuple[int, float]:
    """Hold that many streams open at once. Return how many ended whole, and the seconds it took."""
    port = int(url.split(":")[2].split("/")[0])
    path = "/" + url.split("/", 3)[3] + "/v1/chat/completions"

    async def one(number: int) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = json.dumps({**BODY, "stream": True, "seed": number}).encode()
        writer.write(
            b"POST %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body
        )
        answer = await reader.read(-1)
        writer.close()
        return answer.endswith(b"0\r\n\r\n") and answer.count(b"data: {}") == 20

    started = time.perf_counter()
    ended = await asyncio.gather(*(one(number) for number in range(streams)), return_exceptions=True)
    return sum(one is True for one in ended), time.perf_counter() - started


async def many_calls(url: str, calls: int) -> None:
    """Send that many calls, 50 at a time, each of them another one."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        waiting = iter(range(calls))

        async def work() -> None:
            for number in waiting:
                await client.post(f"{url}/v1/chat/completions", json={**BODY, "seed": number % 1000})

        await asyncio.gather(*(work() for _ in range(50)))


def megabytes(pid: int) -> float:
    """Return the resident memory of a process (Linux)."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def descriptors(pid: int) -> int:
    """Return how many files and connections a process has open (Linux)."""
    return len(os.listdir(f"/proc/{pid}/fd"))


@contextmanager
def other_proxy(command: list[str], port: int) -> Iterator[str]:
    """Run another proxy on this port; yield its URL as soon as it answers."""
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            while running.poll() is None:
                try:
                    if httpx.post(url + PATH, json=BODY, trust_env=False, timeout=30).is_success:
                        break
                except httpx.HTTPError:
                    time.sleep(0.2)
            yield url
        finally:
            running.terminate()


def report_others(direct: str, chosen: Any) -> None:
    """Measure the other proxies that were named, each with its cache in memory or its recordings."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "litellm.yaml")
        config.write_text(LITELLM.replace("DIRECT", direct))
        port = free_port()
        aimock = ["--record", "--provider-openai", direct, "--fixtures", folder, "--log-level", "silent", "--port", f"{port}"]
        arguments = {"litellm": ["--config", f"{config}", "--port", f"{port}"], "aimock": aimock}
        for name, given in arguments.items():
            if command := getattr(chosen, name):
                with other_proxy([command, *given], port) as url:
                    print(f"{name}: {latency(direct, url)}")


def latency(direct: str, proxied: str) -> str:
    """Return what misses and hits take through a proxy, beside a direct call."""
    base = milliseconds(direct, 500, new=True)
    miss, hit = milliseconds(proxied, 500, new=True), milliseconds(proxied, 500, new=False)
    return f"direct {base:.2f} ms; through the proxy: miss {miss:.2f} ms (+{miss - base:.2f}), hit {hit:.2f} ms (+{hit - base:.2f})"


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=20_000, help="calls over which memory is measured")
    parser.add_argument("--streams", type=int, default=1000, help="streams that are open at once")
    parser.add_argument("--litellm", help="the command of LiteLLM's proxy, to be measured, too")
    parser.add_argument("--aimock", help="the command of aimock (llmock), to be measured, too")
    chosen = parser.parse_args()
    with process("-c", PROVIDER) as (_, port):
        direct = f"http://127.0.0.1:{port.strip()}"
        serve = ("-m", "wirecache", "serve", "--port", "0", "--quiet", "--store", "memory://", "--upstream", f"openai={direct}")
        with process(*serve) as (proxy, line):
            url = re.search(r"http://\S+", line)
            assert url is not None
            report(direct, f"{url[0]}/openai", proxy.pid, chosen)
        report_others(direct, chosen)


def report(direct: str, proxied: str, pid: int, chosen: Any) -> None:
    """Measure and print."""
    print(f"wirecache: {latency(direct, proxied)}")
    whole, seconds = asyncio.run(open_streams(proxied, chosen.streams))
    print(f"{whole} of {chosen.streams} streams of 20 s at once ended whole, in {seconds:.1f} s; memory {megabytes(pid):.0f} MB")
    asyncio.run(many_calls(proxied, chosen.calls // 2))
    half, opened = megabytes(pid), descriptors(pid)
    asyncio.run(many_calls(proxied, chosen.calls // 2))
    after = f"after {chosen.calls:,} {megabytes(pid):.0f} MB, {descriptors(pid)}"
    print(f"memory and open descriptors after {chosen.calls // 2:,} calls {half:.0f} MB, {opened}, {after}")


if __name__ == "__main__":
    main()
