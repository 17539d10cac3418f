"""The row of OpenAI's SDK before it moved to httpx2."""

from __future__ import annotations

from functools import partial

import openai

from tests.sdk.matrix.calls import chat_calls, chat_text, embed, strictly, transcribe
from tests.sdk.matrix.row import Colour, Row

__all__ = ["ROWS"]

_ON_OPENAI = chat_calls(embed=embed, transcribe=transcribe)

OPENAI = Row(
    "openai 2",
    "openai",
    "httpx",
    lambda url: {
        "OpenAI": partial(openai.OpenAI, api_key="k", base_url=f"{url}/v1"),
        "AsyncOpenAI": partial(openai.AsyncOpenAI, api_key="k", base_url=f"{url}/v1"),
    },
    Colour("OpenAI(http_client=cached_client())", "OpenAI()", _ON_OPENAI),
    Colour("AsyncOpenAI(http_client=cached_async_client())", "AsyncOpenAI()", _ON_OPENAI),
    chat_text,
    model=strictly,
)

ROWS = [OPENAI]
