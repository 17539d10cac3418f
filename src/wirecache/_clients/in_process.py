"""Which transports call an application or a function of this very process?

Under ``install`` and the pytest plugin their calls pass untouched: a test must not pass on a recording of the code that it tests.
"""

from __future__ import annotations

from typing import Any

from wirecache._transport.transport import attributes_of, held_transports

__all__ = ["is_in_process"]

# By class, subclasses included (respx's, httpx-ws's): those of httpx and httpx2, and of the test clients of Starlette and Litestar.
CLASSES = frozenset({"ASGITransport", "MockTransport", "TestClientTransport", "WSGITransport", "_TestClientTransport"})
APPLICATION = "app"  # the attribute in which they all keep the ASGI or WSGI application


def is_in_process(transport: Any, depth: int = 4) -> bool:
    """Return whether a transport sends nothing: it is one of those above, has an application, or stands on top of such only.

    ``depth``: how many transports on top of each other are looked through.
    """
    if any(base.__name__ in CLASSES for base in type(transport).__mro__):
        return True
    if callable(attributes_of(transport).get(APPLICATION)):
        return True
    held = held_transports(transport) if depth else []
    return bool(held) and all(is_in_process(inner, depth - 1) for inner in held)
