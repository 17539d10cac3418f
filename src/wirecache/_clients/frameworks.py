"""Which frameworks keep their HTTP clients where no attribute leads, and where is that?

A table: for a class or module, what else is to be looked at, and what makes clients later. Each row is run with the real framework.
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from wirecache._caches.cache import Cache
from wirecache._clients.patches import Site, that_attaches, that_attaches_async

__all__ = ["BY_AIOHTTP", "Unreachable", "can_do_without_aiohttp", "known"]


class Unreachable(str):
    """What the cache cannot be put under, and what to do about it."""

    __slots__ = ()


def known(here: Any) -> Iterator[Any]:
    """Of this object: sites, what is unreachable, and further objects to look at."""
    if isinstance(here, ModuleType):
        rows = [_MODULES[here.__name__]] if here.__name__ in _MODULES else []
    else:
        kinds = here.__mro__ if isinstance(here, type) else type(here).__mro__
        names = {(kind.__module__.partition(".")[0], kind.__name__) for kind in kinds}
        rows = [row for name, row in _CLASSES.items() if name in names]
    for row in rows:
        yield from row(here)


def _bound(here: Any, name: str) -> Callable[..., Any]:
    """The class's own method, bound to the object for as long as there is one, whatever the object has in its place."""
    method, holder = getattr(type(here), name), weakref.ref(here)
    return lambda *arguments, **options: method(holder(), *arguments, **options)


# -- google-genai -----------------------------------------------------------------------------------------------------


BY_AIOHTTP = (
    "google-genai's async side goes by aiohttp here, which no httpx cache can see, so its calls are not cached. "
    "Give the client HttpOptions(httpx_async_client=wirecache.cached_async_client()) instead"
)


def can_do_without_aiohttp(here: Any) -> bool:
    """Has google-genai's inner client an httpx client beside aiohttp, and did the user not give a session of aiohttp?"""
    return getattr(here, "_async_httpx_client", None) is not None and getattr(here._http_options, "aiohttp_client", None) is None


def _genai(here: Any) -> Iterator[Any]:
    """Its async side goes by aiohttp where that is installed, and has an httpx client beside it: it is told to take that."""
    uses = getattr(type(here), "_use_aiohttp", None)
    if uses is not None and uses(here):
        yield Site(here, "_use_aiohttp", lambda cache: lambda: False) if can_do_without_aiohttp(here) else Unreachable(BY_AIOHTTP)


def _genai_async(here: Any) -> Iterator[Any]:
    """Its async client keeps one inner client for each event loop."""
    yield Site(here, "_client_for_running_loop", partial(that_attaches, _bound(here, "_client_for_running_loop")))
    yield from list(here._loop_clients.values())


# -- Hugging Face -----------------------------------------------------------------------------------------------------


def _hugging_face(here: Any) -> Iterator[Any]:
    """One HTTP client for all of huggingface_hub, made when it is first needed, and anew when it was closed."""
    http = importlib.import_module("huggingface_hub.utils._http")
    yield Site(http, "_GLOBAL_CLIENT_FACTORY", lambda cache: that_attaches(http._GLOBAL_CLIENT_FACTORY, cache))
    if http._GLOBAL_CLIENT is not None:
        yield http._GLOBAL_CLIENT
    if isinstance(here, ModuleType):
        yield Site(http, "_GLOBAL_ASYNC_CLIENT_FACTORY", lambda cache: that_attaches(http._GLOBAL_ASYNC_CLIENT_FACTORY, cache))


def _hugging_face_async(here: Any) -> Iterator[Any]:
    """Each object makes an HTTP client of its own when it needs it."""
    yield Site(here, "_get_async_client", partial(that_attaches_async, _bound(here, "_get_async_client")))


# -- LiteLLM ----------------------------------------------------------------------------------------------------------

_LITELLM_MAKERS = (
    ("litellm.llms.custom_httpx.http_handler", "HTTPHandler", "create_client"),
    ("litellm.llms.custom_httpx.http_handler", "AsyncHTTPHandler", "create_client"),
    ("litellm.llms.openai.common_utils", "BaseOpenAILLM", "_get_sync_http_client"),
    ("litellm.llms.openai.common_utils", "BaseOpenAILLM", "_get_async_http_client"),
)


def _litellm(here: Any) -> Iterator[Any]:
    """Four functions make its HTTP clients; those that are made lie in a cache, in handlers and in the clients of the OpenAI SDK."""
    package = importlib.import_module("litellm")
    for module, kind, name in _LITELLM_MAKERS:
        holder = getattr(importlib.import_module(module), kind)
        made = vars(holder)[name]
        yield Site(holder, name, partial(_remade, made))
    for name in ("in_memory_llm_clients_cache", "client_session", "aclient_session", "module_level_client", "module_level_aclient"):
        if (held := vars(package).get(name)) is not None:
            yield held


def _remade(made: Any, cache: Cache) -> Any:
    if isinstance(made, staticmethod):
        return staticmethod(that_attaches(made.__func__, cache))
    return that_attaches(made, cache)


# -- modules that are used as a client --------------------------------------------------------------------------------


def _openai(here: Any) -> Iterator[Any]:
    """The client of ``openai.chat.completions.create(...)``, called on the module itself."""
    yield here._load_client()._client


def _ollama(here: Any) -> Iterator[Any]:
    """The client of ``ollama.chat(...)``, called on the module itself."""
    yield here._client


# -- openai-agents ----------------------------------------------------------------------------------------------------


def _agents(here: Any) -> Iterator[Any]:
    """An agent that names its model only, and what runs it, take the default client or make one on a shared HTTP client."""
    if isinstance(getattr(here, "model", None), str | None) and getattr(here, "_client", None) is None:
        yield importlib.import_module("agents.models._openai_shared").get_default_openai_client()
        yield importlib.import_module("agents.models.openai_provider").shared_http_client()


_MODULES: dict[str, Callable[[Any], Iterator[Any]]] = {
    "huggingface_hub": _hugging_face,
    "litellm": _litellm,
    "openai": _openai,
    "ollama": _ollama,
    "agents": _agents,
}
_CLASSES: dict[tuple[str, str], Callable[[Any], Iterator[Any]]] = {
    ("google", "BaseApiClient"): _genai,
    ("google", "_PerLoopAsyncClientMixin"): _genai_async,
    ("huggingface_hub", "InferenceClient"): _hugging_face,
    ("huggingface_hub", "AsyncInferenceClient"): _hugging_face_async,
    ("litellm", "Router"): _litellm,
    ("agents", "Agent"): _agents,
    ("agents", "Runner"): _agents,
    ("agents", "OpenAIProvider"): _agents,
}
