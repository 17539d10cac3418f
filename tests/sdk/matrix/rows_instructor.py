"""The row of instructor, whose calls return what a model was asked to be."""

from __future__ import annotations

from functools import partial
from typing import Any

import instructor
import openai
from pydantic import BaseModel

from tests.sdk.matrix.calls import messages_of
from tests.sdk.matrix.row import Calls, Colour, Row

__all__ = ["ROWS"]


class Place(BaseModel):
    """A place that the text names."""

    city: str


def _ask(client: Any, prompt: str) -> Any:
    return client.create(model="m", response_model=Place, messages=messages_of(prompt), max_retries=0)


def _stream(client: Any) -> Any:
    return client.create_partial(model="m", response_model=Place, messages=messages_of("hello"))


_CALLS = Calls(ask=_ask, stream=_stream)
_LATE = {"stream-live": "its sync side reads the whole stream before it makes the first partial object, cache or not"}
INSTRUCTOR = Row(
    "instructor",
    "instructor",
    "httpx2",
    lambda url: {
        "from_openai": instructor.from_openai,
        "OpenAI": partial(openai.OpenAI, api_key="k", base_url=f"{url}/v1"),
        "AsyncOpenAI": partial(openai.AsyncOpenAI, api_key="k", base_url=f"{url}/v1"),
    },
    Colour("from_openai(OpenAI(http_client=cached_client()))", "from_openai(OpenAI())", _CALLS, without=_LATE),
    Colour("from_openai(AsyncOpenAI(http_client=cached_async_client()))", "from_openai(AsyncOpenAI())", _CALLS),
    lambda place: {"Oslo": "one two three"}[place.city],
)

ROWS = [INSTRUCTOR]
