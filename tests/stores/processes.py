"""Other processes for a test: scripts that say with a line where they are, and wait for a line to go on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from tests.programs import go, line_of, started

__all__ = ["Script", "locked", "run"]


class Script:
    """A Python program in a process of its own. ``args`` are in its ``sys.argv[1:]``."""

    def __init__(self, code: str, *args: object) -> None:
        self._stack = ExitStack()
        self._program = self._stack.enter_context(started("-c", textwrap.dedent(code), *args, strict=True))

    def __enter__(self) -> Script:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    def line(self) -> str:
        """Wait for its next line."""
        return line_of(self._program).strip()

    def go(self, word: str = "go") -> None:
        """Give it a line to read."""
        go(self._program, word)

    def kill(self) -> None:
        """SIGKILL: nothing of it, and of what it forked, runs any more."""
        self._stack.close()

    def end(self) -> tuple[int, str, str]:
        """Wait until it ends; its exit status, output and errors."""
        with self:
            output, errors = self._program.communicate(timeout=200)
            return self._program.wait(), output, errors


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
