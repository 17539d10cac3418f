"""The pages beyond the list: why a call missed, comparisons, savings, sessions, cassettes, changes of commits."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.provider import CHAT, Answer, Provider
from tests.proxy.serving import serving
from tests.ui import sample
from tests.ui.server import Served, serve
from tests.ui.test_pages import path_of, text_of
from wirecache import Cache, ConfigError, DiskStore, MemoryStore
from wirecache._engine.miss_log import misses_of_json
from wirecache._inspector.recent_misses import RecentMisses
from wirecache.httpx import cached_client
from wirecache.ui import App

NOTES = {"model": "gpt-4o", "messages": [{"role": "system", "content": "You are a careful assistant."}]}
ORIGIN = {"sec-fetch-site": "same-origin"}


def notes(day: str) -> dict[str, Any]:
    return {**NOTES, "messages": [*NOTES["messages"], {"role": "user", "content": f"Summarise the release notes of {day}."}]}


def explain(served: Served, **form: str) -> str:
    return text_of(served.client.post("/explain", data=form, headers=ORIGIN).text)


def test_a_pasted_request_is_explained(sampled: Served) -> None:
    body = json.dumps(notes("2026-11-27"))
    text = explain(sampled, request=f"curl {sample.OPENAI} -H 'Authorization: Bearer sk-x' \\\n --data-raw '{body}'")
    assert "miss: there is no entry with this key" in text
    assert "/messages/1/content" in text
    assert "2026-11-27" in text
    hit = explain(sampled, request=json.dumps({"url": sample.OPENAI, "body": notes("2026-11-28")}))
    assert "hit: answered by an entry" in hit


def test_other_key_options_are_tried_on_all_stored_requests(sampled: Served) -> None:
    request = json.dumps({"url": sample.OPENAI, "body": notes("2026-11-27")})
    text = explain(sampled, request=request, ignore_body="/messages/1/content")
    assert "With KeyOptions(ignore_body=('/messages/1/content',))" in text
    assert "4 stored requests would be merged into 1, of 13 tried." in text
    assert "The request above would be a hit." in text
    assert "None would be merged, of 13 tried." in explain(sampled, ignore_query="trace")


@pytest.mark.parametrize(
    ("request_text", "problem"),
    [
        ("{", "neither a curl command nor JSON"),
        ("curl -X POST", "there is no URL"),
        ("curl http://a -d @b.json", "paste the body itself"),
        ("[]", "must be a JSON object"),
    ],
)
def test_what_cannot_be_explained(request_text: str, problem: str, sampled: Served) -> None:
    assert problem in explain(sampled, request=request_text)


def test_why_a_stored_call_was_no_hit_on_another(sampled: Served) -> None:
    path = path_of(sampled, "2026-11-28").removeprefix("/x/")
    text = text_of(sampled.page(f"/explain?x={path}"))
    assert "The nearest stored request is" in text
    assert "2026-11-21" in text


def test_the_answer_comes_before_the_form_and_leads_to_the_nearest(sampled: Served) -> None:
    path, nearest = (path_of(sampled, day) for day in ("2026-11-28", "2026-11-21"))
    page = sampled.page(f"/explain?x={path.removeprefix('/x/')}")
    assert f'<a href="{nearest}">' in page
    assert page.index("It differs here") < page.index("<textarea")
    pasted = sampled.client.post(
        "/explain", data={"request": json.dumps({"url": sample.OPENAI, "body": notes("2026-11-27")})}, headers=ORIGIN
    )
    assert page.count("<h1") == 1
    assert pasted.text.index("miss: there is no entry") < pasted.text.index("<textarea")


def test_the_misses_of_a_cache_of_this_process(provider: Provider) -> None:
    cache = Cache(MemoryStore())
    with serve(cache) as served, cached_client(cache) as client:
        client.post(f"{provider.url}/v1/chat/completions", json=notes("2026-11-01"))
        assert "gpt-4o" in text_of(served.page("/explain")).partition("Recent misses")[2]


def test_the_misses_of_a_running_proxy(provider: Provider, tmp_path: Path) -> None:
    sample.write_store(tmp_path, [sample.chat("first words", "one")])
    with serving(Cache(tmp_path), provider, token="a-token") as proxy:
        address = f"{proxy.url}/token/a-token"
        with serve(DiskStore(tmp_path), proxies=[address]) as served:
            assert "None yet" in text_of(served.page("/explain"))
            for status in (200, 429):
                provider.script = lambda _, status=status: Answer.of(CHAT, status)  # type: ignore[misc]
                proxy.post("/token/a-token/openai/v1/chat/completions", json=notes(f"2026-11-{status % 31}"))
            proxy.app.cache.flush()  # type: ignore[attr-defined]
            shown = served.page("/explain").partition("Recent misses")[2]
            assert text_of(shown).count(f"by {address.split('/')[2]}") == 2
            assert "status 429, not stored" in text_of(shown)
            assert shown.count('href="/explain?x=') == 1
            assert "a-token" not in shown
            found = served.client.get("/api/v1/misses").json()
            assert [row["status"] for row in found["misses"]] == [429, 200]
            assert served.page(f"/explain?x={found['misses'][1]['exchange']}")
        with serve(DiskStore(tmp_path), proxies=[proxy.url]) as served:
            assert "it needs its token" in text_of(served.page("/explain"))
    with serve(DiskStore(tmp_path), proxies=[address]) as served:
        assert "it gave no list of misses" in text_of(served.page("/explain"))


def test_what_another_server_says_is_not_believed() -> None:
    assert misses_of_json([1]) == misses_of_json({"misses": 7}) == misses_of_json({"misses": [{"at": "now"}, 3]}) == []
    (miss,) = misses_of_json({"misses": [{"at": 1, "url": "u" * 9000, "differences": [1], "status": "x"}]})
    assert (len(miss.url), miss.differences, miss.status) == (2000, ("1",), 0)
    with pytest.raises(ConfigError, match="must be the URL that wirecache serve printed"):
        RecentMisses([], ["127.0.0.1:4141"])


def test_a_comparison(sampled: Served) -> None:
    names = [path_of(sampled, day).removeprefix("/x/") for day in ("2026-11-21", "2026-11-28")]
    page = sampled.page(f"/diff?x={names[0]}&x={names[1]}")
    assert "<del>21</del><ins>28</ins>" in page
    assert "<ins>" in page.partition("Answers, word by word")[2]
    found = sampled.client.get("/api/v1/diff", params={"x": names}).json()
    assert found["request"][0]["pointer"] == "/messages/1/content"
    assert sampled.client.get("/diff?x=1").status_code == 400


def test_savings(sampled: Served) -> None:
    page = sampled.page("/savings?by=day&calls_per_day=500")
    text = text_of(page)
    assert '<svg class="plot"' in page
    assert "local-7b" in text_of(sampled.page("/savings"))
    assert "unpriced" in text_of(sampled.page("/savings"))
    assert "calls without a price not counted" in text
    assert "500 calls a day like the" in text
    assert "test_agent/test_umbrella 3" in text
    assert sampled.client.get("/api/v1/savings").json()["total"]["calls"] > 100


def test_sessions(sampled: Served) -> None:
    page = sampled.page("/sessions")
    assert text_of(page).count("3 calls") == 2
    assert "2 calls gpt-5-mini" in text_of(page)
    source, _, ref = path_of(sampled, "umbrella").removeprefix("/x/").partition("/")
    text = text_of(sampled.page(f"/sessions/{source}/{ref}"))
    assert ("so far" in text) == (sampled.app.inspector.prices is not None)
    assert (
        text.index("Lisbon")
        < text.index('"rain": 0.05')
        < text.index("Bergen", text.index("calls get_weather"))
        < text.index("nearly certain")
    )
    assert sampled.client.get("/sessions/0/nothing").status_code == 404


def test_a_session_without_a_price_says_so(tmp_path: Path) -> None:
    now, first = time.time(), [{"role": "user", "content": "first"}]
    more = [*first, {"role": "assistant", "content": "ok"}, {"role": "user", "content": "second"}]
    calls = [
        sample.exchange(sample.OPENAI, {"model": "local-7b", "messages": messages}, sample.chat_answer("ok", 1, 1), now=now, age=9 - number)
        for number, messages in enumerate((first, more))
    ]
    with serve(sample.write_store(tmp_path / "store", calls, now=now)) as served:
        assert "tokens no price" in text_of(served.page("/sessions"))
        text = text_of(served.page(f"/sessions/0/{calls[0].key}"))
    assert "Price not known" in text
    assert "so far" not in text


def test_a_cassette_that_was_recorded_with_other_keys_was_not_edited(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "fixtures" / "llama-server", tmp_path / "llama-server")
    with serve([tmp_path]) as served:
        text = text_of(served.page("/cassettes"))
    assert text.count("keys differ") == 1
    assert "key differs" not in text


def test_cassettes(tmp_path: Path) -> None:
    root = sample.write_cassettes(tmp_path / "tests" / "cassettes", time.time())
    (tmp_path / "tests" / "test_chat.py").write_text("", "utf-8")
    file = next((root / "test_chat" / "test_greeting").glob("*.json"))
    key = "sk-proj-" + "a1B2" * 12
    file.write_text(file.read_text("utf-8").replace("Say hello.", f"Say hello to {key}."), "utf-8")
    broken = next((root / "test_agent" / "test_umbrella").glob("*.json"))
    broken.write_text("{", "utf-8")
    with serve([root]) as served:
        text = text_of(served.page("/cassettes"))
    assert "1 recording 200 d old stale unused" in text
    assert "secret line" in text
    assert key not in text
    assert text.count("key differs") == 1
    assert "unreadable" in text
    assert "test_chat/test_greeting 1 recording 50 min old request" not in text


def test_what_commits_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.chdir(tmp_path)
    root = sample.write_cassettes(tmp_path / "cassettes")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True, cwd=tmp_path)
    file = next((root / "test_chat" / "test_greeting").glob("*.json"))
    file.write_text(file.read_text("utf-8").replace("How can I help?", "What can I do?"), "utf-8")
    next((root / "test_agent" / "test_capital").glob("*.json")).unlink()
    with serve([root], git="HEAD") as served:
        page = served.page("/changes")
        text = text_of(page)
    assert "2 recordings." in text
    assert "removed" in text
    assert "<del>How</del>" in page
    subprocess.run([*git, "commit", "-qam", "two"], check=True, cwd=tmp_path)
    with serve([root], git="HEAD~1..HEAD") as served:
        assert "2 recordings." in text_of(served.page("/changes"))
    for wrong in ("nothing..HEAD", "--output=x"):
        with pytest.raises(ConfigError):
            App([root], git=wrong)
