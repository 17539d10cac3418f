"""The JSON API: what it lists, and that its description names its addresses."""

from __future__ import annotations

from tests.ui.server import Served


def test_the_list(sampled: Served) -> None:
    found = sampled.client.get("/api/v1/exchanges", params={"q": "haiku", "limit": 5}).json()
    assert (found["total"], found["page"], found["ready"]) == (1, 1, True)
    row = found["exchanges"][0]
    assert row["prompt"] == "Write a haiku about a slow network."
    assert (row["model"], row["endpoint"], row["host"], row["tokens"], row["fresh"]) == ("gpt-4o-mini", "chat", "api.openai.com", 33, True)
    assert sampled.client.get("/api/v1/exchanges", params={"age": "soon"}).status_code == 400
    assert len(sampled.client.get("/api/v1/exchanges", params={"limit": "3", "page": "2"}).json()["exchanges"]) == 3


def test_an_exchange(sampled: Served) -> None:
    row = sampled.client.get("/api/v1/exchanges", params={"q": "haiku"}).json()["exchanges"][0]
    entry = sampled.client.get(f"/api/v1/exchanges/{row['source']}/{row['ref']}").json()
    assert entry["conversation"][-1]["text"] == row["prompt"]
    assert len(entry["chunks"]) == 15
    assert sampled.client.get("/api/v1/exchanges/0/nothing").json() == {
        "error": "This exchange is no longer there: it was dropped or replaced meanwhile, or its file cannot be read."
    }


def test_explain(sampled: Served) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is the capital of Austria?"}]}
    request = {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "body": body}
    explained = sampled.client.post("/api/v1/explain", json=request).json()
    assert explained["hit"] is False
    assert explained["nearest"]["differences"]
    assert sampled.client.post("/api/v1/explain", content=b"{").status_code == 400
    assert (
        sampled.client.post("/api/v1/explain", json={"uri": "x"}).json()["error"].startswith("the request must be a JSON object with url")
    )


def test_the_description_names_what_there_is(sampled: Served) -> None:
    description = sampled.client.get("/api/v1/openapi.json").json()
    assert description["openapi"] == "3.1.0"
    for path, methods in description["paths"].items():
        method = next(iter(methods))
        answer = sampled.client.request(method, path.replace("{source}", "0").replace("{ref}", "0" * 64))
        assert "no such address" not in answer.text, path
    assert sampled.client.get("/api/v1/nothing").json()["error"].startswith("The API has no such address")


def test_sources_and_progress(sampled: Served) -> None:
    assert [source["kind"] for source in sampled.client.get("/api/v1/sources").json()["sources"]] == ["store", "cassettes"]
    assert sampled.client.get("/api/v1/progress").json() == {"done": 18, "total": 18, "ready": True, "errors": []}
