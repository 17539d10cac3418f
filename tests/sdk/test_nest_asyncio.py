"""A program that lets event loops nest (nest_asyncio), as many notebooks and their scripts do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.provider import Provider

NESTED = """
import asyncio, sys
import nest_asyncio
nest_asyncio.apply()
from openai import AsyncOpenAI
from wirecache import Cache, cached_async_client

async def ask():
    async with cached_async_client(Cache(sys.argv[2])) as http:
        client = AsyncOpenAI(api_key="k", base_url=sys.argv[1] + "/v1", http_client=http)
        answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    return answer.choices[0].message.content

async def main():
    return await ask(), asyncio.get_event_loop().run_until_complete(ask())

print(*asyncio.run(main()))
"""


def test_it_ends(provider: Provider, tmp_path: Path) -> None:
    """Its ``asyncio.run`` tells no thread of anyio's that the loop has ended, and the interpreter waits for each of them."""
    command = [sys.executable, "-c", NESTED, provider.url, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "hi hi\n", "")
    assert provider.calls == 1
