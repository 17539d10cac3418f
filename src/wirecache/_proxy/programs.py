"""The settings that direct programs to the proxy: what each program honours. Nothing of the programs' own is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from wirecache._proxy.upstreams import PROVIDERS, Upstream, parse_upstream
from wirecache.errors import ConfigError

__all__ = ["PROGRAMS", "VARIABLES", "Environment", "Program", "Variable", "child_environment", "environment"]


class Variable(NamedTuple):
    """An environment variable with a base URL. ``path``: what follows the upstream in the URL."""

    name: str
    upstream: str
    path: str = ""


VARIABLES = (
    Variable("OPENAI_BASE_URL", "openai", "/v1"),  # openai for Python and Node, the Vercel AI SDK, llm, litellm
    Variable("OPENAI_API_BASE", "openai", "/v1"),  # litellm: aider, OpenHands
    Variable("OPENAI_HOST", "openai"),  # goose
    Variable("ANTHROPIC_BASE_URL", "anthropic"),  # anthropic for Python and Node, Claude Code
    Variable("ANTHROPIC_HOST", "anthropic"),  # goose
    Variable("GOOGLE_GEMINI_BASE_URL", "gemini"),  # google-genai for Python and Node, Gemini CLI
    Variable("GOOGLE_VERTEX_BASE_URL", "vertex"),  # google-genai for Node, Gemini CLI
    Variable("GROQ_BASE_URL", "groq"),  # groq for Python and Node
    Variable("TOGETHER_BASE_URL", "together", "/v1"),  # together
    Variable("CEREBRAS_BASE_URL", "cerebras"),  # cerebras_cloud_sdk
    Variable("CO_API_URL", "cohere"),  # cohere
    Variable("OLLAMA_HOST", "ollama"),  # ollama
)
_BY_NAME = {variable.name: variable for variable in VARIABLES}


@dataclass(frozen=True, slots=True)
class Program:
    """How to direct one program. ``others``: fixed variables. ``option``: arguments with ``{openai}`` for a URL. ``notes``: for people."""

    variables: tuple[str, ...] = ()
    others: Mapping[str, str] | None = None
    option: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


_CODEX_OPTION = ("-c", 'openai_base_url="{openai}/v1"')
PROGRAMS: Mapping[str, Program] = {
    "claude": Program(
        ("ANTHROPIC_BASE_URL",),
        {"ENABLE_TOOL_SEARCH": "true"},
        notes=("With another host, Claude Code searches the tools of MCP servers only if ENABLE_TOOL_SEARCH is true.",),
    ),
    "codex": Program(
        option=_CODEX_OPTION,
        notes=("Codex reads no variable for it. A ChatGPT login cannot be redirected: it goes to chatgpt.com; use an API key.",),
    ),
    "gemini": Program(
        ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"),
        notes=("With an API key. A Google login goes to CODE_ASSIST_ENDPOINT, whose sign-in is not redirected.",),
    ),
    "goose": Program(("OPENAI_HOST", "ANTHROPIC_HOST")),
    "aider": Program(("OPENAI_API_BASE", "ANTHROPIC_BASE_URL")),
    "openhands": Program(("OPENAI_API_BASE", "ANTHROPIC_BASE_URL")),
    "llm": Program(("OPENAI_BASE_URL",)),
    "openai": Program(("OPENAI_BASE_URL",)),
    "anthropic": Program(("ANTHROPIC_BASE_URL",)),
    "google-genai": Program(("GOOGLE_GEMINI_BASE_URL",)),
    "groq": Program(("GROQ_BASE_URL",)),
    "together": Program(("TOGETHER_BASE_URL",)),
    "cerebras": Program(("CEREBRAS_BASE_URL",)),
    "cohere": Program(("CO_API_URL",)),
    "ollama": Program(("OLLAMA_HOST",)),
}


class Environment(NamedTuple):
    """The environment of a child. ``variables``: those to set. ``upstreams``: those that its own variables named."""

    variables: dict[str, str]
    upstreams: dict[str, Upstream]


def environment(url: str, names: tuple[str, ...] = tuple(_BY_NAME)) -> dict[str, str]:
    """Return the variables that lead to the proxy at this URL."""
    chosen = (_BY_NAME[name] for name in names)
    return {variable.name: f"{url}/{variable.upstream}{variable.path}" for variable in chosen}


def child_environment(url: str, given: Mapping[str, str]) -> Environment:
    """Return what a child needs to use the proxy at this URL. ``given``: its current variables, whose base URLs become the upstreams.

    If two of them name different servers of one provider, the second one becomes an upstream of its own (``openai-2``).
    """
    found = Environment({}, {})
    for variable in sorted(VARIABLES, key=lambda variable: not given.get(variable.name)):  # set ones first
        name, path = variable.upstream, variable.path
        if given_url := given.get(variable.name):
            try:
                name, path = _named_upstream(variable, given_url, found.upstreams)
            except ConfigError:
                continue  # not a URL that could be redirected, as the program itself will report
        found.variables[variable.name] = f"{url}/{name}{path}"
    return found


def _named_upstream(variable: Variable, given: str, upstreams: dict[str, Upstream]) -> tuple[str, str]:
    """Return the name of the upstream for the given URL, adding one if needed, and what follows it in the base URL."""
    whole = (given if "://" in given else f"http://{given}").rstrip("/")
    path = variable.path if whole.endswith(variable.path) else ""
    root = whole.removesuffix(path) if path else whole
    for number in range(1, 100):
        name = variable.upstream if number == 1 else f"{variable.upstream}-{number}"
        upstream = parse_upstream(name, root)
        known = upstreams.get(name)
        if known is None or known == upstream:
            if known is None and root != PROVIDERS.get(name):
                upstreams[name] = upstream
            return name, path
    raise ConfigError(f"{variable.name}: too many upstreams")
