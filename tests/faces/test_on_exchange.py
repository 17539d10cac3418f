"""``on_exchange`` on each face: called once for each exchange, when it is over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from tests.faces.face import Face
from tests.provider import Answer, Provider, events
from wirecache import Cache, Exchange
from wirecache._core.messages import Usage
from wirecache.otel import OpenTelemetry

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


async def test_each_exchange_once(face: Face, make_cache: Callable[..., Cache], provider: Provider) -> None:
    ended: list[Exchange] = []
    cache = make_cache(on_exchange=ended.append, namespace="team")
    url = provider.url + "/v1/chat/completions"
    async with face.client(cache) as client:
        for _ in range(2):
            await client.post(url, json=CHAT)
            await cache.aflush() if face.is_async else cache.flush()
        provider.script = lambda _: events({"choices": []})
        await client.post(url, json={**CHAT, "stream": True})
        provider.script = lambda _: Answer.of({"error": {}}, 503)
        await client.post(url, json={**CHAT, "n": 2})
        await client.post(url, json={**CHAT, "n": 3}, headers={"cache-control": "only-if-cached"})
    assert [(one.code, one.status.hit, one.status.stored, one.status.detail, one.usage, one.saved is None) for one in ended] == [
        (200, False, True, None, Usage(5, 7), True),
        (200, True, False, None, Usage(5, 7), False),
        (200, False, False, "stream", None, True),
        (503, False, False, "status-503", None, True),
        (424, False, False, "only-if-cached", None, True),
    ]
    host = provider.url.removeprefix("http://")
    assert {(one.host, one.endpoint, one.model, one.namespace) for one in ended} == {(host, "chat", "gpt-4o", "team")}
    assert all(one.seconds is not None for one in ended)


async def test_a_stream_is_over_when_its_body_is(face: Face, make_cache: Callable[..., Cache], provider: Provider) -> None:
    ended: list[Exchange] = []
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    provider.script = lambda _: events({"choices": [{"delta": {}}]}, {"choices": [], "usage": usage})
    async with face.client(make_cache(on_exchange=ended.append, streams="record")) as client:
        async with client.stream("POST", provider.url + "/v1/chat/completions", json={**CHAT, "stream": True}) as reply:
            assert ended == []
            await reply.read()
        (one,) = ended
        assert (one.status.stored, one.usage) == (True, Usage(3, 4))


async def test_what_it_raises_is_told_once_and_never_reaches_the_call(
    face: Face, make_cache: Callable[..., Cache], provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Exchange) -> None:
        raise RuntimeError("mine")

    async with face.client(make_cache(on_exchange=broken)) as client:
        for _ in range(3):
            assert (await client.post(provider.url + "/v1/chat/completions", json=CHAT)).status_code == 200
    assert [record.message for record in caplog.records] == ["wirecache: on_exchange= raised; calls go on without it"]


async def test_a_call_that_fails_is_told(face: Face, make_cache: Callable[..., Cache], provider: Provider) -> None:
    ended: list[Exchange] = []
    provider.script = lambda _: Answer(raw=b"")
    async with face.client(make_cache(on_exchange=ended.append)) as client:
        with pytest.raises(face.http.HTTPError):
            await client.post(provider.url + "/v1/chat/completions", json=CHAT)
    assert [(one.code, one.status.detail, one.host) for one in ended] == [(0, "RemoteProtocolError", provider.url.removeprefix("http://"))]


async def test_opentelemetry(face: Face, make_cache: Callable[..., Cache], provider: Provider) -> None:
    reader = InMemoryMetricReader()
    tracer = TracerProvider().get_tracer("tests")
    spans = []
    async with face.client(make_cache(on_exchange=OpenTelemetry(MeterProvider([reader])))) as client:
        for _ in range(3):
            with tracer.start_as_current_span("call") as span:
                await client.post(provider.url + "/v1/chat/completions", json=CHAT)
            spans.append(dict(span.attributes))  # type: ignore[attr-defined]
    data = reader.get_metrics_data()
    assert data is not None
    metrics = {
        metric.name: metric.data.data_points for one in data.resource_metrics for part in one.scope_metrics for metric in part.metrics
    }
    host, port = provider.url.removeprefix("http://").split(":")
    common = {
        "server.address": host, "server.port": int(port), "http.request.method": "POST", "http.response.status_code": 200,
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
    }  # fmt: skip
    outcomes = {point.attributes["wirecache.outcome"]: point for point in metrics["wirecache.exchanges"]}
    assert {name: point.value for name, point in outcomes.items()} == {"miss": 1, "hit": 2}
    assert dict(outcomes["hit"].attributes) == {**common, "wirecache.outcome": "hit"}
    assert {point.attributes["gen_ai.token.type"]: point.sum for point in metrics["gen_ai.client.token.usage"]} == {"input": 5, "output": 7}
    assert {point.attributes["gen_ai.token.type"]: point.value for point in metrics["wirecache.saved.tokens"]} == {
        "input": 10,
        "output": 14,
    }
    assert sum(point.count for point in metrics["gen_ai.client.operation.duration"]) == 3
    assert metrics["wirecache.saved.duration"][0].value > 0
    assert [attributes["wirecache.outcome"] for attributes in spans] == ["miss", "hit", "hit"]
    assert spans[0]["wirecache.stored"] is True
    assert {**spans[1], **common, "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 7} == spans[1]
    assert spans[1]["wirecache.saved.duration"] > 0


async def test_the_span_of_the_instrumented_client_has_them_too(face: Face, make_cache: Callable[..., Cache], provider: Provider) -> None:
    from opentelemetry.instrumentation import httpx as instrumentation
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kind = instrumentation.HTTPXClientInstrumentor if face.library == "httpx" else instrumentation.HTTPX2ClientInstrumentor
    spans, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    async with face.client(make_cache(on_exchange=OpenTelemetry(MeterProvider()))) as client:
        kind.instrument_client(client.native, tracer_provider=tracers)
        for _ in range(2):
            await client.post(provider.url + "/v1/chat/completions", json=CHAT)
    attributes = [dict(span.attributes or {}) for span in spans.get_finished_spans()]
    assert [one["wirecache.outcome"] for one in attributes] == ["miss", "hit"]
    assert [one["gen_ai.request.model"] for one in attributes] == ["gpt-4o", "gpt-4o"]
    assert attributes[1]["gen_ai.usage.output_tokens"] == 7
