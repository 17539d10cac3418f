"""The token usage that the provider reports, in one form.

``input`` includes what was read from and written to the provider's cache, ``output`` includes the reasoning, whether the provider
includes these in its counts (OpenAI) or reports them separately (Anthropic, Bedrock, Gemini): the form of OpenTelemetry and genai-prices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from wirecache._core.messages import Usage

__all__ = ["accumulated", "usage_of"]


class _Shape(NamedTuple):
    """The place of a provider's counts.

    ``path``: the object that contains them. ``input`` and ``output``: the names of the two counts. ``beside_input`` and
    ``beside_output``: the names of counts that are not included in these.
    """

    path: tuple[str, ...]
    input: str
    output: str
    beside_input: tuple[str, ...] = ()
    beside_output: tuple[str, ...] = ()


_SHAPES = (
    _Shape(("usage",), "prompt_tokens", "completion_tokens"),  # OpenAI chat and compatible APIs, Mistral
    # OpenAI Responses; Anthropic, the only one of these to count its cache separately from the input
    _Shape(("usage",), "input_tokens", "output_tokens", ("cache_read_input_tokens", "cache_creation_input_tokens")),
    _Shape(("usage",), "inputTokens", "outputTokens", ("cacheReadInputTokens", "cacheWriteInputTokens")),  # Bedrock
    _Shape(("usage",), "total_input_tokens", "total_output_tokens", ("total_tool_use_tokens",), ("total_thought_tokens",)),  # interactions
    _Shape(("usageMetadata",), "promptTokenCount", "candidatesTokenCount", ("toolUsePromptTokenCount",), ("thoughtsTokenCount",)),  # Gemini
    _Shape(("usage", "billed_units"), "input_tokens", "output_tokens"),  # Cohere v2: what is billed, else what was counted
    _Shape(("usage", "tokens"), "input_tokens", "output_tokens"),
    _Shape(("meta", "billed_units"), "input_tokens", "output_tokens"),  # Cohere v1
    _Shape(("meta", "tokens"), "input_tokens", "output_tokens"),
    _Shape((), "prompt_eval_count", "eval_count"),  # Ollama
)
# The names of the parts, in the object with the counts or in one of its ``_DETAILS``.
_CACHED: dict[str, None] = dict.fromkeys(("cached_tokens", "cache_read_input_tokens", "cacheReadInputTokens", "cachedContentTokenCount",
                         "total_cached_tokens", "prompt_cache_hit_tokens"))  # fmt: skip
_WRITTEN: dict[str, None] = dict.fromkeys(("cache_write_tokens", "cache_creation_input_tokens", "cacheWriteInputTokens"))
_REASONING: dict[str, None] = dict.fromkeys(("reasoning_tokens", "thinking_tokens", "thoughtsTokenCount", "total_thought_tokens"))
_DETAILS = dict.fromkeys(("prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details"))
# The members that may contain what is priced separately. Most answers have none of them.
_SEPARATELY_PRICED = frozenset({*_DETAILS, "promptTokensDetails", "candidatesTokensDetails", "server_tool_use"})
_MAX_COUNT = 2**63 - 1  # the largest count that fits into an entry


def usage_of(answer: Any) -> Usage | None:
    """Return the usage that an answer or event reports, or None."""
    for shape in _SHAPES:
        counts = answer
        for step in shape.path:
            counts = counts.get(step) if isinstance(counts, dict) else None
        if isinstance(counts, dict) and (shape.input in counts or shape.output in counts):
            return _usage(counts, shape)
    return None


def _usage(counts: dict[str, Any], shape: _Shape) -> Usage:
    has_details = not _SEPARATELY_PRICED.isdisjoint(counts)
    details = {name: part for name in _DETAILS if isinstance(part := counts.get(name), dict)} if has_details else {}
    objects = [counts, *details.values()]
    created = counts.get("cache_creation")
    return Usage(
        input=_sum(counts, (shape.input, *shape.beside_input)),
        output=_sum(counts, (shape.output, *shape.beside_output)),
        cached=_first(objects, _CACHED),
        written=_first(objects, _WRITTEN),
        written_1h=_count(created.get("ephemeral_1h_input_tokens")) if isinstance(created, dict) else 0,
        reasoning=_first(objects, _REASONING),
        other=min(sum(_separately_priced(counts, details)), _MAX_COUNT) if has_details else 0,
    )


def accumulated(previous: Usage | None, reported: Usage) -> Usage:
    """Return the usage of a stream so far: each event reports running totals, or omits them."""
    return reported if previous is None else Usage(*map(max, previous, reported))


def _separately_priced(counts: dict[str, Any], details: dict[str, dict[str, Any]]) -> Iterator[int]:
    """Yield the counts of what is priced separately: audio, generated images, searches."""
    for name, part in details.items():
        yield _count(part.get("audio_tokens"))
        if name == "output_tokens_details":
            yield _count(part.get("image_tokens"))
    for name, kinds in (("promptTokensDetails", ("AUDIO",)), ("candidatesTokensDetails", ("AUDIO", "IMAGE", "VIDEO"))):
        for modality in parts if isinstance(parts := counts.get(name), list) else ():
            if isinstance(modality, dict) and modality.get("modality") in kinds:
                yield _count(modality.get("tokenCount"))
    if isinstance(tools := counts.get("server_tool_use"), dict):
        yield _count(tools.get("web_search_requests"))


def _sum(counts: dict[str, Any], names: tuple[str, ...]) -> int:
    return min(sum([_count(counts[name]) for name in names if name in counts]), _MAX_COUNT)


def _first(objects: list[dict[str, Any]], names: dict[str, None]) -> int:
    for counts in objects:
        if not names.keys().isdisjoint(counts):
            for name in names:
                if name in counts and (found := _count(counts[name])):
                    return found
    return 0


def _count(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT else 0
