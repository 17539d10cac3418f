"""What does a header of a case say on the wire? Numbers are dates relative to the server's clock, locations relative to the URL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

DATES = frozenset({"date", "expires", "last-modified", "if-modified-since", "if-unmodified-since"})
LOCATIONS = frozenset({"location", "content-location"})


def resolved(header: list[Any], fields: Mapping[str, str], request: Mapping[str, Any]) -> str:
    """Return the value of the header. ``fields``: of the answer, in lower case, which tell the server's clock and the URL."""
    name, value = header[0].lower(), header[1]
    if name in DATES and isinstance(value, int) and not isinstance(value, bool):
        return http_date(int(fields["server-now"]) + value * 1000, rfc_850=name in request.get("rfc850date", ()))
    if name in LOCATIONS and request.get("magic_locations"):
        return f"{fields['server-base-url']}/{value}" if value else fields["server-base-url"]
    return str(value)


def http_date(milliseconds: int, *, rfc_850: bool = False) -> str:
    """Return the HTTP date, in the obsolete form if so wanted."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    return moment.strftime("%A, %d-%b-%y %H:%M:%S GMT" if rfc_850 else "%a, %d %b %Y %H:%M:%S GMT")
