"""How long until the first answer? ``python -m tests.benchmarks.start`` starts processes in turns and prints the medians.

From the start of a process to the first answer of the OpenAI SDK: alone on a canned answer, and with a hit on disk; with compiled bytecode
and, as in a fresh container, without. What the pytest plugin costs in a run that does not use it. How long the command takes to start.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SDK = """
import httpx2, openai
from tests.benchmarks.upstream_answer import answer
{setup}
client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1", http_client={client})
client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "Why ask twice?"}}])
import time; print(time.time())
"""
ALONE = SDK.format(setup="", client="httpx2.Client(transport=httpx2.MockTransport(answer))")
HIT = SDK.format(
    setup="import sys; from wirecache import Cache; from wirecache.httpx2 import cached_client; cache = Cache(sys.argv[1])",
    client="cached_client(cache, transport=httpx2.MockTransport(answer))",
)
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]


def in_turns(commands: dict[str, list[str]], rounds: int, environment: dict[str, str]) -> dict[str, float]:
    """Return the median seconds of each command, after one run that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            started = time.time()
            run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            ended = float(run.stdout) if command[1] == "-c" and run.stdout else time.time()  # an answer's, before the process exits
            if number:
                taken[name].append(ended - started)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def commands_of(folder: Path) -> dict[str, list[str]]:
    """Return what is started, by name."""
    test = folder / "test_one.py"
    test.write_text("def test_one():\n    pass\n", "utf-8")
    store = str(folder / "store")
    return {
        "SDK alone, first answer": [sys.executable, "-c", ALONE],
        "SDK with a hit on disk": [sys.executable, "-c", HIT, store],
        "pytest without the plugin": [*PYTEST, "-p", "no:wirecache", str(test)],
        "pytest with it, unused": [*PYTEST, str(test)],
        "python -c pass": [sys.executable, "-c", "pass"],
        "wirecache --version": [sys.executable, "-m", "wirecache", "--version"],
        "wirecache ls, empty store": [sys.executable, "-m", "wirecache", "ls", "--store", store],
    }


def main() -> None:
    """Print the medians, and the ratios of those that belong together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="starts of each")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as root:
        commands = commands_of(Path(root))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        compiled = in_turns(commands, rounds, environment | {"PYTHONPYCACHEPREFIX": f"{root}/bytecode"})
        sdk = dict(list(commands.items())[:2])
        fresh = in_turns(sdk, max(1, rounds // 3), environment | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": f"{root}/none"})
    for name, seconds in compiled.items():
        print(f"{name:28} {seconds * 1000:6.0f} ms")
    alone, hit = (compiled[name] for name in sdk)
    print(f"{'a hit, beside the SDK alone':28} {hit / alone:6.2f}")
    alone, hit = (fresh[name] for name in sdk)
    print(f"{'the same without bytecode':28} {hit / alone:6.2f} ({alone * 1000:.0f} ms alone)")


if __name__ == "__main__":
    main()
