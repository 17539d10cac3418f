"""OpenTelemetry metrics and span attributes of exchanges: ``Cache(on_exchange=OpenTelemetry())``; needs the extra ``otel``.

Names follow the semantic conventions where these define one (``gen_ai.*``, ``http.*``, ``server.*``); the cache's own begin with
``wirecache.``. The metrics: ``gen_ai.client.operation.duration`` (s) of every inference, including hits,
``gen_ai.client.token.usage`` ({token}) of what was billed, ``wirecache.exchanges``, ``wirecache.saved.duration`` (s) and
``wirecache.saved.tokens``. The attributes are set on the current span, if one is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wirecache._core.flows.exchange import Exchange
from wirecache._core.version import __version__
from wirecache.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

__all__ = ["OpenTelemetry"]

# The conventions' operation names, by endpoint; other names are allowed.
OPERATIONS = {
    "chat": "chat", "responses": "chat", "messages": "chat", "ollama-chat": "chat", "agents": "chat", "interactions": "chat",
    "completions": "text_completion", "fim": "text_completion", "ollama-generate": "text_completion",
    "generate-content": "generate_content", "embeddings": "embeddings",
}  # fmt: skip
# The conventions' provider names, by host; others are identified by ``server.address`` alone.
PROVIDERS = {
    "api.openai.com": "openai", "api.anthropic.com": "anthropic", "generativelanguage.googleapis.com": "gcp.gemini",
    "api.cohere.com": "cohere", "api.cohere.ai": "cohere", "api.groq.com": "groq", "api.mistral.ai": "mistral_ai",
    "api.deepseek.com": "deepseek", "api.perplexity.ai": "perplexity", "api.x.ai": "x_ai",
}  # fmt: skip
SUFFIXES = {".openai.azure.com": "azure.ai.openai", "aiplatform.googleapis.com": "gcp.vertex_ai", ".amazonaws.com": "aws.bedrock"}
# The buckets that the conventions recommend.
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


class OpenTelemetry:
    """An ``on_exchange`` that reports to OpenTelemetry. ``meter_provider``: by default the global one. ``spans``: set attributes, too."""

    def __init__(self, meter_provider: MeterProvider | None = None, *, spans: bool = True) -> None:
        try:
            from opentelemetry import metrics, trace
        except ModuleNotFoundError as error:
            raise ConfigError("wirecache.otel needs its extra: pip install 'wirecache[otel]'") from error
        self._trace = trace if spans else None
        meter = metrics.get_meter("wirecache", __version__, meter_provider)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", "GenAI operation duration.", explicit_bucket_boundaries_advisory=SECONDS
        )
        self._billed = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.", explicit_bucket_boundaries_advisory=TOKENS
        )
        self._exchanges = meter.create_counter("wirecache.exchanges", "{exchange}", "Requests, by what the cache did with them.")
        self._seconds = meter.create_counter("wirecache.saved.duration", "s", "Time that upstream had taken for what was reused.")
        self._tokens = meter.create_counter("wirecache.saved.tokens", "{token}", "Tokens that what was reused had cost.")

    def on_head(self, exchange: Exchange) -> None:
        """Set the attributes of an exchange whose head is known, while the HTTP library's span is still open."""
        span = self._trace.get_current_span() if self._trace is not None else None
        if span is not None and span.is_recording():
            span.set_attributes({**_common(exchange), **_status(exchange), **_usage(exchange)})

    def __call__(self, exchange: Exchange) -> None:
        """Record the metrics of an exchange that is over, and its final attributes."""
        common, how = _common(exchange), {"wirecache.outcome": _outcome(exchange)}
        self._exchanges.add(1, {**common, **how, **({"wirecache.detail": detail} if (detail := exchange.status.detail) else {})})
        self.on_head(exchange)
        if exchange.endpoint not in OPERATIONS:
            return
        if exchange.seconds is not None:
            self._duration.record(exchange.seconds, {**common, **how})
        if exchange.saved is not None:
            self._seconds.add(exchange.saved, common)
        if exchange.usage is not None:
            count = self._billed.record if exchange.saved is None else self._tokens.add
            count(exchange.usage.input, {**common, "gen_ai.token.type": "input"})
            count(exchange.usage.output, {**common, "gen_ai.token.type": "output"})


def _common(exchange: Exchange) -> dict[str, Any]:
    host, _, port = exchange.host.rpartition(":") if exchange.host.rpartition(":")[2].isdigit() else (exchange.host, "", "")
    attributes: dict[str, Any] = {"server.address": host, "http.request.method": exchange.method}
    if port:
        attributes["server.port"] = int(port)
    if exchange.endpoint in OPERATIONS:
        attributes["gen_ai.operation.name"] = OPERATIONS[exchange.endpoint]
    if exchange.model:
        attributes["gen_ai.request.model"] = exchange.model
    if provider := PROVIDERS.get(host) or next((name for end, name in SUFFIXES.items() if host.endswith(end)), None):
        attributes["gen_ai.provider.name"] = provider
    if exchange.code:
        attributes["http.response.status_code"] = exchange.code
    else:
        attributes["error.type"] = exchange.status.detail or "_OTHER"
    return attributes


def _outcome(exchange: Exchange) -> str:
    """Return the outcome, in which a stale hit is a hit."""
    return "hit" if exchange.status.hit else exchange.status.outcome


def _status(exchange: Exchange) -> dict[str, Any]:
    status = exchange.status
    attributes: dict[str, Any] = {"wirecache.outcome": _outcome(exchange), "wirecache.stored": status.stored}
    more = {"wirecache.key": status.key, "wirecache.detail": status.detail, "wirecache.ttl": status.ttl}
    return attributes | {name: value for name, value in more.items() if value is not None} | _saved(exchange)


def _saved(exchange: Exchange) -> dict[str, Any]:
    return {} if exchange.saved is None else {"wirecache.saved.duration": exchange.saved}


def _usage(exchange: Exchange) -> dict[str, Any]:
    """Return the tokens under the conventions' names; for a hit, those of the reused answer."""
    usage = exchange.usage
    if usage is None:
        return {}
    attributes = {"gen_ai.usage.input_tokens": usage.input, "gen_ai.usage.output_tokens": usage.output}
    more = {
        "gen_ai.usage.cache_read.input_tokens": usage.cached,
        "gen_ai.usage.cache_creation.input_tokens": usage.written,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }
    return attributes | {name: count for name, count in more.items() if count}
