"""Several processes that serve one socket, forked from a process that watches them, replaces dead ones and passes on signals."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wirecache._proxy.server import ProxyServer

__all__ = ["can_fork", "run_workers"]

logger = logging.getLogger("wirecache.serve")

PAUSE = 1.0  # minimum seconds between the start of a worker and that of its replacement


def can_fork() -> bool:
    """Return whether this system can fork."""
    return hasattr(os, "fork")


def run_workers(count: int, serve: Callable[[int], None], server: ProxyServer, bound: socket.socket) -> None:
    """Run ``serve`` in that many processes until a signal stops them. ``server``: what it runs, which is stopped in each worker.

    ``bound``: the socket that they serve. It is closed here, too, when they stop, so that new clients are refused at once.

    ``serve`` gets the number of the worker, from 0; a replacement has the same number.

    SIGTERM and SIGINT stop all workers, SIGHUP is passed on. A worker also stops when this process ends, for whatever reason.
    """
    _Workers(count, serve, server, bound).run()


class _Workers:
    def __init__(self, count: int, serve: Callable[[int], None], server: ProxyServer, bound: socket.socket) -> None:
        self._count = count
        self._serve = serve
        self._server = server
        self._bound = bound
        self._started: dict[int, tuple[int, float]] = {}  # by process id: the worker's number, and when it started
        self._is_stopping = False
        self._alive, self._held = os.pipe()  # the end that is held closes with this process

    def run(self) -> None:
        worker_handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        for number in worker_handlers:
            signal.signal(number, self._pass_on)
        if self._server.is_stopping:  # by a signal that came earlier
            return
        while not self._is_stopping or self._started:
            while not self._is_stopping and len(self._started) < self._count:
                self._start(worker_handlers)
            self._wait()

    def _start(self, handlers: dict[signal.Signals, Any]) -> None:
        number = min({*range(self._count)} - {number for number, _ in self._started.values()})
        signals = set(handlers)
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # none arrives before the fork is recorded
        try:
            pid = os.fork()
            if pid == 0:
                for name, handler in handlers.items():
                    signal.signal(name, handler)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
                self._work(number)
            self._started[pid] = number, time.monotonic()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def _work(self, number: int) -> None:
        """Serve, and end the process without running the parent's exit handlers."""
        status = 1
        try:
            os.setpgid(0, 0)  # Ctrl-C in a terminal reaches only the parent, which passes it on once
            os.close(self._held)
            threading.Thread(target=self._end_with_parent, name="wirecache-parent", daemon=True).start()
            self._serve(number)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _end_with_parent(self) -> None:
        os.read(self._alive, 1)
        self._server.stop()

    def _wait(self) -> None:
        pid, status = os.wait()
        _, started = self._started.pop(pid, (0, 0.0))
        if not self._is_stopping:
            logger.warning("a worker ended (status %s); another takes its place", os.waitstatus_to_exitcode(status))
            time.sleep(max(0.0, started + PAUSE - time.monotonic()))

    def _pass_on(self, number: int, frame: Any) -> None:
        hangup = number == signal.SIGHUP
        if not hangup:
            self._is_stopping = True
            self._bound.close()
        for pid in list(self._started):
            os.kill(pid, signal.SIGHUP if hangup else signal.SIGTERM)
