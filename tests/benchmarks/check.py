"""Did a path become longer? ``make bench-check`` counts what Python executes for a hit, a miss and more, and compares it with what it was.

Counts of function calls and of bytecode operations do not depend on the machine's speed or on who else uses it: of the calling thread
alone, for wirecache's own code and for that of the libraries below it (most of which is httpx's). ``--update`` stores the counts of today;
say in the commit why they changed. ``--against REVISION`` counts what another revision of the project executes for the same.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

import wirecache
from wirecache import Cache, Cassette, make_key

__all__ = ["FIGURES", "compare", "count_all", "count_revision"]

FIGURES = Path(__file__).with_name("figures.json")
ROOT = Path(__file__).parents[2]
OWN = str(Path(wirecache.__file__).parent)
MORE = 0.03  # a count may be so much larger than it was
WARM, RUNS = 25, 9
URL = "https://api.openai.com/v1/chat/completions"
HEADERS = {"authorization": "Bearer k", "x-stainless-lang": "python", "user-agent": "OpenAI/Python", "accept": "application/json"}
CHAT = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello. " * 40}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 19},
}  # fmt: skip
ANSWER_HEADERS = [*((f"x-header-{number}", "value") for number in range(14)), ("content-type", "application/json"), ("set-cookie", "a=b")]
Counts = dict[str, int]


class Upstream(httpx.BaseTransport):
    """Answers at once: a chat, or a stream of so many events."""

    def __init__(self) -> None:
        self.events = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.events:
            head = [("content-type", "text/event-stream")]
            return httpx.Response(200, headers=head, stream=Chunks([*[_event(None)] * self.events, _event("stop"), b"data: [DONE]\n\n"]))
        return httpx.Response(200, headers=ANSWER_HEADERS, stream=Chunks([json.dumps(CHAT).encode()]))


class Chunks(httpx.SyncByteStream):
    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)


def _event(finish: str | None) -> bytes:
    choice = {"index": 0, "delta": {"content": "word"}, "finish_reason": finish}
    return b"data: %b\n\n" % json.dumps({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}).encode()


def counted(action: Callable[[], Any]) -> Counts:
    """Return the counts of a call: the median of several, after some that are not counted."""
    for _ in range(WARM):
        action()
    runs = [_once(action) for _ in range(RUNS)]
    return {name: int(statistics.median_low(run[name] for run in runs)) for name in runs[0]}


def _once(action: Callable[[], Any]) -> Counts:
    counts = {"own calls": 0, "own operations": 0, "library calls": 0, "library operations": 0}
    here = __file__

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        whose = "own" if file.startswith(OWN) else "library"
        if event == "call":
            if file == here:
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            counts[f"{whose} calls"] += 1
        elif event == "opcode":
            counts[f"{whose} operations"] += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return counts


def count_all() -> dict[str, Counts]:
    """Return the counts of all that is checked, by name."""
    with tempfile.TemporaryDirectory() as folder:
        return {**_of_a_cache(Path(folder)), **_of_a_cassette(Path(folder) / "cassette"), **_of_keys()}


def _of_a_cache(folder: Path) -> dict[str, Counts]:
    upstream = Upstream()
    cache = Cache(folder / "store", streams="record")
    numbers = iter(range(10**6))
    with wirecache.cached_client(cache, library="httpx", transport=upstream) as http:

        def miss() -> None:
            _request(http, next(numbers))

        def miss_and_flush() -> None:
            before = sys.gettrace()
            miss()
            sys.settrace(None)
            cache.flush()  # what the next call finds does not depend on how far the writing thread is
            sys.settrace(before)

        counts = {"miss": counted(miss_and_flush), "hit": counted(lambda: _request(http, 0))}
        streams = []
        for upstream.events in (100, 200):
            streams.append(counted(miss_and_flush))
        counts["stream, 100 events more"] = {name: streams[1][name] - streams[0][name] for name in streams[0]}
    cache.close()
    return counts


def _of_a_cassette(folder: Path) -> dict[str, Counts]:
    with Cassette(folder, "once") as cassette, wirecache.cached_client(cassette, library="httpx", transport=Upstream()) as http:
        for number in range(10):
            _request(http, number)
    with wirecache.cached_client(Cassette(folder), library="httpx", transport=Upstream()) as http:
        return {"cassette replay": counted(lambda: _request(http, 3))}


def _of_keys() -> dict[str, Counts]:
    return {f"key of {size} KB": counted(_key(size * 1000)) for size in (1, 50, 5000)}


def _key(size: int) -> Callable[[], str]:
    prompt = "QUJD" * (size // 4) if size > 1_000_000 else "Why ask twice? " * (size // 15)
    content = json.dumps(_body(0, prompt)).encode()
    return lambda: make_key("POST", URL, HEADERS, content)


def _body(number: int, prompt: str = "Why should a program not ask the same question twice?") -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"{prompt} {number}"}]
    return {"model": "gpt-4o", "messages": messages, "temperature": 0.5}


def _request(http: httpx.Client, number: int) -> bytes:
    return http.post(URL, json=_body(number), headers=HEADERS).read()


def compare(today: dict[str, Counts], stored: dict[str, Any], python: str) -> list[str]:
    """Return what became longer, in words. Operations are those of one Python; a later one has no more calls."""
    found = []
    for name, counts in today.items():
        for what, count in counts.items():
            figure = stored["counts"].get(name, {}).get(what, 0)
            if count > figure * (1 + MORE) + 2 and (python == stored["python"] or what == "own calls"):
                found.append(f"{name}: {count:,} {what}, were {figure:,}")
    return found


def count_revision(revision: str, repository: Path = ROOT) -> dict[str, Counts]:
    """Return the counts of a git revision's sources, taken by the measure of today."""
    archive = subprocess.run(["git", "archive", revision, "src"], cwd=repository, stdout=subprocess.PIPE, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
            opened.extractall(folder, filter="data")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(folder) / "src"), str(ROOT)])}
        program = "import json; from tests.benchmarks.check import count_all; print(json.dumps(count_all()))"
        done = subprocess.run([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, check=True)
    counts: dict[str, Counts] = json.loads(done.stdout)
    return counts


def show(counts: dict[str, Counts], before: dict[str, Counts]) -> None:
    """Print the counts, and how they differ from others."""
    for name, row in counts.items():
        were = before.get(name, {})
        print(f"{name:26}", *(f"{count:>8,} {what} ({count - were.get(what, 0):+,})" for what, count in row.items()))


def main() -> int:
    """Print the counts; return 1 if a path became longer."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.check", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="store the counts of today")
    parser.add_argument("--against", metavar="REVISION", help="print how the counts differ from those of this git revision")
    options = parser.parse_args()
    today, python = count_all(), ".".join(map(str, sys.version_info[:2]))
    if options.against:
        show(today, count_revision(options.against))
        return 0
    stored = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {"python": python, "counts": {}}
    show(today, stored["counts"])
    if options.update:
        FIGURES.write_text(json.dumps({"python": python, "counts": today}, indent=1) + "\n", "utf-8")
        return 0
    for line in (longer := compare(today, stored, python)):
        print(f"longer: {line}. If it must be so: make bench-check BENCH=--update, and say why in the commit", file=sys.stderr)
    return 1 if longer else 0


if __name__ == "__main__":
    sys.exit(main())
