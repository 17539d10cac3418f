"""Which headers count in a key: those that choose what answers."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirecache import KeyOptions, make_key
from wirecache._core.keys.fields import COUNTED, HASH_MARK, LABELS, Globs, counted_fields, is_counted, key_fields, uncounted_names

URL = "https://gateway.example/v1/chat/completions"


def key(*names: str, value: str = "a", **options: tuple[str, ...]) -> str:
    return make_key("POST", URL, {name: value for name in names}, "{}", options=KeyOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "X-Amzn-SageMaker-Target-Model", "X-Amzn-SageMaker-Target-Variant", "X-Amzn-SageMaker-Inference-Component",
        "X-Amzn-SageMaker-Target-Container-Hostname", "X-Amzn-SageMaker-Enable-Explanations", "X-Amzn-SageMaker-Custom-Attributes",
        "X-Amzn-Bedrock-GuardrailIdentifier", "X-Amzn-Bedrock-GuardrailVersion", "X-Amzn-Bedrock-Trace", "X-Amzn-Bedrock-Accept",
        "X-Amzn-Bedrock-PerformanceConfig-Latency", "X-Amzn-Bedrock-Service-Tier", "azureml-model-deployment", "extra-parameters",
        "x-ms-model-mesh-model-name", "X-Vertex-AI-LLM-Request-Type", "x-portkey-provider", "x-portkey-config", "x-portkey-virtual-key",
        "x-portkey-custom-host", "x-portkey-azure-deployment-id", "x-portkey-vertex-project-id", "x-portkey-cache-namespace",
        "Helicone-Target-URL", "Helicone-Target-Provider", "Helicone-OpenAI-Api-Base", "Helicone-Fallbacks", "Helicone-Cache-Seed",
        "cf-aig-gateway-id", "cf-aig-byok-alias", "cf-aig-cache-key", "x-litellm-tags", "x-kong-llm-model", "x-ai-eg-model",
        "x-ms-oai-image-generation-deployment", "x-ms-spillover-deployment", "x-anthropic-beta", "X-OpenRouter-Metadata",
        "X-TFY-Provider-Name", "x-tfy-metadata", "x-bf-vk", "x-bf-mcp-include-tools", "x-bf-eh-anthropic-beta", "x-bt-endpoint-name",
        "X-Data-Keywordsai-Params", "X-Gateway-Model-Name", "serve_multiplexed_model_id", "X-Cerebras-Version-Patch", "Api-Version",
        "NVCF-INPUT-ASSET-REFERENCES", "Copilot-Integration-Id", "X-Goog-FieldMask", "X-HTTP-Method-Override", "X-Amz-Target",
        "X-TC-Action", "X-Model-Provider-Id", "X-GitHub-Api-Version", "x-acme-deployment", "Seldon-Model", "x-acs-action",
        "foundry-features", "Groq-Model-Version", "Prefer", "anthropic-beta", "anthropic-version", "OpenAI-Beta",
        "X-DashScope-DataInspection",
    ],
)  # fmt: skip
def test_a_header_that_chooses_the_answer_counts(name: str) -> None:
    assert len({key(name), key(name, value="b"), key()}) == 3


@pytest.mark.parametrize(
    "name",
    [
        "user-agent", "x-stainless-retry-count", "idempotency-key", "traceparent", "x-request-id", "date", "x-amz-date", "authorization",
        "x-portkey-api-key", "x-portkey-trace-id", "x-portkey-metadata", "x-portkey-aws-secret-access-key", "cf-aig-metadata",
        "cf-aig-authorization", "Helicone-Auth", "Helicone-User-Id", "Helicone-Session-Id", "Helicone-Property-App", "x-litellm-timeout",
        "x-litellm-api-key", "x-litellm-end-user-id", "x-amzn-sagemaker-inference-id", "x-amzn-bedrock-request-metadata",
        "x-goog-api-client", "openai-organization", "x-tfy-retry-config", "x-tfy-request-timeout", "x-bf-cache-ttl", "x-bf-prom-team",
        "x-bt-use-cache", "x-bt-parent", "x-gateway-inference-fairness-id", "nvcf-poll-seconds", "x-tc-timestamp",
        "X-TC-TraceId", "X-TC-RequestClient", "X-TC-Content-SHA256", "X-TC-Token", "x-acs-signature-nonce",
        "x-acs-credentials-provider", "x-acs-security-token",
        "x-openrouter-title", "http-referer", "x-ms-client-request-id", "x-session-affinity", "cookie",
    ],
)  # fmt: skip
def test_other_headers_do_not(name: str) -> None:
    assert key(name) == key()
    assert uncounted_names({name.lower().encode(): b"a"}) == (name.lower(),)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [("x-portkey-config", '{"a": "b  c"}', '{"a": "b c"}'), ("accept", 'text/x; a="b c"', 'text/x; a="bc"')],
)
def test_white_space_within_a_value_counts(name: str, one: str, other: str) -> None:
    assert key(name, value=one) != key(name, value=other)


def test_every_row_has_its_source_and_a_name_in_lower_case() -> None:
    assert all(source and glob == glob.lower() for glob, source in COUNTED.items())


def test_names_of_the_user_are_globs() -> None:
    assert key("x-acme-a") == key()
    assert len({key("x-acme-a", headers=("X-Acme-*",)), key("x-acme-b", headers=("x-acme-*",)), key(headers=("x-acme-*",))}) == 3
    assert key("x-acme-a", headers=("x-acme-?",)) == key("x-acme-a", headers=("x-acme-a",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-portkey-config", '{"api_key": "s3cr3t"}'), ("helicone-target-url", "https://h/?key=s3cr3t"),
        ("x-portkey-virtual-key", "s3cr3t"),
        ("helicone-target-url", "https://u:s3cr3t@h"), ("x-portkey-config", "sk-proj-" + "a1B2c3D4" * 4),
    ],
)  # fmt: skip
def test_a_secret_in_such_a_header_is_kept_as_a_hash(name: str, value: str) -> None:
    assert is_counted(name.encode())
    shown = key_fields({name.encode(): value.encode()})[name]
    assert shown.startswith(HASH_MARK)
    assert "s3cr3t" not in shown
    assert key(name, value=value) == key(name, value=shown) != key(name, value=value + "x")  # what an entry keeps gives its key anew


def test_a_credential_that_the_user_lists_is_kept_as_a_hash() -> None:
    assert key_fields({b"authorization": b"Bearer s3cr3t"}, ("authorization",))["authorization"].startswith(HASH_MARK)


def test_the_names_that_make_no_difference_are_listed() -> None:
    fields = {b"user-agent": b"x", b"openai-beta": b"y", b"accept": b"*/*", b"x-team": b"z"}
    assert uncounted_names(fields) == ("accept", "user-agent", "x-team")
    assert uncounted_names({**fields, b"accept": b"audio/mpeg"}, ("X-*",)) == ("user-agent",)


def test_an_accept_of_several_plain_ranges_makes_no_difference() -> None:
    assert key_fields({b"accept": b"application/json, */*"}) == {}


def test_the_headers_that_count_as_they_were_sent() -> None:
    fields = {b"openai-beta": b" a  b ", b"accept": b"audio/mpeg ; q = 1 , x/y", b"user-agent": b"x"}
    assert counted_fields(fields) == [(b"accept", b"accept", b"audio/mpeg;q=1,x/y"), (b"openai-beta", b"openai-beta", b"a b")]
    assert counted_fields({}) == []
    assert counted_fields({b"x-team": b"a"}, ("X-*",)) == [(b"+x-team", b"x-team", b"a")]


GLOBS = st.text("ab*-", max_size=6)
CHANGES = (str, lambda name: name[1:], lambda name: name[:-1], lambda name: f"y{name}", lambda name: f"{name}y")


@given(globs=st.lists(GLOBS, max_size=4), name=st.text("ab-", max_size=8))
def test_globs_match_as_fnmatch_says(globs: list[str], name: str) -> None:
    assert Globs(globs).match(name) == any(fnmatchcase(name, glob) for glob in globs)


@pytest.mark.parametrize("table", [pytest.param(tuple(COUNTED), id="counted"), pytest.param(LABELS, id="labels")])
def test_each_glob_of_a_table_matches_what_it_should(table: tuple[str, ...]) -> None:
    names = {change(glob.replace("*", star)) for glob in table for star in ("", "x", "-model") for change in CHANGES}
    assert [name for name in sorted(names) if Globs(table).match(name) != any(fnmatchcase(name, glob) for glob in table)] == []
