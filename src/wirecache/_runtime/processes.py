"""The identity of processes (host, pid and start time, since pids are reused), and whether one is still running."""

from __future__ import annotations

import os
import platform
from functools import lru_cache

__all__ = ["is_on_this_machine", "is_running", "process_id"]


def process_id() -> str:
    """Return an identifier of this process that is unique across machines."""
    number = os.getpid()
    return f"{_place()}/{number}/{_start(number)}"


def is_on_this_machine(process: str) -> bool:
    """Return whether it can be checked if that process runs: it is on this machine and in the same container."""
    return process.rpartition("/")[0].rpartition("/")[0] == _place()


def is_running(process: str) -> bool:
    """Return whether that process on this machine is running; a zombie is not."""
    _, _, rest = process.removeprefix(_place()).partition("/")
    number, _, start = rest.partition("/")
    if not number.isdigit():
        return False
    if os.path.exists("/proc/self/stat"):
        return bool(start) and _start(int(number)) == start
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


@lru_cache(maxsize=1)
def _place() -> str:
    """Return the machine and the pid namespace (container) of this process."""
    try:
        numbers = os.readlink("/proc/self/ns/pid")
    except OSError:
        numbers = ""
    return f"{platform.node()}{numbers.removeprefix('pid:')}".replace("/", "-")


def _start(number: int) -> str:
    """Return when the process was started; empty if it does not run or the system does not say."""
    try:
        with open(f"/proc/{number}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
    except (OSError, IndexError):
        return ""
