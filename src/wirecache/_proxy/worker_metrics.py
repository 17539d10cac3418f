"""Metrics of all workers, which any of them reports: each writes its own to a file that the others read."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from wirecache._proxy.metrics import GAUGES, Families
from wirecache._runtime.warn_once import WarnOnce

__all__ = ["WorkerMetrics"]

PAUSE = 0.5  # seconds between writes: how old another worker's metrics may be, and what is lost if it is killed


class WorkerMetrics:
    """The metrics of one worker among several.

    ``folder``: where all of them write; removed with the process that watches them. ``number``: the worker's; its replacement has the
    same, and continues its counters, so that they never decrease. ``own``: returns the metrics of this process.
    """

    def __init__(self, folder: Path, number: int, own: Callable[[], Families]) -> None:
        self._folder = folder
        self._file = folder / f"{number}.json"
        self._own = own
        self._before = {name: family for name, family in _read(self._file).items() if name not in GAUGES}
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._warn = WarnOnce()
        self.publish()
        threading.Thread(target=self._publish_changes, name="wirecache-metrics", daemon=True).start()

    def changed(self) -> None:
        """Schedule writing the metrics."""
        self._changed.set()

    def total(self) -> Families:
        """Return the metrics of all workers; this one's are current."""
        others = (_read(path) for path in sorted(self._folder.glob("*.json")) if path != self._file)
        return _sum([self._own(), self._before, *others])

    def publish(self) -> None:
        """Write the metrics. Errors, such as a full disk, do not affect calls."""
        written = self._file.with_suffix(".new")
        with self._lock:
            try:
                written.write_text(json.dumps(_sum([self._own(), self._before])))
                written.replace(self._file)
            except OSError as error:
                self._warn("written", "the numbers of this worker cannot be written: %s", error)

    def _publish_changes(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            self.publish()
            time.sleep(PAUSE)


def _read(path: Path) -> Families:
    """Return what another worker wrote; nothing if it has not written yet."""
    try:
        found: Families = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found


def _sum(parts: Iterable[Families]) -> Families:
    total: Families = {}
    for families in parts:
        for name, family in families.items():
            sums = total.setdefault(name, {})
            for sample, value in family.items():
                sums[sample] = sums.get(sample, 0) + value
    return total
