"""How shall exchanges be treated? The settings that decisions read, made once for each cache."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wirecache._core.keys import DEFAULT_KEY, KeyOptions

__all__ = ["MAX_BODY", "Mode", "Plan"]

MAX_BODY = 64 * 1024 * 1024  # bytes; larger bodies pass through unbuffered and unstored


class Mode(StrEnum):
    """May the store answer, and may a request leave?

    | mode | fresh entry | stale entry | no entry |
    |---|---|---|---|
    | ``auto`` | reuse | forward, store | forward, store |
    | ``offline`` | reuse | reuse | refuse |
    | ``refresh`` | forward, store | forward, store | forward, store |
    | ``off`` | forward | forward | forward |
    """

    AUTO = "auto"
    OFFLINE = "offline"
    REFRESH = "refresh"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings in force. Times in seconds; ``None`` as ttl: never expires."""

    mode: Mode = Mode.AUTO
    ttl: float | None = 604800.0
    namespace: str = ""
    key: KeyOptions = DEFAULT_KEY
    max_body: int = MAX_BODY
