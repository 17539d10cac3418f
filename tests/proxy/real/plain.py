"""A call and a stream by requests or aiohttp: ``python plain.py requests|aiohttp``."""

from __future__ import annotations

import asyncio
import os
import sys

URL = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def with_requests() -> None:
    import requests

    print(requests.post(URL, json=BODY, timeout=20).json()["choices"][0]["message"]["content"])
    with requests.post(URL, json={**BODY, "stream": True}, stream=True, timeout=20) as response:
        print(sum(line.startswith(b"data: ") for line in response.iter_lines()))


async def with_aiohttp() -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        async with session.post(URL, json=BODY) as response:
            print((await response.json())["choices"][0]["message"]["content"])
        async with session.post(URL, json={**BODY, "stream": True}) as response:
            print(sum([line.startswith(b"data: ") async for line in response.content]))


with_requests() if sys.argv[1] == "requests" else asyncio.run(with_aiohttp())
