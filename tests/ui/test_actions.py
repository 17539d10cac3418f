"""What the pages change: discard, pin, edit; asked once, undone, refused where pages are read only. And what they export."""

from __future__ import annotations

import io
import json
import re
import zipfile
from html import unescape
from pathlib import Path

import pytest

from tests.cli.command import wirecache
from tests.provider import CHAT, CHAT_EVENTS, Answer, Provider, events
from tests.ui import sample
from tests.ui.browser import Tab
from tests.ui.server import Served, serve
from tests.ui.test_pages import path_of, text_of
from wirecache import Cache, Cassette, DiskStore
from wirecache._core.privacy.redaction import DEFAULT
from wirecache._core.privacy.scan import leaks
from wirecache._inspector.again import key_variable
from wirecache._inspector.templating import address
from wirecache.cassette import short_key_of
from wirecache.httpx import cached_client

ORIGIN = {"sec-fetch-site": "same-origin"}


def name_of(served: Served, words: str) -> str:
    return path_of(served, words).removeprefix("/x/")


def post(served: Served, path: str, **form: str | list[str]) -> int:
    return served.client.post(path, data=form, headers=ORIGIN).status_code


def test_discard_asks_once_and_is_undone(own: Served) -> None:
    name = name_of(own, "capital of Australia")
    question = own.page(f"/actions?do=discard&x={name}")
    assert "Discard 1 exchange? The next equal call goes to the provider." in text_of(question)
    assert own.client.get(f"/x/{name}").status_code == 200
    assert post(own, "/actions", do="discard", x=name) == 303
    assert own.client.get(f"/x/{name}").status_code == 404
    page = own.page("/?q=australia")
    assert "1 exchange discarded." in page
    assert post(own, "/undo") == 303
    assert own.client.get(f"/x/{name}").status_code == 200
    assert own.page("/?q=australia").count('class="pick"') == 2
    assert post(own, "/undo") == 303  # nothing is left to undo


def test_a_pinned_entry_is_never_stale(own: Served, tmp_path: Path) -> None:
    name = name_of(own, "capital of Australia")
    assert "stale" in text_of(own.page(f"/x/{name}"))
    assert post(own, "/actions", do="pin", x=name) == 303
    assert "never stale" in text_of(own.page(f"/x/{name}"))
    with Cache(tmp_path / "store") as cache:
        entry = cache.get(name.partition("/")[2])
        assert entry is not None
        assert entry.ttl is None
        assert cache.prune() == 0
    assert post(own, "/undo") == 303
    assert "stale since" in text_of(own.page(f"/x/{name}"))


def test_a_pinned_entry_is_not_dropped_by_the_size_limit(own: Served, tmp_path: Path) -> None:
    name = name_of(own, "capital of Australia")
    assert post(own, "/actions", do="pin", x=name) == 303
    store = DiskStore(tmp_path / "store", size_limit="100KB")
    for n in range(20):
        store.set(f"{n:064x}", bytes(50_000), ttl=None)
    store.close()
    kept = [name_of(own, words) for words in ("capital of Australia",)]
    assert kept == [name]
    with Cache(tmp_path / "store") as cache:
        assert cache.get(name.partition("/")[2]) is not None
        assert len(list(cache.entries())) == 1


def test_a_recording_is_edited_if_it_stays_one(own: Served, tmp_path: Path) -> None:
    file = next((tmp_path / "cassettes" / "test_chat" / "test_greeting").glob("*.json"))
    name = f"1/test_chat/test_greeting/{file.name}"
    before = file.read_text("utf-8")
    assert "How can I help?" in unescape(own.page(f"/actions?do=edit&x={name}"))
    answer = own.client.post("/actions", data={"do": "edit", "x": name, "text": "{}"}, headers=ORIGIN)
    assert "is not a wirecache cassette" in answer.text
    assert file.read_text("utf-8") == before
    assert post(own, "/actions", do="edit", x=name, text=before.replace("How can I help?", "At your service.").replace("\n", "\r\n")) == 303
    assert "At your service." in own.page(f"/x/{name}")
    assert post(own, "/undo") == 303
    assert file.read_text("utf-8") == before


def test_nothing_is_changed_where_pages_are_read_only(sampled: Served) -> None:
    name = name_of(sampled, "capital of Australia")
    assert sampled.client.get(f"/actions?do=discard&x={name}").status_code == 403
    for path, form in (("/actions", {"do": "discard", "x": name}), ("/undo", {})):
        assert sampled.client.post(path, data=form, headers=ORIGIN).status_code == 403
    assert sampled.client.get(f"/x/{name}").status_code == 200
    assert "Discard" not in sampled.page(f"/x/{name}")


def test_another_site_changes_nothing(own: Served) -> None:
    name = name_of(own, "capital of Australia")
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert own.client.post("/actions", data={"do": "discard", "x": name}, headers=foreign).status_code == 403
    assert own.client.get(f"/actions?do=discard&x={name}").status_code == 200  # this only asks
    assert own.client.get(f"/x/{name}").status_code == 200


def test_what_is_not_there_cannot_be_changed(own: Served) -> None:
    assert post(own, "/actions", do="discard", x="0/" + "0" * 64) == 404
    assert post(own, "/actions", do="explode", x=name_of(own, "haiku")) == 400
    assert post(own, "/actions", do="discard") == 400
    assert post(own, "/actions", do="discard", x="1/../../store/cache.db") == 404
    assert post(own, "/actions", do="edit", x=name_of(own, "haiku"), text="{}") == 400


def test_a_selection_is_exported_as_a_cassette(sampled: Served, tmp_path: Path) -> None:
    names = [name_of(sampled, words) for words in ("haiku", "grey cat")]
    answer = sampled.client.get("/actions", params={"do": "export", "x": names})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    listed = wirecache("ls", "--store", tmp_path / "cassette", "--json").json["entries"]
    assert {row["model"] for row in listed} == {"gpt-4o-mini", "gemini-2.5-flash"}


def test_two_are_compared_and_one_is_discarded_in_the_browser(tab: Tab, own: Served) -> None:
    page = tab.open(own, "/?q=%22release+notes%22")
    for box in page.locator("input[name=x]").all():
        box.check()
    page.click("button[value=compare]")
    page.wait_for_url("**/diff?**")
    assert "2026" in page.inner_text("main")
    page.goto(own.url + path_of(own, "2026-11-21"))
    page.click("button[value=discard]")
    page.click("button.primary")
    page.wait_for_url(f"{own.url}/")
    assert page.locator(".done").inner_text().startswith("1 exchange discarded.")
    page.click(".done button")
    page.wait_for_url(f"{own.url}/")
    assert page.locator(".done").count() == 0
    assert tab.problems == []


def test_one_file_for_a_colleague(tab: Tab, tmp_path: Path) -> None:
    key = "sk-proj-" + "a1B2" * 12
    store = sample.write_store(
        tmp_path / "store", [*sample.entries(), sample.chat(f"my key is {key}", "<script>document.title=1</script>")]
    )
    done = wirecache("ui", store, "--export", tmp_path / "shown.html")
    assert done.code == 0, done.error
    assert "14 exchanges written to" in done.out
    assert "secrets by name and shape" in done.out
    html = (tmp_path / "shown.html").read_text("utf-8")
    assert key not in html
    assert not list(leaks(html, DEFAULT))
    addresses = re.findall(r"""\s(?:src|href|action|data|srcset)=["']?([^\s>"']*)""", html)
    outside = [at for at in addresses if not at.startswith("data:image/png;base64,")]
    assert outside == ["https://www.rfc-editor.org/rfc/rfc9111"]
    assert "<script" not in html
    tab.page.goto((tmp_path / "shown.html").as_uri())
    tab.page.locator("summary").first.click()
    assert "The cache answers a repeated call" in tab.page.inner_text("main") or "umbrella" in tab.page.inner_text("main")
    assert tab.problems == []
    assert [url for url in tab.loaded if not url.startswith(("file:", "data:"))] == []


def test_addresses_of_recordings_are_quoted() -> None:
    assert address("x", "1", "a b/c?d.json") == "/x/1/a%20b/c%3Fd.json"
    assert json.dumps(address("x", "1", "a", view="b&c")) == '"/x/1/a?view=b%26c"'


def recording(folder: Path, provider: Provider, body: dict[str, object]) -> Path:
    """Record one call, and return its file."""
    with Cassette(folder, "once") as cassette, cached_client(cassette) as client:
        client.post(f"{provider.url}/v1/chat/completions", json=body).raise_for_status()
    (file,) = (file for file in folder.glob("*.json") if short_key_of(file.name))
    return file


def test_a_recording_is_made_again_and_undone(provider: Provider, tmp_path: Path) -> None:
    file = recording(tmp_path / "tape", provider, {"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    before, name = file.read_text("utf-8"), f"0/{file.name}"
    with serve([tmp_path / "tape"]) as own:
        assert "Send again" in own.page(f"/x/{name}")
        assert provider.url in own.page(f"/again?x={name}")
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello again"}}
        provider.script = lambda _: Answer.of({**CHAT, "choices": [choice]})
        page = own.client.post("/again", data={"x": name, "key": "sk-typed-0123456789abcdef"}, headers=ORIGIN).text
        assert "<del>hi</del><ins>hello again</ins>" in page
        assert provider.requests[-1].header("authorization") == "Bearer sk-typed-0123456789abcdef"
        assert provider.requests[-1].json == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        assert file.read_text("utf-8") == before  # nothing is changed until somebody says so
        token = re.findall(r'name="token" value="([^"]+)"', page)[0]
        assert post(own, "/again/keep", token=token) == 303
        assert post(own, "/again/keep", token=token) == 404
        assert "hello again" in (text := file.read_text("utf-8"))
        assert "sk-typed" not in text
        assert post(own, "/undo") == 303
        assert file.read_text("utf-8") == before
    with Cassette(tmp_path / "tape", "none") as cassette, cached_client(cassette) as client:  # it is what it was
        answer = client.post(f"{provider.url}/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": "hi"}]})
        assert answer.status_code == 200


def test_a_stream_is_made_again_in_its_chunks(provider: Provider, tmp_path: Path) -> None:
    provider.script = lambda _: events(*CHAT_EVENTS)
    file = recording(tmp_path / "tape", provider, {"model": "m", "messages": [], "stream": True})
    with serve([tmp_path / "tape"]) as own:
        choice = {"index": 0, "delta": {"content": "new"}, "finish_reason": "stop"}
        provider.script = lambda _: events(CHAT_EVENTS[0], {**CHAT_EVENTS[1], "choices": [choice]})
        page = own.client.post("/again", data={"x": f"0/{file.name}"}, headers=ORIGIN).text
        token = re.findall(r'name="token" value="([^"]+)"', page)
        assert token, text_of(page)
        assert post(own, "/again/keep", token=token[0]) == 303
        assert "one new" in text_of(own.page(f"/x/0/{file.name}"))


def test_what_would_not_be_stored_is_said(provider: Provider, tmp_path: Path) -> None:
    file = recording(tmp_path / "tape", provider, {"model": "m", "messages": []})
    with serve([tmp_path / "tape"]) as own:
        provider.script = lambda _: Answer.of({"error": {"message": "no such key"}}, 401)
        assert "no such key" in own.client.post("/again", data={"x": f"0/{file.name}"}, headers=ORIGIN).text
        provider.close()
        assert "There was no answer" in own.client.post("/again", data={"x": f"0/{file.name}"}, headers=ORIGIN).text
        assert own.client.post("/again", data={"x": f"0/{file.name}"}, headers={"origin": "https://evil.example"}).status_code == 403
    with serve([tmp_path / "tape"], read_only=True) as own:
        assert "Send again" not in own.page(f"/x/0/{file.name}")
        assert own.client.post("/again", data={"x": f"0/{file.name}"}, headers=ORIGIN).status_code == 403


def test_a_key_of_the_environment_goes_to_its_provider_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert key_variable("https://api.openai.com/v1/responses") == "OPENAI_API_KEY"
    for url in (
        "http://api.openai.com/v1",
        "https://api.openai.com.evil.example/v1",
        "https://api.openai.com:444/v1",
        "https://x@api.openai.com/",
    ):
        assert key_variable(url) is None
