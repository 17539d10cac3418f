"""The decorators of instructor's caching guide, around a function that calls the SDK and returns a model of Pydantic."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator

import diskcache
import httpx
import openai
from pydantic import BaseModel

from tests.benchmarks.peers.contestant import URL, Contestant, Place, messages
from tests.benchmarks.peers.upstream import canned


class Answer(BaseModel):
    text: str


def contestants(place: Place) -> Iterator[Contestant]:
    sdk = openai.OpenAI(api_key="k", base_url=URL, http_client=httpx.Client(transport=canned(httpx)))

    def ask(prompt: str) -> Answer:
        answer = sdk.chat.completions.create(model="m", messages=messages(prompt), temperature=0.5)
        return Answer.model_validate_json(answer.choices[0].message.content or "")

    plain = "function, no cache"
    yield Contestant(plain, "function", ask=ask, is_cache=False)
    yield Contestant("functools.cache", "function", ask=functools.cache(ask), plain=plain)
    store = diskcache.Cache(str(place.folder / "diskcache"))
    place.exits.callback(store.close)
    yield Contestant("diskcache decorator", "function", ask=on_disk(ask, store), plain=plain)


def on_disk(function: Callable[[str], Answer], store: diskcache.Cache) -> Callable[[str], Answer]:
    """Return the function with its answers kept as JSON, under a key of its name, its argument and the model's schema."""
    schema = hashlib.sha256(json.dumps(Answer.model_json_schema(), sort_keys=True).encode()).hexdigest()

    @functools.wraps(function)
    def cached(prompt: str) -> Answer:
        key = f"{function.__name__}:{schema}:{hashlib.sha256(prompt.encode()).hexdigest()}"
        if (kept := store.get(key)) is not None:
            return Answer.model_validate_json(kept)
        answer = function(prompt)
        store.set(key, answer.model_dump_json(), expire=86_400)
        return answer

    return cached
