"""SDK clients made in the SDK's own way, with HTTP clients of its own, and closed in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.sdk.table import Sdk


@contextmanager
def own_client(sdk: Sdk, url: str) -> Iterator[Any]:
    """The SDK's client."""
    client = sdk.make(None, None, url)
    try:
        yield client
    finally:
        client.close() if hasattr(client, "close") else client.__exit__(None, None, None)


@asynccontextmanager
async def own_async_client(sdk: Sdk, url: str) -> AsyncIterator[Any]:
    """The SDK's async client, or the client whose other side that is."""
    client = sdk.make_async(None, None, url)
    try:
        yield client
    finally:
        if hasattr(client, "aio"):
            await client.aio.aclose()
            client.close()
        else:
            await client.__aexit__(None, None, None)
