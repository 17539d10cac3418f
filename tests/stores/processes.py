"""Other processes for a test: scripts that say with a line where they are, and wait for a line to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

__all__ = ["Script", "locked", "run"]

ROOT = Path(__file__).parents[2]


class Script:
    """A Python program in a process of its own. ``args`` are in its ``sys.argv[1:]``."""

    def __init__(self, code: str, *args: object) -> None:
        command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, args)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, start_new_session=True)

    def __enter__(self) -> Script:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    def line(self) -> str:
        """Wait for its next line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the script ended: {self.end()[2]}")
        return line.strip()

    def go(self, word: str = "go") -> None:
        """Give it a line to read."""
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """SIGKILL: nothing of it, and of what it forked, runs any more."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()

    def end(self) -> tuple[int, str, str]:
        """Wait until it ends; its exit status, output and errors."""
        try:
            output, errors = self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self._process.returncode, output, errors


def run(code: str, *args: object) -> str:
    """The output of a script that ends well."""
    status, output, errors = Script(code, *args).end()
    assert status == 0, errors
    return output


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement).fetchall()
print("locked", flush=True)
input()
"""


@contextmanager
def locked(directory: Path, *statements: str) -> Iterator[Script]:
    """Another process holds the lock that the statements take on the directory's database."""
    with Script(HOLD, directory / "cache.db", *statements) as holder:
        assert holder.line() == "locked"
        yield holder
