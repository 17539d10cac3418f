"""Sizes in bytes, from texts such as "4GB"."""

from __future__ import annotations

from wirecache.errors import ConfigError

__all__ = ["parse_size"]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def parse_size(value: int | str, name: str) -> int:
    """Return the bytes that a number or a text such as ``"500MB"`` means; Raises ``ConfigError`` if it is neither."""
    text = str(value).strip().upper()
    digits = text.rstrip("KMGTIB ")
    unit = text[len(digits) :].strip()
    try:
        size = int(float(digits) * _UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        size = 0
    if size <= 0:
        raise ConfigError(f'{name} must be a number of bytes, or a text such as "500MB" or "4GB", got {value!r}')
    return size
