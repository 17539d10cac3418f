"""What does a cassette of 1,000 recordings cost? ``python -m tests.benchmarks.cassette`` prints it.

Medians; the floor of a replay is the OpenAI SDK on ``MockTransport`` with the same answer, the calls taking turns.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import openai

from tests.benchmarks.transport import BODY, alternate
from wirecache import Cassette, KeyOptions
from wirecache.cli.demo import without_log
from wirecache.httpx2 import CacheTransport, cached_client

URL = "https://api.example/v1"
Row = tuple[str, str]


def answer(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": "application/json"}, content=BODY)


def messages(number: int | str) -> list[Any]:
    return [{"role": "user", "content": f"Question {number}: " + "why should a program not ask the same question twice? " * 8}]


def ask(client: openai.OpenAI, number: int | str) -> Any:
    return client.chat.completions.create(model="m", messages=messages(number))


def filled(folder: Path, count: int) -> float:
    """Record so many; seconds for each."""
    started = time.perf_counter()
    with Cassette(folder, "once") as tape, cached_client(tape, transport=httpx2.MockTransport(answer)) as http:
        client = openai.OpenAI(api_key="none", base_url=URL, http_client=http)
        for number in range(count):
            ask(client, number)
    return (time.perf_counter() - started) / count


def timed(action: Callable[[], Any], rounds: int) -> float:
    """The median seconds of an action."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def cold(folder: Path) -> Row:
    """How long a new process takes to open it, and what the imports before that take."""
    program = "import sys, time; a = time.perf_counter(); from wirecache import Cassette; b = time.perf_counter(); Cassette(sys.argv[1])"
    command = [sys.executable, "-c", f"{program}; print(b - a, time.perf_counter() - b)", str(folder)]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() for _ in range(5)]
    imports, opening = (statistics.median(float(run[at]) * 1000 for run in runs) for at in (0, 1))
    return "opening, in a new process", f"{opening:.1f} ms (imports {imports:.0f} ms)"


def replay(folder: Path, count: int) -> Row:
    """A replay of each recording once, and the floor."""
    mock = openai.OpenAI(api_key="none", base_url=URL, http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))
    with httpx2.Client(transport=CacheTransport(Cassette(folder))) as http:
        tape = openai.OpenAI(api_key="none", base_url=URL, http_client=http)
        ask(tape, 0)
        numbers = iter(range(1, count))
        replayed, floor = alternate([lambda: ask(tape, next(numbers)), lambda: ask(mock, 1)], count - 1)
    return "a replay beyond the SDK", f"{(replayed - floor) * 1000:.2f} ms (SDK {floor * 1000:.2f} ms)"


def missed(folder: Path, *, first: bool, **options: Any) -> float:
    """Seconds of a miss with its explanation."""
    with cached_client(Cassette(folder, **options)) as http:
        client = openai.OpenAI(api_key="none", base_url=URL, http_client=http, max_retries=0)

        def miss() -> None:
            try:
                ask(client, "another")
            except openai.APIStatusError:
                return

        if not first:
            miss()
        return timed(miss, 1)


def first_answer(folder: Path, **options: Any) -> float:
    """Seconds to open it, and to get the first answer."""
    started = time.perf_counter()
    with cached_client(Cassette(folder, **options)) as http:
        ask(openai.OpenAI(api_key="none", base_url=URL, http_client=http), 1)
    return time.perf_counter() - started


def run(count: int = 1000) -> list[Row]:
    """The rows of the table."""
    with tempfile.TemporaryDirectory() as root, without_log():
        folder = Path(root) / "cassette"
        recorded = filled(folder, count)
        return [
            (f"recording, each of {count}", f"{recorded * 1000:.2f} ms"),
            cold(folder),
            ("opening again", f"{timed(lambda: Cassette(folder), 5) * 1000:.1f} ms"),
            ("opening to record anew (all)", f"{timed(lambda: Cassette(folder, 'all'), 5) * 1000:.1f} ms"),
            replay(folder, count),
            ("opening and the first answer", f"{first_answer(folder) * 1000:.1f} ms"),
            ("the same, matched otherwise", f"{first_answer(folder, match=KeyOptions(ignore_body=('/user',))) * 1000:.0f} ms"),
            ("the first miss, explained", f"{missed(folder, first=True) * 1000:.0f} ms"),
            ("another miss, explained", f"{missed(folder, first=False) * 1000:.0f} ms"),
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000, help="how many recordings")
    for name, result in run(parser.parse_args().count):
        print(f"{name:34} {result}")
