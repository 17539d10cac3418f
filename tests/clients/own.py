"""SDK clients created in the SDK's own way, with HTTP clients of its own, and closed at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.sdk.table import Sdk


@contextmanager
def own_client(sdk: Sdk, url: str) -> Iterator[Any]:
    """Yield the SDK's client."""
    client = sdk.make(None, None, url)
    try:
        yield client
    finally:
        client.close() if hasattr(client, "close") else client.__exit__(None, None, None)


@asynccontextmanager
async def own_async_client(sdk: Sdk, url: str) -> AsyncIterator[Any]:
    """Yield the SDK's async client, or the client that has an async side."""
    client = sdk.make_async(None, None, url)
    try:
        yield client
    finally:
        if hasattr(client, "aio"):
            await client.aio.aclose()
            client.close()
        else:
            await client.__aexit__(None, None, None)
