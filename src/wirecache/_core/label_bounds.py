"""Bounds on the number and length of labels in the statistics, since labels come from outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from wirecache._core.shortened import shortened

__all__ = ["MOST", "OTHER", "Bounds", "FourLabels"]

LONGEST = 120  # characters of a label, or of the name of an amount
MOST = 1000  # different labels, and different reasons; the rest is counted together
OTHER = "other"

FourLabels: TypeAlias = tuple[str, str, str, str]  # host, endpoint, model, namespace
_ALL_OTHER = (OTHER, OTHER, OTHER, OTHER)


class Bounds:
    """Decides which labels have a row of their own: the first ``MOST``; later ones are counted in one row "other"."""

    __slots__ = ("_labels", "_names")

    def __init__(self, labels: Iterable[FourLabels] = ()) -> None:
        self._labels = set(labels)
        self._names: set[str] = set()

    def labels(self, labels: FourLabels) -> FourLabels:
        """Return the labels under which to count these."""
        if labels in self._labels:
            return labels
        host, endpoint, model, namespace = (shortened(label, LONGEST) for label in labels)
        short = (host, endpoint, model, namespace)
        if short not in self._labels and len(self._labels) >= MOST:
            return _ALL_OTHER
        self._labels.add(short)
        return short

    def name(self, name: str) -> str:
        """Return the name under which to count an amount of this name, since reasons (``refused:<reason>``) are unbounded."""
        if name in self._names:
            return name
        short = shortened(name, LONGEST)
        if short not in self._names and len(self._names) >= MOST:
            return f"{short.partition(':')[0]}:{OTHER}" if ":" in short else short
        self._names.add(short)
        return short
