"""Frameworks whose HTTP clients are not reachable through attributes, and where they keep them.

One section per SDK: its private names that wirecache uses, and a function that yields the findings for an object. The tables at the end
say for which classes and modules. Each row is tested with the real framework.
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

from wirecache._clients.patches import Patch, attaching_async_factory, attaching_factory
from wirecache._engine.engine import CacheLike

__all__ = [
    "AIOHTTP_UNREACHABLE",
    "GENAI_CLIENT",
    "GENAI_MODULE",
    "LITELLM_FACTORIES",
    "USE_AIOHTTP",
    "ClientFactory",
    "Finding",
    "Inner",
    "Unreachable",
    "can_use_httpx",
    "framework_findings",
]


class Unreachable(NamedTuple):
    """A message about a client that cannot be patched: why, and what to do instead."""

    message: str


class Inner(NamedTuple):
    """An object that may contain further clients, to be searched, too."""

    value: Any


Finding: TypeAlias = Patch | Unreachable | Inner


def framework_findings(value: Any) -> Iterator[Finding]:
    """Yield the tables' findings for this object, which may be a module, a class or an instance."""
    if isinstance(value, ModuleType):
        rules = [_MODULES[value.__name__]] if value.__name__ in _MODULES else []
    else:
        bases = value.__mro__ if isinstance(value, type) else type(value).__mro__
        names = {(base.__module__.partition(".")[0], base.__name__) for base in bases}
        rules = [rule for name, rule in _CLASSES.items() if name in names]
    for rule in rules:
        yield from rule(value)


def _weakly_bound(instance: Any, name: str) -> Callable[..., Any]:
    """Return the class's own method, bound to the instance without keeping it alive, even if the instance has an attribute instead."""
    method, instance_ref = getattr(type(instance), name), weakref.ref(instance)
    return lambda *arguments, **options: method(instance_ref(), *arguments, **options)


# -- google-genai -----------------------------------------------------------------------------------------------------
#
# BaseApiClient._use_aiohttp(): whether the async side sends by aiohttp, as it does where aiohttp is installed.
# BaseApiClient._async_httpx_client: the httpx client that the async side has beside aiohttp.
# BaseApiClient._http_options.aiohttp_client: the session that the user passed, if any.
# _PerLoopAsyncClientMixin._client_for_running_loop(), ._loop_clients: the async client has an inner client for each event loop.

GENAI_MODULE = "google.genai._api_client"
GENAI_CLIENT = "BaseApiClient"
USE_AIOHTTP = "_use_aiohttp"
AIOHTTP_UNREACHABLE = (
    "google-genai's async side uses aiohttp here, which an httpx cache cannot see, so its calls are not cached. "
    "Pass HttpOptions(httpx_async_client=wirecache.cached_async_client()) to the client instead"
)


def can_use_httpx(client: Any) -> bool:
    """Return whether google-genai's inner client has an httpx client and the user passed no aiohttp session."""
    return getattr(client, "_async_httpx_client", None) is not None and getattr(client._http_options, "aiohttp_client", None) is None


def _genai(client: Any) -> Iterator[Finding]:
    """Yield a patch that makes the async side use its httpx client instead of aiohttp."""
    uses_aiohttp = getattr(type(client), USE_AIOHTTP, None)
    if uses_aiohttp is not None and uses_aiohttp(client):
        yield Patch(client, USE_AIOHTTP, lambda cache: lambda: False) if can_use_httpx(client) else Unreachable(AIOHTTP_UNREACHABLE)


def _genai_async(client: Any) -> Iterator[Finding]:
    """Yield the inner clients of the event loops, and a patch for those created later."""
    name = "_client_for_running_loop"
    yield Patch(client, name, partial(attaching_factory, _weakly_bound(client, name)))
    yield from [Inner(inner) for inner in client._loop_clients.values()]


# -- Hugging Face -----------------------------------------------------------------------------------------------------
#
# huggingface_hub.utils._http._GLOBAL_CLIENT: the one sync HTTP client, created on first use and again after it was closed.
# huggingface_hub.utils._http._GLOBAL_CLIENT_FACTORY, ._GLOBAL_ASYNC_CLIENT_FACTORY: what creates HTTP clients.
# AsyncInferenceClient._get_async_client(): creates the HTTP client of this object.


def _hugging_face(value: Any) -> Iterator[Finding]:
    """Yield the process-wide HTTP client and a patch of its factory; for the module, also of the factory of async clients."""
    http = importlib.import_module("huggingface_hub.utils._http")
    yield Patch(http, "_GLOBAL_CLIENT_FACTORY", lambda cache: attaching_factory(http._GLOBAL_CLIENT_FACTORY, cache))
    if http._GLOBAL_CLIENT is not None:
        yield Inner(http._GLOBAL_CLIENT)
    if isinstance(value, ModuleType):
        yield Patch(http, "_GLOBAL_ASYNC_CLIENT_FACTORY", lambda cache: attaching_factory(http._GLOBAL_ASYNC_CLIENT_FACTORY, cache))


def _hugging_face_async(client: Any) -> Iterator[Finding]:
    """Yield a patch of the method that creates this object's HTTP client."""
    name = "_get_async_client"
    yield Patch(client, name, partial(attaching_async_factory, _weakly_bound(client, name)))


# -- LiteLLM ----------------------------------------------------------------------------------------------------------
#
# Four methods create its HTTP clients; existing ones are in its cache, in its handlers and in clients of the OpenAI SDK.


class ClientFactory(NamedTuple):
    """A method that creates HTTP clients."""

    module: str
    class_name: str
    method: str


LITELLM_FACTORIES = (
    ClientFactory("litellm.llms.custom_httpx.http_handler", "HTTPHandler", "create_client"),
    ClientFactory("litellm.llms.custom_httpx.http_handler", "AsyncHTTPHandler", "create_client"),
    ClientFactory("litellm.llms.openai.common_utils", "BaseOpenAILLM", "_get_sync_http_client"),
    ClientFactory("litellm.llms.openai.common_utils", "BaseOpenAILLM", "_get_async_http_client"),
)
_LITELLM_CLIENTS = ("in_memory_llm_clients_cache", "client_session", "aclient_session", "module_level_client", "module_level_aclient")


def _litellm(_: Any) -> Iterator[Finding]:
    """Yield the process-wide clients and patches of the methods that create them."""
    package = importlib.import_module("litellm")
    for module, class_name, method in LITELLM_FACTORIES:
        owner = getattr(importlib.import_module(module), class_name)
        yield Patch(owner, method, partial(_attaching_method, vars(owner)[method]))
    yield from [Inner(vars(package)[name]) for name in _LITELLM_CLIENTS if vars(package).get(name) is not None]


def _attaching_method(method: Any, cache: CacheLike) -> Any:
    if isinstance(method, staticmethod):
        return staticmethod(attaching_factory(method.__func__, cache))
    return attaching_factory(method, cache)


# -- modules that are used as a client --------------------------------------------------------------------------------
#
# openai._load_client()._client: the HTTP client of ``openai.chat.completions.create(...)``, called on the module.
# ollama._client: the client of ``ollama.chat(...)``, called on the module.


def _openai(module: Any) -> Iterator[Finding]:
    yield Inner(module._load_client()._client)


def _ollama(module: Any) -> Iterator[Finding]:
    yield Inner(module._client)


# -- openai-agents ----------------------------------------------------------------------------------------------------
#
# agents.models._openai_shared.get_default_openai_client(): the client that the user set for all agents, or None.
# agents.models.openai_provider.shared_http_client(): the HTTP client of the clients that the library creates itself.
# OpenAIProvider._client: the client that the user passed, or None.


def _agents(value: Any) -> Iterator[Finding]:
    """Yield the default client and the shared HTTP client, which an agent without a model object, and its runner, use."""
    if isinstance(getattr(value, "model", None), str | None) and getattr(value, "_client", None) is None:
        yield Inner(importlib.import_module("agents.models._openai_shared").get_default_openai_client())
        yield Inner(importlib.import_module("agents.models.openai_provider").shared_http_client())


# -- for which modules and classes, these by the name of their package and their own -----------------------------------

_MODULES: dict[str, Callable[[Any], Iterator[Finding]]] = {
    "huggingface_hub": _hugging_face,
    "litellm": _litellm,
    "openai": _openai,
    "ollama": _ollama,
    "agents": _agents,
}
_CLASSES: dict[tuple[str, str], Callable[[Any], Iterator[Finding]]] = {
    ("google", GENAI_CLIENT): _genai,
    ("google", "_PerLoopAsyncClientMixin"): _genai_async,
    ("huggingface_hub", "InferenceClient"): _hugging_face,
    ("huggingface_hub", "AsyncInferenceClient"): _hugging_face_async,
    ("litellm", "Router"): _litellm,
    ("agents", "Agent"): _agents,
    ("agents", "Runner"): _agents,
    ("agents", "OpenAIProvider"): _agents,
}
