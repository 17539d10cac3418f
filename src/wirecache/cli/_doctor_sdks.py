"""Checks of the installed SDKs: on which HTTP library, and which of their calls would bypass the cache."""

from __future__ import annotations

import os
import re
from importlib import metadata
from importlib.util import find_spec

from wirecache.cli._doctor_finding import Finding

__all__ = ["library_of", "sdk_findings", "version_of"]


SDKS = (
    "openai", "anthropic", "google-genai", "mistralai", "groq", "cohere", "together", "cerebras_cloud_sdk", "ollama", "huggingface_hub",
    "litellm", "langchain-openai", "langchain-anthropic", "pydantic-ai-slim", "openai-agents",
)  # fmt: skip
LIBRARIES = ("httpx2", "httpx", "aiohttp", "requests")  # an SDK uses the first of these that it requires
_NAME = re.compile(r"[\w.-]+")


def version_of(name: str) -> str | None:
    """Return the installed version of a package, or None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def library_of(sdk: str) -> str | None:
    """Return the HTTP library that an installed SDK requires according to its metadata, or None."""
    requirements = [requirement for requirement in metadata.requires(sdk) or () if "extra ==" not in requirement]
    names = {found[0].lower() for requirement in requirements if (found := _NAME.match(requirement))}
    return next((library for library in LIBRARIES if library in names), None)


def sdk_findings() -> list[Finding]:
    """Return the findings on HTTP libraries, SDKs and aiohttp."""
    found = [Finding("library", name, version) for name in LIBRARIES[:3] if (version := version_of(name))]
    installed = [_sdk_finding(name, version, library_of(name)) for name in SDKS if (version := version_of(name)) is not None]
    found += installed or [Finding("sdk", "none", "no known SDK is installed")]
    return [*found, *_aiohttp_findings()]


def _sdk_finding(name: str, version: str, library: str | None) -> Finding:
    if library in ("aiohttp", "requests"):
        problem = "the cache works under httpx and httpx2, so the calls of this SDK bypass it"
        return Finding("sdk", name, f"{version}, on {library}", problem, f"install a version of {name} that uses httpx or httpx2")
    if library is not None and find_spec(library) is None:
        return Finding("sdk", name, f"{version}, on {library}", f"{library} is not installed", f"pip install {library}")
    return Finding("sdk", name, f"{version}, on {library}" if library else version)


def _aiohttp_findings() -> list[Finding]:
    """Return the SDKs that send async calls through aiohttp if it is installed, where no httpx transport sees them."""
    if version_of("aiohttp") is None:
        return []
    found = []
    if version_of("google-genai"):
        problem = "with aiohttp installed, google-genai sends its async calls through it, past the cache"
        advice = "pass HttpOptions(httpx_async_client=cached_async_client()), or use install() or wirecache run"
        found.append(Finding("aiohttp", "google-genai", "async calls", problem, advice))
    if version_of("litellm") and os.environ.get("DISABLE_AIOHTTP_TRANSPORT", "").lower() != "true":
        problem = "litellm sends async calls through aiohttp, where only install() and wirecache run see them"
        advice = "use install() or wirecache run, or set DISABLE_AIOHTTP_TRANSPORT=True"
        found.append(Finding("aiohttp", "litellm", "async calls", problem, advice))
    return found
