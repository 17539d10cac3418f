"""Which SDKs are installed, on which HTTP library, and where would a cache not see their calls?"""

from __future__ import annotations

import os
import re
from importlib import metadata
from importlib.util import find_spec

from wirecache.cli._finding import Finding

__all__ = ["library_of", "sdk_findings", "version_of"]


SDKS = (
    "openai", "anthropic", "google-genai", "mistralai", "groq", "cohere", "together", "cerebras_cloud_sdk", "ollama", "huggingface_hub",
    "litellm", "langchain-openai", "langchain-anthropic", "pydantic-ai-slim", "openai-agents",
)  # fmt: skip
LIBRARIES = ("httpx2", "httpx", "aiohttp", "requests")  # of those that an SDK needs, the first one is its own
_NAME = re.compile(r"[\w.-]+")


def version_of(name: str) -> str | None:
    """The version that is installed, if it is."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def library_of(sdk: str) -> str | None:
    """The HTTP library that it needs, by what it says itself; None if it leaves that to another package."""
    needs = [need for need in metadata.requires(sdk) or () if "extra ==" not in need]
    names = {found[0].lower() for need in needs if (found := _NAME.match(need))}
    return next((library for library in LIBRARIES if library in names), None)


def sdk_findings() -> list[Finding]:
    """The libraries, the SDKs, and the traps."""
    found = [Finding("library", name, version) for name in LIBRARIES[:3] if (version := version_of(name))]
    there = [_sdk(name, version, library_of(name)) for name in SDKS if (version := version_of(name)) is not None]
    found += there or [Finding("sdk", "none", "no SDK that is known is installed here")]
    return [*found, *_aiohttp()]


def _sdk(name: str, version: str, library: str | None) -> Finding:
    if library in ("aiohttp", "requests"):
        why = "the cache lies under httpx and httpx2, so its calls pass it by"
        return Finding("sdk", name, f"{version}, on {library}", why, f"install a version of {name} that is on one of them")
    if library is not None and find_spec(library) is None:
        return Finding("sdk", name, f"{version}, on {library}", f"{library} is not installed", f"pip install {library}")
    return Finding("sdk", name, f"{version}, on {library}" if library else version)


def _aiohttp() -> list[Finding]:
    """With aiohttp installed, some SDKs send their async calls through it, where no httpx transport sees them."""
    if version_of("aiohttp") is None:
        return []
    found = []
    if version_of("google-genai"):
        why = "with aiohttp installed, google-genai sends its async calls through it, past the cache"
        do = "give it HttpOptions(httpx_async_client=cached_async_client()), or use install() or wirecache run"
        found.append(Finding("aiohttp", "google-genai", "async calls", why, do))
    if version_of("litellm") and os.environ.get("DISABLE_AIOHTTP_TRANSPORT", "").lower() != "true":
        why = "litellm sends async calls through aiohttp, which only install() and wirecache run reach"
        do = "use install() or wirecache run, or set DISABLE_AIOHTTP_TRANSPORT=True"
        found.append(Finding("aiohttp", "litellm", "async calls", why, do))
    return found
