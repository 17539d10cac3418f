"""What is done at exit is done in the order of the priorities, whatever was imported first."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from functools import partial
from wirecache._runtime.exit import AtExit

def fail():
    raise ValueError("failed")

for name, priority in (("second", 2), ("first", 3), ("last", 1)):
    AtExit(partial(print, name), priority)
AtExit(fail, 2)
print("end of the program")
"""


def test_the_highest_priority_comes_first_and_a_failure_stops_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout.split("\n") == ["end of the program", "first", "second", "last", ""]
    assert "ValueError: failed" in done.stderr
