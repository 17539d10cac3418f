"""Recognition of transports that call an application or a function in this process.

Under ``install`` and the pytest plugin their calls bypass the cache: a test must not pass because of a recording of the code it tests.
"""

from __future__ import annotations

from typing import Any

from wirecache._transport.transport import attributes_of, held_transports

__all__ = ["is_in_process"]

# By class, including subclasses (respx's, httpx-ws's): those of httpx and httpx2, and of Starlette's and Litestar's test clients.
CLASSES = frozenset({"ASGITransport", "MockTransport", "TestClientTransport", "WSGITransport", "_TestClientTransport"})
APPLICATION = "app"  # the attribute in which they all keep the ASGI or WSGI application


def is_in_process(transport: Any, depth: int = 4) -> bool:
    """Return whether a transport sends nothing: it is one of those above, has an application, or only wraps such transports.

    ``depth``: how many wrapping transports are searched.
    """
    if any(base.__name__ in CLASSES for base in type(transport).__mro__):
        return True
    if callable(attributes_of(transport).get(APPLICATION)):
        return True
    held = held_transports(transport) if depth else []
    return bool(held) and all(is_in_process(inner, depth - 1) for inner in held)
