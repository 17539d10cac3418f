"""Formatting of sizes, durations and times for people."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["format_duration", "format_size", "format_time"]


def format_duration(seconds: float) -> str:
    """Return a duration in its largest unit: ``2 d``, ``5 min``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def format_size(size: float) -> str:
    """Return a number of bytes in its largest unit: ``106 B``, ``1.5 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def format_time(seconds: float) -> str:
    """Return a time in seconds since the epoch as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
