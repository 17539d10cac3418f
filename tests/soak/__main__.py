"""A mixed load of 4 processes on one store, with faults, for as long as wanted: does anything grow, hang, or come out wrong?

python -m tests.soak [--minutes 30] [--report FOLDER] [--seed N]     # make soak MINUTES=30

Hits, misses, streams, calls that are cancelled and bodies that are closed early, discards, listings; a size limit that is always
reached; a provider that breaks off. Two of the processes live from the beginning to the end, the others are killed again and again;
another program holds the database's lock for a while. Exit status 1: something grew, or an answer was wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.provider import Provider
from tests.soak.report import write
from tests.soak.sampling import ALLOWED, Sample, growth, sample_of, size_of
from tests.soak.upstream import answer
from tests.stores.processes import locked

PROCESSES, LASTING = 4, 2
EVERY = 2.0  # seconds between two samples
KILL_EVERY, LOCK_EVERY, LOCKED_FOR = 20.0, 30.0, 7.0  # seconds, about; a write waits 5 s for a lock
LONG_ENOUGH = 300.0  # seconds; before, all still grows that has a limit
STALLED = 90.0  # seconds without a call after which a process hangs


class Process:
    """A worker, and its latest line."""

    def __init__(self, name: str, store: Path, url: str, seed: int) -> None:
        self.name = name
        command = [sys.executable, "-m", "tests.soak.worker", str(store), url, str(seed)]
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.latest: dict[str, Any] = {"counts": {}, "bad": {}, "store": {}, "blocks": 0}
        self.samples: list[Sample] = []
        self.moved = time.monotonic()
        self.errors = ""
        self._threads = [threading.Thread(target=self._listen), threading.Thread(target=self._keep_errors)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            latest = json.loads(line)
            if latest["counts"] != self.latest["counts"]:
                self.moved = time.monotonic()
            self.latest = latest

    def _keep_errors(self) -> None:
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self.errors = (self.errors + line)[-20_000:]

    def hangs(self) -> bool:
        return time.monotonic() - self.moved > STALLED

    def end(self, *, kill: bool) -> None:
        if kill:
            self.popen.kill()
        else:
            assert self.popen.stdin is not None
            self.popen.stdin.close()
            try:
                self.popen.wait(STALLED)
            except subprocess.TimeoutExpired:
                self.latest["bad"]["it does not end"] = 1
                self.popen.kill()
        self.popen.wait()
        for thread in self._threads:
            thread.join()
        for file in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            assert file is not None
            file.close()


class Soak:
    """``minutes``: how long. ``marks``: when which fault was done, in seconds since the beginning."""

    def __init__(self, store: Path, minutes: float, seed: int) -> None:
        self.store = store
        self.seconds = minutes * 60
        self.draw = random.Random(seed)
        self.marks: dict[str, list[float]] = {"killed": [], "locked": []}
        self.sizes: list[tuple[float, int]] = []
        self.ended: list[Process] = []
        self.provider = Provider()
        self.provider.script = answer
        self.began = time.monotonic()
        self.running = [self.begin(number) for number in range(PROCESSES)]

    @property
    def now(self) -> float:
        return time.monotonic() - self.began

    def begin(self, number: int) -> Process:
        return Process(f"process {number + 1}", self.store, self.provider.url, self.draw.getrandbits(30))

    def run(self) -> None:
        kill_every, lock_every = min(KILL_EVERY, self.seconds / 2), min(LOCK_EVERY, self.seconds / 2)
        next_kill, next_lock, lock_ends = self.draw.uniform(0, kill_every), self.draw.uniform(0, lock_every), 0.0
        with ExitStack() as lock:
            while (self.now < self.seconds or not self.all_are_at_work()) and not any(each.hangs() for each in self.running):
                time.sleep(min(EVERY, self.seconds / 10))
                self.sample()
                if next_kill < self.now < self.seconds:
                    self.kill_one()
                    next_kill = self.now + self.draw.uniform(0.5, 1.5) * kill_every
                if lock_ends and self.now > lock_ends:
                    lock.close()
                    lock_ends, next_lock = 0.0, self.now + self.draw.uniform(0.5, 1.5) * lock_every
                elif not lock_ends and self.now > next_lock and (self.store / "cache.db").exists():
                    lock_ends = self.now + self.hold_lock(lock)

    def all_are_at_work(self) -> bool:
        return all(each.latest["counts"] for each in self.running)

    def sample(self) -> None:
        self.provider.requests.clear()
        self.sizes.append((self.now, size_of(self.store)))
        for each in self.running:
            found = sample_of(each.popen.pid, self.now, each.latest["blocks"])
            if found is not None:
                each.samples.append(found)

    def kill_one(self) -> None:
        number = self.draw.randrange(LASTING, PROCESSES)
        self.marks["killed"].append(self.now)
        self.running[number].end(kill=True)
        self.ended.append(self.running[number])
        self.running[number] = self.begin(number)

    def hold_lock(self, stack: ExitStack) -> float:
        """Hold the lock that a write needs, if it can be had; return for how long."""
        try:
            stack.enter_context(locked(self.store, "BEGIN IMMEDIATE"))
        except AssertionError:  # a process was writing for too long
            return 0.01
        self.marks["locked"].append(self.now)
        return self.draw.uniform(0.3, 1.0) * LOCKED_FOR

    def end(self) -> dict[str, Any]:
        """Stop all, and return what was found."""
        hanging = [each.name for each in self.running if each.hangs()]
        seconds = self.now
        for each in self.running:
            each.end(kill=each.hangs())
        self.provider.close()
        processes = [*self.ended, *self.running]
        calls, bad, store = (sum((Counter(each.latest[what]) for each in processes), Counter()) for what in ("counts", "bad", "store"))
        verdict = [f"{what} ({count} times)" for what, count in bad.items()]
        verdict += [f"{name} made no call for {STALLED:g} s" for name in hanging]
        verdict += [f"{each.name} said: {each.errors}" for each in processes if "Traceback" in each.errors]
        verdict += self.grown() if self.seconds >= LONG_ENOUGH else []
        verdict += [f"{file.name} was set aside" for file in self.store.glob("*corrupt*")]
        return {"seconds": round(seconds), "calls": calls, "store": store, "bad": bad, "most": self.most(), "verdict": verdict}

    def most(self) -> dict[str, int]:
        most = {name: max((getattr(s, name) for each in self.running for s in each.samples), default=0) for name in Sample._fields[1:]}
        return {**most, "store": max((size for _, size in self.sizes), default=0)}

    def grown(self) -> list[str]:
        """What is more in the last third than in the one before."""
        lines = {
            (each.name, name): [getattr(s, name) for s in each.samples] for each in self.running[:LASTING] for name in Sample._fields[1:]
        }
        lines["the store", "store"] = [size for _, size in self.sizes]
        found = {key: growth(values, *ALLOWED[key[1]]) for key, values in lines.items()}
        return [f"{name} of {who} grew {grew}" for (who, name), grew in found.items() if grew]

    def panels(self) -> dict[str, dict[str, list[tuple[float, float]]]]:
        titles = {
            "memory": "resident memory, MB",
            "blocks": "blocks of memory that Python uses",
            "descriptors": "descriptors",
            "threads": "threads",
        }
        panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
        for name, title in titles.items():
            scale = 1e6 if name == "memory" else 1
            panels[title] = {each.name: [(s.seconds, getattr(s, name) / scale) for s in each.samples] for each in self.running[:LASTING]}
        panels["the store's files, MB"] = {"store": [(at, size / 1e6) for at, size in self.sizes]}
        return panels


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--report", type=Path, default=Path("soak-report"), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        soak = Soak(Path(folder) / "store", options.minutes, options.seed)
        try:
            soak.run()
        finally:
            found = soak.end()
        print(*write(options.report, found, soak.panels(), soak.marks), sep="\n")
    return int(bool(found["verdict"]))


if __name__ == "__main__":
    sys.exit(main())
