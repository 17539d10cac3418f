"""The cache status: what the cache did with a request (RFC 9211)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["UNKNOWN", "CacheStatus", "OutcomeName"]

OutcomeName: TypeAlias = Literal["hit", "stale", "collapsed", "miss", "bypass"]


def _item(text: str) -> str:
    """Return a value as a structured field: a token if possible, else a quoted string (RFC 8941 section 3.3)."""
    if text and (text[0].isalpha() or text[0] == "*") and all(c.isalnum() or c in "-._~:/*" for c in text) and text.isascii():
        return text
    safe = "".join(c if " " <= c <= "~" else "?" for c in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """What happened to one exchange. Statistics, log line, header and extension are all made from it.

    ``hit``: answered from an entry. ``fwd``: why it went (or would have gone) upstream, in RFC 9211's terms.
    ``fwd_status``: the status of upstream's answer. ``ttl``: seconds of freshness left, negative if stale.
    ``stored``: the answer was stored. ``detail``: the reason, if there is one.
    ``items`` and ``items_reused``: for a request that was looked up item by item, the number of items, and how many the store had.
    """

    hit: bool = False
    fwd: str | None = None
    fwd_status: int | None = None
    ttl: float | None = None
    stored: bool = False
    collapsed: bool = False
    key: str | None = None
    detail: str | None = None
    items: int = 0
    items_reused: int = 0

    @property
    def outcome(self) -> OutcomeName:
        """The outcome as counted: ``stale`` is a hit past its ttl; ``miss`` includes what was refused offline."""
        if self.hit:
            return "stale" if self.ttl is not None and self.ttl <= 0 else "hit"
        return "collapsed" if self.collapsed else "bypass" if self.fwd == "bypass" else "miss"

    def settled(self, reason: str | None) -> CacheStatus:
        """Return the final status of an exchange: stored, or ``reason`` says why not."""
        stored, detail, items = reason is None, reason or self.detail, (self.items, self.items_reused)
        return CacheStatus(self.hit, self.fwd, self.fwd_status, self.ttl, stored, self.collapsed, self.key, detail, *items)

    def header(self, status: int | None = None) -> str:
        """Return the member for a ``Cache-Status`` header. ``status``: the response's own status code."""
        text = "wirecache; hit" if self.hit else "wirecache"
        if self.fwd:
            text += f"; fwd={self.fwd}"
        if self.fwd_status is not None and self.fwd_status != status:
            text += f"; fwd-status={self.fwd_status}"
        if self.ttl is not None:
            text += f"; ttl={self.ttl:.0f}" if abs(self.ttl) < 1e15 else ""
        if self.stored:
            text += "; stored"
        if self.collapsed:
            text += "; collapsed"
        if self.key:
            text += f'; key="{self.key}"'
        if self.detail:
            text += f"; detail={_item(self.detail)}"
        elif self.items > 1:
            text += f'; detail="{self.items_reused} of {self.items} items"'
        return text


UNKNOWN = CacheStatus()  # the status of an exchange that has just begun
