"""``install`` in processes of their own: any order of imports, no trace afterwards, any number of threads; and the real SDKs on it."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

import wirecache
from tests.clients.own import own_async_client, own_client
from tests.programs import ran
from tests.provider import Provider
from tests.sdk.table import ANTHROPIC, GENAI, GROQ, MISTRAL, OPENAI, Sdk
from tests.sdk.wire import no_sockets
from wirecache import Cache

# What all of them import is imported in the process that they are forked from; of wirecache, of the HTTP libraries and of SDKs nothing.
NEITHER_LIBRARY = ("anyio.*", "distro", "diskcache", "h2.connection", "jiter", "platformdirs", "pydantic.main", "rich.console", "trio")

# What each step of an order of imports is, as a program says it.
STEPS = {
    "install": "import wirecache; wirecache.install(wirecache.Cache(sys.argv[1]))",
    "httpx": "import httpx",
    "httpx2": "import httpx2",
    "openai": "import openai",
    "groq": "import groq",
}
PROLOGUE = "import sys\n"
SDK_CALLS = """
import groq, openai
said = dict(model="m", messages=[dict(role="user", content="hi")])
for client in (openai.OpenAI(api_key="k", base_url=url + "/v1"), groq.Groq(api_key="k", base_url=url)):
    for _ in range(2):
        raw = client.chat.completions.with_raw_response.create(**said)
    assert raw.headers["cache-status"].startswith("wirecache; hit"), raw.headers
"""
CALLS = """
import httpx, httpx2, wirecache
url = sys.argv[2]
SDK_CALLS
for library in {httpx, httpx2}:
    for _ in range(2):
        response = library.post(url + "/v1/embeddings", json=dict(model="m", input="hi"))
    assert response.extensions["wirecache"].hit
wirecache.uninstall()
assert "wirecache" not in httpx.post(url + "/v1/embeddings", json=dict(model="m", input="hi")).extensions
"""


def run(program: str, *arguments: object) -> str:
    done = ran("-c", program, *arguments, strict=True, imports=NEITHER_LIBRARY)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- any order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(["install", "httpx", "httpx2"])), ids="-".join)
def test_the_libraries_and_install_in_any_order(order: tuple[str, ...], provider: Provider, tmp_path: Path) -> None:
    run(PROLOGUE + "\n".join(STEPS[step] for step in order) + CALLS.replace("SDK_CALLS", ""), tmp_path, provider.url)
    assert provider.calls == 2  # one for both libraries, and the last one without the cache


@pytest.mark.parametrize(
    "order", [("openai", "install", "groq"), ("install", "openai", "groq"), ("groq", "openai", "install")], ids="-".join
)
def test_sdks_and_install_in_any_order(order: tuple[str, ...], provider: Provider, tmp_path: Path) -> None:
    run(PROLOGUE + "\n".join(STEPS[step] for step in order) + CALLS.replace("SDK_CALLS", SDK_CALLS), tmp_path, provider.url)
    assert provider.calls == 4


@pytest.mark.parametrize("order", [("alias", "install"), ("install", "alias")], ids="-".join)
def test_httpx_as_another_name_of_httpx2(order: tuple[str, ...], provider: Provider, tmp_path: Path) -> None:
    steps = {**STEPS, "alias": "import httpx2; httpx2.alias_httpx(); import httpx; assert httpx is httpx2"}
    calls = CALLS.replace("SDK_CALLS", SDK_CALLS).replace("groq.Groq(", "groq.Groq(http_client=httpx2.Client(), ")
    run(PROLOGUE + "\n".join(steps[step] for step in order) + calls, tmp_path, provider.url)
    assert provider.calls == 4


def test_install_imports_neither_library(tmp_path: Path) -> None:
    run("import sys, wirecache; wirecache.install(); wirecache.uninstall(); assert not {'httpx', 'httpx2'} & sys.modules.keys()", tmp_path)


def test_a_library_that_is_being_imported_by_another_thread(provider: Provider, tmp_path: Path) -> None:
    program = """
import sys, threading, wirecache
begun, go = threading.Event(), threading.Event()
class Slow:
    def find_spec(self, name, *_):
        if name == "httpx2._client":
            begun.set()
            go.wait(5)
sys.meta_path.insert(0, Slow())
importing = threading.Thread(target=__import__, args=("httpx2",))
importing.start()
begun.wait(5)
installing = threading.Thread(target=wirecache.install, args=(wirecache.Cache(sys.argv[1]),))
installing.start()
go.set()
importing.join(); installing.join()
import httpx2
assert httpx2.post(sys.argv[2] + "/v1/embeddings", json={}).extensions["wirecache"].fwd == "miss"
"""
    run(program, tmp_path, provider.url)


def test_a_finder_that_only_looks_learns_nothing_of_ours(tmp_path: Path) -> None:
    program = """
import importlib.util, sys, wirecache
plain = importlib.util.find_spec("httpx")
wirecache.install()
seen = importlib.util.find_spec("httpx")
assert (seen.origin, seen.submodule_search_locations) == (plain.origin, plain.submodule_search_locations)
assert seen.loader.get_filename("httpx") == plain.origin
assert importlib.util.find_spec("no_such_library_at_all") is None
wirecache.uninstall()
import httpx
assert type(httpx.__loader__) is type(httpx.__spec__.loader) is type(plain.loader)
"""
    run(program, tmp_path)


# -- no trace ---------------------------------------------------------------------------------------------------------

TRACE = """
import sys
def of(*modules):
    found = {"meta_path": [id(finder) for finder in sys.meta_path]}
    for module in modules:
        found[module.__name__] = {name: id(value) for name, value in vars(module).items()}
        found[module.__name__, "loader"] = type(module.__loader__), type(module.__spec__.loader)
        for name, value in vars(module).items():
            if isinstance(value, type):
                for kind in value.__mro__[:-1]:
                    found[kind] = [(member, id(held)) for member, held in vars(kind).items()]
    return found
"""


@pytest.mark.parametrize("before", [True, False], ids=["loaded-before", "loaded-meanwhile"])
def test_uninstall_leaves_no_trace(before: bool, provider: Provider, tmp_path: Path) -> None:
    program = f"""
{TRACE}
import wirecache, wirecache.httpx, wirecache.httpx2, httpx, httpx2
names = ("httpx", "httpx2", "httpx._client", "httpx2._client")
fresh = of(*(sys.modules[name] for name in names))
if {not before}:
    for name in list(sys.modules):
        if name.removeprefix("wirecache.").partition(".")[0] in ("httpx", "httpx2"):
            del sys.modules[name]
first = [finder for finder in sys.meta_path]
with wirecache.install(wirecache.Cache(sys.argv[1])), wirecache.install(wirecache.Cache(sys.argv[1], namespace="n")):
    import httpx, httpx2
    for library in (httpx, httpx2):
        client = library.Client()
        assert client.post(sys.argv[2] + "/v1/embeddings", json={{}}).extensions["wirecache"]
        assert vars(client).keys() == vars(library.Client()).keys()
assert sys.meta_path == first
left = of(*(sys.modules[name] for name in names))
if {before}:
    assert left == fresh, {{key: (left[key], fresh.get(key)) for key in left if left[key] != fresh.get(key)}}
for library in (httpx, httpx2):
    for kind in (library.Client, library.AsyncClient):
        assert kind._transport_for_url.__module__ == f"{{library.__name__}}._client"
        assert not hasattr(kind._transport_for_url, "__wrapped__")
    assert "_Loader" not in (type(library.__loader__).__name__, type(library.__spec__.loader).__name__)
"""
    run(program, tmp_path, provider.url)


# -- threads ----------------------------------------------------------------------------------------------------------


def test_threads_that_install_call_and_end_in_any_order(provider: Provider, tmp_path: Path) -> None:
    import httpx

    original = httpx.Client.__dict__["_transport_for_url"]
    cache = Cache(tmp_path)
    wrong: list[Any] = []
    together = threading.Barrier(6)

    def work() -> None:
        together.wait(10)
        for _ in range(20):
            with wirecache.install(cache), httpx.Client(verify=False) as client:
                response = client.post(f"{provider.url}/v1/embeddings", json={"model": "m", "input": "hi"})
                if "wirecache" not in response.extensions:
                    wrong.append(response)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert httpx.Client.__dict__["_transport_for_url"] is original
    cache.close()


# -- the SDKs, made in their own way ------------------------------------------------------------------------------------


each_sdk = pytest.mark.parametrize("sdk", [OPENAI, ANTHROPIC, GROQ, GENAI, MISTRAL], ids=str)


@each_sdk
def test_an_sdk_as_it_is(sdk: Sdk, provider: Provider, tmp_path: Path) -> None:
    with (
        Cache(tmp_path) as cache,
        own_client(sdk, provider.url) as before,
        wirecache.install(cache),
        own_client(sdk, provider.url) as after,
    ):
        live = sdk.ask(before, "hello")
        with no_sockets():
            assert sdk.parsed(sdk.ask(before, "hello")) == sdk.parsed(live)
            assert sdk.parsed(sdk.ask(after, "hello")) == sdk.parsed(live)
        assert (provider.calls, cache.stats.hits) == (1, 2)


@each_sdk
def test_an_sdk_as_it_is_under_async(sdk: Sdk, provider: Provider, tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with own_async_client(sdk, provider.url) as client:
            return [sdk.parsed(await sdk.ask_async(client, "hello")) for _ in range(2)]

    with Cache(tmp_path) as cache, wirecache.install(cache):
        first, second = asyncio.run(main())
        assert asyncio.run(main()) == [first, second] == [first, first]
        assert (provider.calls, cache.stats.hits) == (1, 3)
