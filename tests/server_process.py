"""A real server in a process of its own, on a port of the loopback interface, that can be killed, begun again, stopped and continued."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from types import TracebackType
from typing import NoReturn, Self

import pytest

__all__ = ["ServerProcess", "free_port", "stop_without"]


class ServerProcess:
    """``command()`` is how a subclass is started on ``port``; ``is_ready(line)``: does this line of its output say that it answers?"""

    port: int

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self, line: str) -> bool:
        raise NotImplementedError

    def start_on(self, port: int = 0) -> None:
        """Start it for the first time, on that port, or on a free one."""
        for _ in range(5):  # another process may take the free port first
            self.port = port or free_port()
            if self._start():
                return
        raise RuntimeError(self.output)

    def _start(self) -> bool:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        self.pid = self._process.pid
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in iter(self._process.stdout.readline, ""):
            lines.append(line)
            if self.is_ready(line):
                return True
        self._process.communicate()
        self.output = "".join(lines)
        return False

    def stop(self) -> None:
        """SIGKILL: its port is closed."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(self) -> None:
        """Begin again on the same port."""
        assert self._start(), self.output

    def pause(self) -> None:
        """SIGSTOP: its port is open, and nothing answers there."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop_without(what: str) -> NoReturn:
    """Skip the test, or fail it where ``CI`` is set: there it may not go unnoticed."""
    (pytest.fail if os.environ.get("CI", "").lower() not in ("", "0", "false") else pytest.skip)(what)
