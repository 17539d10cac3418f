"""What the pages show: the list, and an exchange in its views."""

from __future__ import annotations

import re
import shutil
import time
from datetime import date, datetime
from html import unescape
from pathlib import Path

import pytest

from tests.ui import sample
from tests.ui.server import Served, serve
from wirecache import Cache, DiskStore, EncryptedStore, MemoryStore
from wirecache._core import codec
from wirecache._inspector.listing import last_days
from wirecache._inspector.templating import address


def path_of(served: Served, words: str) -> str:
    """Return the address of the exchange with these words."""
    found = served.client.get("/api/v1/exchanges", params={"q": f'"{words}"', "source": "0"}).json()["exchanges"]
    assert found, words
    return address("x", found[0]["source"], found[0]["ref"])


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_the_list(sampled: Served) -> None:
    text = text_of(sampled.page("/"))
    assert "18 exchanges" in text
    figures = ("696 in, 74 out", "$0.0025", "2.30 s", "fresh", "stale")
    for shown in (
        "Should I take an umbrella",
        "claude-sonnet-4-5",
        "api.anthropic.com",
        "test_chat/test_greeting",
        "get_weather",
        *figures,
    ):
        assert shown in text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("q=umbrella", 6),
        ("q=umbrella&source=0", 3),
        ("q=Bergen+-umbrella", 0),
        ('q="certain+there"', 2),
        ("q=toolless", 0),
        ("q=get_weather", 6),
        ("q=%22%22+*+-", 18),
        ("q=canb", 2),
        ("model=gpt-4o", 7),
        ("model=GPT-*", 10),
        ("endpoint=messages", 6),
        ("host=api.openai.com", 11),
        ("test=test_agent/*", 4),
        ("fresh=stale", 1),
        ("age=1h", 3),
        ("status=404", 0),
        ("page=99", 0),
        ("sort=nonsense&page=x&age=soon", 18),
    ],
)
def test_filters_and_search(query: str, count: int, sampled: Served) -> None:
    page = sampled.page(f"/?{query}")
    assert page.count('<tr>\n  <td class="pick">') == count
    if "soon" in query:
        assert "soon" in page
        assert "age: " in unescape(page)


def test_what_was_said_on_a_day(sampled: Served) -> None:
    rows = sampled.client.get("/api/v1/exchanges").json()["exchanges"]
    days = {row["ref"]: datetime.fromisoformat(row["stored_at"]).astimezone().date() for row in rows}
    for day in set(days.values()):
        found = sampled.client.get("/api/v1/exchanges", params={"age": day.isoformat()}).json()["exchanges"]
        assert {row["ref"] for row in found} == {ref for ref, at in days.items() if at == day}
    assert "0001-01-01" in sampled.page("/?age=0001-01-01")
    assert last_days(date(2026, 12, 1))[:4] == [
        ("2026-12-01", "today"), ("2026-11-30", "yesterday"), ("2026-11-29", "on Sunday"), ("2026-11-28", "on Saturday")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "first"),
    [("newest", "decide whether"), ("oldest", "Australia"), ("tokens", "0.92"), ("seconds", "Bergen"), ("hits", "offers")],
)
def test_the_order(order: str, first: str, sampled: Served) -> None:
    words = re.search(r'<td class="words">.*?</td>', sampled.page(f"/?sort={order}"), re.DOTALL)
    assert words
    assert first in words[0]


def test_the_words_that_were_searched_are_marked(sampled: Served) -> None:
    assert "<mark>umbrella</mark>" in sampled.page("/?q=umbrella")


def test_a_conversation(sampled: Served) -> None:
    page = sampled.page(path_of(sampled, "nearly certain"))
    text = text_of(page)
    assert "<strong>Bergen</strong>" in page
    assert text.count("calls get_weather") == 2
    assert "4 messages as in the call before" in text or "3 messages as in the call before" in text
    assert re.search(r"calls get_weather .*? city Bergen .*? Result .*? wind strong, south-west", text)
    assert "Reasoning" in text
    assert "936 in (256 cached), 74 out" in text


def test_markdown_and_code(sampled: Served) -> None:
    page = sampled.page(path_of(sampled, "decide whether"))
    assert "<ol>" in page
    assert '<pre class="code" tabindex="0"><code>from wirecache import cached_client' in page
    assert 'rel="noopener noreferrer nofollow"' in page


def test_json_answers_are_trees(sampled: Served) -> None:
    assert '<span class="string" dir="auto">Pebble</span>' in sampled.page(path_of(sampled, "grey cat"))


def test_images_have_an_address_of_their_own(sampled: Served) -> None:
    page = sampled.page(path_of(sampled, "in this picture"))
    found = re.search(r'src="(/media/[^"]+)"', page)
    assert found
    answer = sampled.client.get(unescape(found[1]))
    assert (answer.headers["content-type"], answer.content) == ("image/png", sample.picture())
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "base64" not in page


def test_bodies_headers_and_bytes(sampled: Served) -> None:
    path = path_of(sampled, "decide whether")
    assert "finish_reason" in sampled.page(f"{path}?view=answer")
    assert "x-request-id" in sampled.page(f"{path}?view=answer")
    assert "You are a careful assistant." in sampled.page(f"{path}?view=request")
    raw = sampled.client.get(path.replace("/x/", "/raw/"), params={"part": "request"})
    assert raw.json()["model"] == "gpt-4o"
    assert raw.headers["content-disposition"].startswith("attachment")


def test_a_stream(sampled: Served) -> None:
    text = text_of(sampled.page(f"{path_of(sampled, 'haiku')}?view=stream"))
    assert "First chunk 420 ms" in text
    assert "Longest gap 640 ms" in text
    assert "Chunks 15" in text
    events = sampled.client.get(path_of(sampled, "haiku").replace("/x/", "/api/v1/events/")).json()["events"]
    assert [event["text"] for event in events[:3]] == ["Packets", " in", " the"]
    assert events[0]["at"] == 0.42


def test_copies(sampled: Served) -> None:
    text = unescape(sampled.page(f"{path_of(sampled, 'umbrella')}?view=copy"))
    assert "curl https://api.anthropic.com/v1/messages" in text
    assert '-H "x-api-key: $API_KEY"' in text
    assert 'os.environ["API_KEY"]' in text
    assert '"format": 1' in text
    file = sampled.client.get(path_of(sampled, "umbrella").replace("/x/", "/file/"))
    assert file.json()["request"]["model"] == "claude-sonnet-4-5"


@pytest.mark.parametrize(
    "path", ["/x/0/" + "0" * 64, "/x/9/abc", "/x/1/../../secret.json", "/x/1/%2e%2e/%2e%2e/etc/passwd", "/nothing", "/media/0/x?place=1.0"]
)
def test_what_is_not_there(path: str, sampled: Served) -> None:
    answer = sampled.client.get(path)
    assert answer.status_code == 404
    assert "Back to the list" in answer.text


def test_a_store_that_is_not_there_is_not_created_but_seen_when_it_is(tmp_path: Path) -> None:
    with serve([tmp_path / "none"]) as served:
        assert "Nothing is stored yet" in served.page("/")
        assert not (tmp_path / "none").exists()
        sample.write_store(tmp_path / "none", [sample.chat("first words", "one")])
        deadline = time.monotonic() + 20
        while "first words" not in (page := served.page("/")):
            assert time.monotonic() < deadline, page
            time.sleep(0.1)


def test_a_store_that_changes_meanwhile(tmp_path: Path) -> None:
    store = sample.write_store(tmp_path / "store", [sample.chat("first words", "one"), sample.chat("second words", "two")])
    with serve([store]) as served:
        assert "2 exchanges" in served.page("/")
        other = DiskStore(store)
        first, added = sample.chat("first words", "one"), sample.chat("third words", "three", now=time.time())
        changed = sample.chat("second words", "two, later", now=time.time())
        path = address("x", "0", first.key)
        assert served.client.get(path).status_code == 200
        other.delete(first.key)
        for entry in (added, changed):
            other.set(entry.key, codec.encode(entry), ttl=None)
        other.close()
        assert served.client.get(path).status_code == 404
        deadline = time.monotonic() + 20
        while "third words" not in (page := served.page("/")) or "two, later" not in page or "first words" in page:
            assert time.monotonic() < deadline, page
            time.sleep(0.1)


def until_shown(served: Served, words: str) -> None:
    deadline = time.monotonic() + 60
    while words not in (page := text_of(served.page("/"))):
        assert time.monotonic() < deadline, page
        time.sleep(0.05)


def test_a_store_that_is_removed_and_comes_back_meanwhile(tmp_path: Path) -> None:
    store = sample.write_store(tmp_path / "store", [sample.chat("first words", "one")])
    with serve([store]) as served:
        path = path_of(served, "first words")
        shutil.rmtree(store)
        assert served.client.get(path).status_code == 404
        until_shown(served, "Nothing is stored yet")
        for page in ("/savings", "/sessions", "/cassettes", f"/explain?x={path.removeprefix('/x/')}", "/api/v1/exchanges"):
            assert served.client.get(page).status_code in (200, 404)
        assert not store.exists(), "a look creates nothing"
        sample.write_store(store, [sample.chat("other words", "two")])
        until_shown(served, "other words")


def test_a_store_that_is_replaced_meanwhile(tmp_path: Path) -> None:
    store = sample.write_store(tmp_path / "store", [sample.chat("first words", "one")])
    other = sample.write_store(tmp_path / "other", [sample.chat("other words", "two")])
    with serve([store]) as served:
        path = path_of(served, "first words")
        shutil.rmtree(store)
        other.rename(store)
        until_shown(served, "other words")
        assert served.client.get(path).status_code == 404
        assert served.page(path_of(served, "other words"))
        DiskStore(store).clear()
        until_shown(served, "Nothing is stored yet")


def test_what_is_damaged_stays_as_it_is_where_pages_are_read_only(tmp_path: Path) -> None:
    store = sample.write_store(tmp_path / "store", [sample.chat("first words", "one")])
    with serve([store], read_only=True) as served:
        assert "first words" in served.page("/")
        for file in store.glob("cache.db*"):
            file.unlink()
        (store / "cache.db").write_bytes(b"no database" * 1000)
        until_shown(served, "file is not a database")
        answer = served.client.get("/savings")
        assert (answer.status_code, "The store cannot be used now" in answer.text) == (503, True)
        assert (store / "cache.db").read_bytes() == b"no database" * 1000
        assert [file.name for file in store.glob("*corrupt*")] == []


def test_a_redis_that_is_down(tmp_path: Path) -> None:
    with serve("redis://:a-password@127.0.0.1:1/0") as served:
        assert "is unavailable" in text_of(served.page("/"))
        request = {"url": sample.OPENAI, "body": {"model": "gpt-4o", "messages": []}}
        answers = [served.client.get("/x/0/nothing"), served.client.post("/api/v1/explain", json=request)]
        assert [answer.status_code for answer in answers] == [404, 503]
        assert served.client.get("/savings").status_code == 200
        assert "a-password" not in "".join([served.page("/"), *(answer.text for answer in answers)])


def test_a_cache_of_this_process_and_an_encrypted_store(tmp_path: Path) -> None:
    cache = Cache(MemoryStore())
    encrypted = Cache(EncryptedStore(DiskStore(tmp_path / "encrypted"), b"k" * 32))
    for one, words in ((cache, "of this process"), (encrypted, "that is encrypted")):
        one.engine.source.save(sample.chat(f"an entry {words}", "yes"))
        one.flush()
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with serve([cache, encrypted]) as served:
        page = served.page("/?q=entry")
        assert "of this process" in page
        assert "that is encrypted" in page
        assert sorted(path.name for path in tmp_path.rglob("*")) == before  # nothing is written beside the store
    encrypted.close()
