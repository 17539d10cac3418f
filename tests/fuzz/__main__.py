"""``make fuzz SECONDS=600``: try cases on every target in turn; exit status 1 if one of them shows a fault.

A fault is a disagreement, an exception that is not allowed, or a check that takes longer than ``LONGEST`` seconds of the processor. The
smallest case that shows it is written to ``fixtures/fuzz``, where ``tests/fuzz/test_fuzz.py`` tries it from then on.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import random
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.target import CORPUS, Fixture, Target, fixture_text
from tests.fuzz.targets import TARGETS

LONGEST = 20.0  # seconds of the processor for one case: above it, it hangs
STUCK = 600.0  # seconds without any progress (a wait that never ends): the process says where it is, and ends
SLICE = 3.0  # seconds for which one target is tried at a stretch
EVERY = 10.0  # seconds between two lines of progress


class Hang(Exception):
    """One case took too long."""


class Hunt:
    """One target, and what was tried on it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.tried = 0
        self.spent = 0.0  # seconds
        self.found: str | None = None  # the file name of the fixture
        self._round = 20  # examples
        self._failed: tuple[Any, Exception] | None = None

    def go_on(self, seconds: float, dice: random.Random) -> None:
        """Try cases for about so many seconds, or until one shows a fault."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.found is None:
            began = time.monotonic()
            self._try(self._round, dice.getrandbits(32))
            took = time.monotonic() - began
            self._round = max(5, min(1000, int(self._round * SLICE / max(took, 0.01) / 2)))

    def _try(self, examples: int, number: int) -> None:
        @seed(number)
        @settings(
            max_examples=examples, deadline=None, database=None, print_blob=False, report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.target, Phase.shrink],
        )  # fmt: skip
        @given(self.target.cases)
        def attempt(case: Any) -> None:
            self.tried += 1
            self.check(case)

        try:
            attempt()
        except Exception as error:
            case, cause = self._failed or (None, error)
            self._report(case, cause, number)

    def check(self, case: Any) -> None:
        """Check one case; it is noted if that raises."""
        faulthandler.dump_traceback_later(STUCK, exit=True, file=sys.__stderr__)
        try:
            with time_limit(LONGEST):
                self.target.check(case)
        except Exception as error:
            self._failed = (case, error)
            raise

    def _report(self, case: Any, error: Exception, number: int) -> None:
        what = f"{type(error).__name__}: {error}"
        text = fixture_text(self.target.name, case, shortened(what))
        CORPUS.mkdir(exist_ok=True)
        path = CORPUS / f"{self.target.name}-{hashlib.sha256(repr(case).encode()).hexdigest()[:8]}.json"
        path.write_text(text, "utf-8")
        self.found = str(path.relative_to(CORPUS.parents[1]))
        print(f"\nFOUND by {self.target.name} (seed {number}): {self.found}")
        print("".join(traceback.format_tb(error.__traceback__)[-6:]) + shortened(what))
        print(f"case: {shortened(repr(case))}", flush=True)


def shortened(text: str) -> str:
    return text if len(text) <= 2000 else f"{text[:1000]} ... {text[-1000:]}"


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``Hang`` in the block once it has used the processor for so long; a machine that is busy with other things is no reason."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {seconds:g} seconds for one case")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def replay(hunts: dict[str, Hunt]) -> list[str]:
    """Try the corpus; return the names of the files that show a fault."""
    faults = []
    for path in sorted(CORPUS.glob("*.json")):
        fixture = Fixture.read(path)
        if fixture.target in hunts:
            try:
                hunts[fixture.target].check(fixture.case)
            except Exception as error:
                print(f"{path.name} still shows its fault: {error!r}"[:500])
                faults.append(path.name)
    return faults


def progress(hunts: dict[str, Hunt], seconds: float) -> str:
    counts = "  ".join(f"{name} {hunt.tried:,}{' FOUND' if hunt.found else ''}" for name, hunt in hunts.items())
    return f"{seconds:6.0f} s  {counts}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"which to search (default: all): {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="a number that makes a run repeatable")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    hunts = {name: Hunt(TARGETS[name]) for name in given.targets or TARGETS}
    number = random.SystemRandom().getrandbits(32) if given.seed is None else given.seed
    print(f"{len(hunts)} targets, {given.seconds:g} seconds, seed {number}", flush=True)
    faults = replay(hunts)
    dice, began, shown = random.Random(number), time.monotonic(), 0.0
    while (gone := time.monotonic() - began) < given.seconds and (left := [hunt for hunt in hunts.values() if hunt.found is None]):
        if gone - shown >= EVERY:
            print(progress(hunts, gone), flush=True)
            shown = gone
        hunt = min(left, key=lambda hunt: hunt.spent)
        start = time.monotonic()
        hunt.go_on(min(SLICE, given.seconds / len(hunts)), dice)
        hunt.spent += time.monotonic() - start
    faulthandler.cancel_dump_traceback_later()
    found = [hunt.found for hunt in hunts.values() if hunt.found]
    print(progress(hunts, time.monotonic() - began))
    print(f"{sum(hunt.tried for hunt in hunts.values()):,} cases, {len(found)} finds{''.join(f', {name}' for name in [*found, *faults])}")
    return 1 if found or faults else 0


if __name__ == "__main__":
    sys.exit(main())
