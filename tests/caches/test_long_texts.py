"""What comes from outside is not kept in memory for the life of the process, however long it is."""

from __future__ import annotations

import ast
import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.house.source import MODULES, tree
from wirecache import Cache, MemoryStore, cached_client

pytestmark = pytest.mark.usefixtures("only_new_garbage")

URL = "https://api.example/v1/chat/completions"
CALLS, SIZE = 20, 60_000  # httpx allows URLs of 64 KB
# What httpx and urllib keep of URLs.
OTHERS = [
    tracemalloc.Filter(False, pattern, all_frames=True) for pattern in ("*/urllib/parse.py", "*/httpx/_urls.py", "*/httpx/_urlparse.py")
]
# Functions that are cached for texts of the user's own program, or that look at the length themselves.
CACHED = {
    "_core.rules.rules:_pattern", "_core.rules.left_alone:_pattern", "_core.keys.keys:per_caller", "_core.keys.recorded:_with_last_event",
    "_core.keys.fields:_readable_value", "_core.privacy.patterns:_compiled",
    "_core.privacy.patterns:_anchor_groups",
    "cassette._importers.file_parser:_loader", "_runtime.processes:_place",
}  # fmt: skip

REQUESTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "path": lambda text: {"url": f"https://api.example/{text}/v1/chat/completions"},
    "query": lambda text: {"url": f"{URL}?{text}=1"},
    "query of a GET": lambda text: {"url": f"{URL}?{text}=1", "method": "GET"},
    "header name": lambda text: {"headers": {text: "1"}},
    "header name of a GET": lambda text: {"headers": {text: "1"}, "method": "GET"},
    "header value": lambda text: {"headers": {"openai-beta": text}},
    "content type": lambda text: {"headers": {"content-type": f"application/json;{text}"}},
    "accept": lambda text: {"headers": {"accept": text}},
    "host": lambda text: {"headers": {"host": text}},
    "model": lambda text: {"json": {"model": text}},
    "member": lambda text: {"json": {"model": "m", text: 1}},
    "namespace": lambda text: {"headers": {"wirecache-namespace": text}},
}


def answer(request: httpx.Request) -> httpx.Response:
    """Say much in the names of headers and events, too."""
    text = request.headers["x-number"] + "y" * SIZE
    content = {"choices": [{"finish_reason": "stop", "message": {"content": "hi"}}], "type": text, text: 1}
    return httpx.Response(200, json=content, headers={text: "1", "content-type": f"application/json; {text}"})


@pytest.mark.parametrize("place", REQUESTS)
def test_long_texts_are_not_kept(place: str) -> None:
    with (
        Cache(MemoryStore(max_bytes="200KB")) as cache,
        cached_client(cache, library="httpx", transport=httpx.MockTransport(answer)) as client,
    ):

        def ask(number: int) -> None:
            request = {"method": "POST", "url": URL, "json": {"model": "m"}, **REQUESTS[place](f"{number}" + "x" * SIZE)}
            request["headers"] = {**request.get("headers", {}), "x-number": str(number)}
            client.request(**request).read()

        ask(0)
        gc.collect()
        tracemalloc.start(12)
        try:
            for number in range(1, CALLS):
                ask(number)
            cache.engine.source.flush(5)
            gc.collect()
            kept = sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(OTHERS).traces)
        finally:
            tracemalloc.stop()
    assert kept < CALLS / 2 * SIZE  # each text once would be twice that


def test_every_cached_function_is_known() -> None:
    found = set()
    for module in MODULES:
        for function in (node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef)):
            decorators = [ast.unparse(decorator).partition("(")[0] for decorator in function.decorator_list]
            calls = [ast.unparse(node.func) for statement in function.body for node in ast.walk(statement) if isinstance(node, ast.Call)]
            if {"lru_cache", "cache", "functools.cache", "functools.lru_cache"} & {*decorators, *calls}:
                found.add(f"{module}:{function.name}")
    assert found == CACHED
