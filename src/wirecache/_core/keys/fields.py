"""Which request headers affect the answer? They count in the key; ``COUNTED`` is the table, with its sources.

A header missing here leads to wrong answers, a superfluous one to needless misses. So all headers of a gateway count, except ``LABELS``:
what names a call, a caller or a session, or only says how long to wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import lru_cache

from wirecache._core.privacy.callers import names_credential
from wirecache._core.privacy.names import keyed_hash
from wirecache._core.privacy.patterns import redacted_text
from wirecache._core.short_cache import LONGEST, cached_if_short

__all__ = [
    "COUNTED",
    "HASH_MARK",
    "LABELS",
    "PLAIN_ACCEPT",
    "Globs",
    "counted_fields",
    "counted_names",
    "is_counted",
    "key_fields",
    "readable_value",
    "uncounted_names",
]

# Globs of header names, and the source that says that they affect the answer.
COUNTED = {
    "anthropic-beta": "docs.anthropic.com/en/api/beta-headers",
    "anthropic-version": "docs.anthropic.com/en/api/versioning",
    "content-encoding": "RFC 9110 section 8.4: the body is what it decodes to",
    "openai-beta": "the OpenAI SDK, for instance resources/beta/assistants.py",
    "groq-model-version": "console.groq.com/docs/compound: the version of a system and its tools",
    "prefer": "RFC 7240; Replicate waits or answers at once by it",
    "x-amzn-sagemaker-*": "botocore, sagemaker-runtime 2017-05-13: target model, variant, container, component, session, attributes",
    "x-amzn-bedrock-*": "botocore, bedrock-runtime 2023-09-30: guardrail, trace, performance, service tier, accept",
    "azureml-model-deployment": "learn.microsoft.com/azure/machine-learning/how-to-deploy-online-endpoints: the deployment to invoke",
    "extra-parameters": "Azure AI model inference API: unknown parameters are dropped, passed through or refused",
    "x-ms-model-mesh-model-name": "Azure AI model inference API: the model, where the body has none",
    "x-vertex-ai-llm-*": "cloud.google.com/vertex-ai/generative-ai/docs/use-provisioned-throughput",
    "x-portkey-*": "portkey.ai/docs/api-reference/inference-api/headers; Portkey-AI/gateway, src/globals.ts",
    "helicone-target-*": "docs.helicone.ai/helicone-headers/header-directory, and those that follow",
    "helicone-openai-api-base": "the upstream",
    "helicone-model-override": "the model",
    "helicone-fallbacks": "the fallback models",
    "helicone-token-limit-exception-handler": "the prompt is shortened",
    "helicone-moderations-enabled": "the answer may be a refusal",
    "helicone-llm-security-*": "the answer may be a refusal",
    "helicone-cache-seed": "another seed gives other answers",
    "cf-aig-*": "developers.cloudflare.com/ai-gateway/glossary",
    "x-litellm-*": "docs.litellm.ai/docs/proxy/request_headers: tags choose the deployment",
    "x-kong-llm-*": "developer.konghq.com/plugins/ai-proxy",
    "x-source-model": "developer.konghq.com/how-to/forward-openai-sdk-model-to-ai-proxy-advanced: $(headers.x-source-model)",
    "x-ai-eg-model": "aigateway.envoyproxy.io: AIGatewayRoute matches this header",
    "x-dashscope-*": "DashScope's SDK: events or one answer, at once or as a task, with or without inspection",
    "x-ms-oai-*": "learn.microsoft.com/azure/ai-foundry/openai/how-to/responses, image generation: the deployment that generates images",
    "x-ms-spillover-deployment": "learn.microsoft.com/azure/foundry/openai/how-to/spillover-traffic-management",
    "foundry-features": "Azure AI Projects' SDK: features in preview",
    "x-anthropic-beta": "openrouter.ai/docs: beta features, passed on to Anthropic",
    "x-openrouter-metadata": "openrouter.ai/docs: the answer says which provider gave it",
    "x-tfy-*": "truefoundry.com/docs/ai-gateway/request-headers: provider account, guardrails; metadata routes",
    "x-bf-*": "docs.getbifrost.ai/providers/request-options: virtual key, tools, headers for the provider, raw answers",
    "x-bt-*": "Braintrust's proxy, packages/proxy/src/proxy.ts: endpoint, form of the stream",
    "x-data-keywordsai-params": "docs.keywordsai.co: parameters of the request in base64, including fallback models",
    "x-gateway-*": "gateway-api-inference-extension.sigs.k8s.io: X-Gateway-Model-Name chooses the pool",
    "serve_multiplexed_model_id": "docs.ray.io/en/latest/serve/model-multiplexing.html",
    "x-cerebras-version-patch": "inference-docs.cerebras.ai: the version of the API",
    "nvcf-*": "docs.nvidia.com/cloud-functions: NVCF-INPUT-ASSET-REFERENCES, the images and videos in question",
    "copilot-*": "GitHub Copilot's chat: Copilot-Integration-Id, Copilot-Vision-Request",
    "x-goog-fieldmask": "cloud.google.com/apis/docs/system-parameters: the members that an answer has",
    "x-http-method-override": "google-api-client, MethodOverride.HEADER; docs.cloud.google.com/apis/docs/system-parameters: the method",
    "x-amz-target": "smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html; docs.aws.amazon.com/transfer: the operation",
    "soapaction": "w3.org/TR/2000/NOTE-SOAP-20000508 section 6.1.1: the intent of the request",
    "x-tc-*": "tencentcloud.com/document/api/409/16764, signature v3: X-TC-Action is the operation, X-TC-Version, X-TC-Region",
    "x-acs-*": "alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature: x-acs-action, x-acs-version",
    # Of any gateway: names that say themselves that they affect the answer (Mify's X-Model-Provider-Id; API Management's Api-Version).
    "*model": "the model", "*model-name": "the model", "*model-id": "the model", "*model-version": "the model",
    "*model-provider*": "the provider", "*-provider": "the provider", "*-provider-name": "the provider",
    "*-deployment": "the deployment", "*-deployment-id": "the deployment", "*-deployment-name": "the deployment",
    "*api-version": "the version of the API (X-GitHub-Api-Version)",
}  # fmt: skip

# Headers of the families above that do not affect the answer.
LABELS = (
    "x-amzn-sagemaker-inference-id", "x-amzn-sagemaker-prefix-aware-id", "x-amzn-bedrock-request-metadata", "x-amzn-bedrock-project*",
    "x-portkey-trace-id", "x-portkey-span-*", "x-portkey-parent-span-id", "x-portkey-metadata", "x-portkey-debug",
    "x-portkey-request-timeout", "x-portkey-retry-count", "x-portkey-cache-force-refresh", "x-portkey-runtime*",
    "x-portkey-package-version", "x-portkey-client-*",
    "cf-aig-metadata", "cf-aig-event-id", "cf-aig-log-id", "cf-aig-collect-log*", "cf-aig-custom-cost", "cf-aig-request-timeout",
    "cf-aig-max-attempts", "cf-aig-retry-delay", "cf-aig-backoff", "cf-aig-skip-cache", "cf-aig-cache-ttl", "cf-aig-cache-status",
    "x-litellm-timeout", "x-litellm-stream-timeout", "x-litellm-num-retries", "x-litellm-spend-logs-metadata", "x-litellm-customer-id",
    "x-litellm-end-user-id", "x-litellm-enable-message-redaction", "x-litellm-*-id",
    "x-dashscope-workspace", "x-dashscope-euid",
    "x-tfy-logging-config", "x-tfy-retry-config", "x-tfy-*timeout*", "x-tfy-cache-config",
    "x-bf-api-key", "x-bf-cache-*", "x-bf-prom-*", "x-bf-maxim-*", "x-bf-lh-*", "x-bf-session-id", "x-bf-parent-request-id",
    "x-bt-use-*", "x-bt-cache-*", "x-bt-parent", "x-bt-org-name", "x-bt-project-id", "x-bt-compress-audio", "x-bt-span*",
    "x-gateway-inference-*", "nvcf-poll-seconds", "copilot-session*",
    "x-tc-timestamp", "x-tc-requestclient", "x-tc-traceid", "x-tc-language", "x-tc-content-sha256",
    "x-acs-date", "x-acs-signature*", "x-acs-content-sha256", "x-acs-accesskey-id", "x-acs-credentials-provider",
    "user-agent*", "x-stainless-*", "x-client-*",
)  # fmt: skip

# A credential in such a family counts only with ``credentials=True``, except a virtual key, which selects the provider.
_ROUTING_KEYS = frozenset({b"x-portkey-virtual-key", b"x-bf-vk"})
# Values of Accept that make no difference at a JSON endpoint; others (an audio format, an event stream) do.
PLAIN_ACCEPT = frozenset({b"", b"*/*", b"application/json"})
HASH_MARK = "hmac-sha256:"
_HASHED = re.compile(HASH_MARK + r"[0-9a-f]{64}")
_OPEN = re.compile(r"[{?]|.@")  # JSON and URLs, which may hold a secret

SHORT_NAMES = 4096  # total bytes of a request's header names; above that, the result is not cached


class Globs:
    """Matches names against globs with ``*`` as the only wildcard. One regular expression of so many would take milliseconds to compile."""

    def __init__(self, globs: Iterable[str]) -> None:
        whole, beginnings, ends, others = [], [], [], []
        for glob in globs:
            before, star, after = glob.partition("*")
            if not star:
                whole.append(glob)
            elif not after:
                beginnings.append(before)
            elif not before and "*" not in after:
                ends.append(after)
            else:
                others.append(translate(glob))
        self._whole, self._beginnings, self._ends = frozenset(whole), tuple(beginnings), tuple(ends)
        self._others = re.compile("|".join(others)) if others else None

    def match(self, name: str) -> bool:
        """Return whether the name matches one of the globs."""
        if name in self._whole or name.startswith(self._beginnings) or name.endswith(self._ends):
            return True
        return self._others is not None and self._others.fullmatch(name) is not None


_COUNTED = Globs(COUNTED)
_LABELS = Globs(LABELS)


@cached_if_short(1024)
def is_counted(name: bytes) -> bool:
    """Return whether the table contains the header of this name (in lower case)."""
    text = name.decode("latin-1")
    if not _COUNTED.match(text) or _LABELS.match(text):
        return False
    return name in _ROUTING_KEYS or not names_credential(text)


@cached_if_short(256, size=lambda names_and_globs: len(b"".join(names_and_globs[0])), longest=SHORT_NAMES)
def counted_names(names_and_globs: tuple[tuple[bytes, ...], tuple[str, ...]]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the names of the headers that count, each with its name in the key, sorted by the latter.

    The globs match additional headers, whose names in the key begin with a plus. ``accept`` is left out, since its value decides.
    """
    names, extra = names_and_globs
    found = [(name, name) for name in names if is_counted(name)]
    patterns = [re.compile(translate(glob.lower())) for glob in extra]
    found += [(b"+" + name, name) for name in names if any(pattern.fullmatch(name.decode("latin-1")) for pattern in patterns)]
    return tuple(sorted(found))


def counted_fields(fields: Mapping[bytes, bytes], extra: tuple[str, ...] = ()) -> list[tuple[bytes, bytes, bytes]]:
    """Return the headers that count, as (name in the key, name, value without insignificant white space)."""
    found = [(label, name, _without_space(fields[name])) for label, name in counted_names((tuple(fields), extra))]
    accept = fields.get(b"accept", b"")
    if accept not in PLAIN_ACCEPT:
        media_ranges = [accept] if b'"' in accept else [b"".join(media_range.split()) for media_range in accept.split(b",")]
        if any(media_range.lower() not in PLAIN_ACCEPT for media_range in media_ranges):
            found = sorted([*found, (b"accept", b"accept", b",".join(media_ranges))])
    return found


def _without_space(value: bytes) -> bytes:
    """Return the value without insignificant white space. White space in quotes (JSON, a quoted string) is significant."""
    return value.strip() if b'"' in value else b" ".join(value.split())


def key_fields(fields: Mapping[bytes, bytes], extra: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the headers that count, as they are used in keys and kept in entries. ``extra``: the globs in the user's ``KeyOptions``."""
    return {name.decode("latin-1"): readable_value(name, value) for _, name, value in counted_fields(fields, extra)}


def uncounted_names(fields: Mapping[bytes, bytes], extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the names of the headers that do not count, sorted."""
    counted = {name for _, name, _ in counted_fields(fields, extra)}
    return tuple(sorted(name.decode("latin-1") for name in fields if name not in counted))


def readable_value(name: bytes, value: bytes) -> str:
    """Return the value as text, or as a keyed hash if it is a secret or may contain one."""
    return (_readable_value if len(name) + len(value) <= LONGEST else _readable_value.__wrapped__)(name, value)


@lru_cache(maxsize=256)
def _readable_value(name: bytes, value: bytes) -> str:
    text = value.decode("latin-1")
    if _HASHED.fullmatch(text):  # hashed already: from an entry whose key is being recomputed
        return text
    if names_credential(name.decode("latin-1")) or (_OPEN.search(text) and name != b"accept") or redacted_text(text) != text:
        return HASH_MARK + keyed_hash(value).hex()
    return text
