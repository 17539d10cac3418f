"""``wirecache export`` and ``wirecache import``: cassettes out of a store, and into one, or into a directory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from openai import OpenAI

from tests.cli.command import URL, entry, fill, wirecache
from tests.provider import Provider
from wirecache import Cache, Cassette, cached_client

FIXTURES = Path(__file__).parents[1] / "cassette" / "made"
DAY = 86400.0
SECRET = "sk" + "-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "cassette.schema.json")


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


# -- export -----------------------------------------------------------------------------------------------------------


def test_what_is_exported_is_replayed_by_the_sdk(provider: Provider, tmp_path: Path) -> None:
    chat = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    http = cached_client(Cache(str(tmp_path / "store")))
    with OpenAI(http_client=http, base_url=f"{provider.url}/v1", api_key="sk-example") as client:
        client.chat.completions.create(**chat)
    done = wirecache("export", tmp_path / "tapes", "--store", tmp_path / "store")
    assert (done.code, done.out) == (0, f"1 file written to {tmp_path / 'tapes'}.\n")
    with Cassette(tmp_path / "tapes", "none") as cassette:
        client = OpenAI(http_client=cached_client(cassette), base_url=f"{provider.url}/v1", api_key="another", max_retries=0)
        assert client.chat.completions.create(**chat).choices[0].message.content == "hi"
    assert provider.calls == 1


def test_export_has_no_secret_and_the_filters_of_ls(tmp_path: Path) -> None:
    fill(tmp_path / "store", [entry(f"my key is {SECRET}", "thanks"), entry("old", "x", age=9 * DAY), entry("hi", "ho", model="other")])
    done = wirecache("export", tmp_path / "tapes", "--model", "gpt*", "--age", "1d", "--json", "--store", tmp_path / "store")
    assert done.json == {"directory": str(tmp_path / "tapes"), "written": 1, "already": 0}
    assert not [name for name, text in texts(tmp_path / "tapes").items() if SECRET in text]
    assert wirecache("scan", tmp_path / "tapes").code == 0
    with Cassette(tmp_path / "tapes", "none") as cassette:  # under the key that a cassette gives to such a request
        body = json.loads(entry(f"my key is {SECRET}", "").request_body.decode())
        assert cassette.explain({"url": URL, "body": body}).found


def test_exported_twice_it_is_there_once_and_a_newer_answer_takes_its_place(tmp_path: Path) -> None:
    for answer, age, written, already in (("one", 60, 1, 0), ("one", 60, 0, 1), ("two", 0, 1, 0), ("one", 60, 0, 1)):
        shutil.rmtree(tmp_path / "store", ignore_errors=True)
        fill(tmp_path / "store", [entry("hi", answer, age=age)])
        done = wirecache("export", tmp_path / "tapes", "--json", "--store", tmp_path / "store")
        assert (done.json["written"], done.json["already"]) == (written, already)
    assert len(names(tmp_path / "tapes")) == 1
    assert '"two"' in texts(tmp_path / "tapes")[names(tmp_path / "tapes")[0]]


def test_requests_that_differ_only_in_their_secret_are_one_file(tmp_path: Path) -> None:
    fill(tmp_path / "store", [entry(f"key {SECRET}", "a", age=5), entry(f"key {SECRET[:-1]}Z", "b")])
    for _ in range(2):
        assert wirecache("export", tmp_path / "tapes", "--store", tmp_path / "store").code == 0
        (text,) = [text for name, text in texts(tmp_path / "tapes").items() if name.startswith("chat")]
        assert '"b"' in text


def test_export_of_nothing(tmp_path: Path) -> None:
    assert wirecache("export", tmp_path / "tapes", "--store", tmp_path / "nowhere").out.startswith("0 files written")
    (tmp_path / "file").write_text("")
    assert wirecache("export", tmp_path / "file").code == 2


# -- import into a directory ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["vcr.yaml", "pytest-recording.yaml", "cassetter.yaml", "cassetter.toml"])
def test_a_directory_is_the_same_after_a_second_import(source: str, tmp_path: Path) -> None:
    first = wirecache("import", FIXTURES / source, "--to", tmp_path / "tapes", "--json")
    assert (first.code, first.json["errors"], first.json["already"]) == (0, [], 0)
    before = texts(tmp_path / "tapes")
    assert first.json["written"] == len(before) - 1 > 1
    again = wirecache("import", FIXTURES / source, "--to", tmp_path / "tapes", "--json")
    assert (again.json["written"], again.json["already"]) == (0, first.json["written"])
    assert texts(tmp_path / "tapes") == before
    copied = wirecache("import", tmp_path / "tapes", "--to", tmp_path / "copy", "--json")
    assert (copied.json["written"], names(tmp_path / "copy")) == (first.json["written"], names(tmp_path / "tapes"))


def _polled(path: Path, *states: str) -> Path:
    """A cassette of vcrpy's with one GET, repeated."""
    one = {"request": {"method": "GET", "uri": "https://x.test/batch", "body": None, "headers": {}}}
    answers = [{"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": state}} for state in states]
    path.write_text(json.dumps({"version": 1, "interactions": [{**one, "response": answer} for answer in answers]}))
    return path


def test_a_sequence_stays_one_and_what_cassettes_have_in_common_is_there_once(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("one.json", "two.json"):
        _polled(tmp_path / "old" / name, "queued", "queued", "done")
    done = wirecache("import", tmp_path / "old", "--to", tmp_path / "tapes", "--json")
    assert (done.json["written"], done.json["already"]) == (3, 3)
    with Cassette(tmp_path / "tapes", "none") as cassette, cached_client(cassette, library="httpx") as client:
        assert [client.get("https://x.test/batch").text for _ in range(4)] == ["queued", "queued", "done", "done"]


def test_what_cannot_be_read_is_listed_and_the_rest_is_imported(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "vcr.yaml", tmp_path / "good.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    (tmp_path / "other.json").write_text('{"no": "cassette"}')
    (tmp_path / "chat-0123456789ab.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("no cassette, and not named like one")
    done = wirecache("import", tmp_path, "--to", tmp_path / "tapes", "--json")
    assert done.code == 1
    assert done.json["written"] > 1
    assert len(done.json["errors"]) == 3
    for name in ("bad.yaml", "other.json", "chat-0123456789ab.json"):
        assert name in done.error
    assert "3 files could not be read" in done.error


# -- import into the store --------------------------------------------------------------------------------------------


def test_imported_into_the_store_it_answers_the_sdk(tmp_path: Path) -> None:
    done = wirecache("import", FIXTURES / "vcr.yaml", "--json")
    assert done.code == 0
    assert done.json["written"] > 1
    assert done.json["left_out"].keys() == {"GET", "empty", "status-400"}  # what a cache would not have stored
    assert wirecache("import", FIXTURES / "vcr.yaml", "--json").json["written"] == 0
    rows = wirecache("ls", "--json", "--endpoint", "chat", "--text", "Say hello").json["entries"]
    assert len(rows) == 1
    base = rows[0]["url"].removesuffix("/chat/completions")
    client = OpenAI(http_client=cached_client(Cache(mode="offline")), base_url=base, api_key="x", max_retries=0)
    hello = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Say hello, é 日本."}])
    assert hello.choices[0].message.content == "hi"


def test_out_of_a_store_and_into_another(tmp_path: Path) -> None:
    entries = [entry("one", "1"), entry("two", "2", age=60)]
    fill(tmp_path / "store", entries)
    wirecache("export", tmp_path / "tapes", "--store", tmp_path / "store")
    for target, written in (("other", 2), ("other", 0), ("store", 0)):
        done = wirecache("import", tmp_path / "tapes", "--json", "--store", tmp_path / target)
        assert (done.json["written"], done.json["already"]) == (written, 2 - written)
    with Cache(str(tmp_path / "other")) as cache:
        assert {one.key: one.body for one in cache.entries()} == {one.key: one.body for one in entries}


def test_the_age_is_that_of_the_recording_unless_asked(tmp_path: Path) -> None:
    fill(tmp_path / "store", [entry("old", "x", age=30 * DAY)])
    wirecache("export", tmp_path / "tapes", "--store", tmp_path / "store")
    done = wirecache("import", tmp_path / "tapes", "--store", tmp_path / "as-it-was")
    assert "Past their ttl, so that they answer only offline: 1." in done.out
    wirecache("import", tmp_path / "tapes", "--fresh", "--store", tmp_path / "as-new")
    with Cache(str(tmp_path / "as-it-was")) as old, Cache(str(tmp_path / "as-new")) as new:
        request = {"url": URL, "body": json.loads(bytes(entry("old", "x").request_body))}
        assert (old.explain(request).reason, new.explain(request).reason) == ("it is stale", None)


def test_a_namespace_and_key_options_of_the_settings_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "store", [entry("hi", "ho")])
    wirecache("export", tmp_path / "tapes", "--store", tmp_path / "store")
    monkeypatch.setenv("WIRECACHE_NAMESPACE", "mine")
    wirecache("import", tmp_path / "tapes", "--store", tmp_path / "other")
    with Cache(str(tmp_path / "other")) as cache:
        assert cache.explain({"url": URL, "body": json.loads(bytes(entry("hi", "ho").request_body))}).found
        assert [one.request.namespace for one in cache.entries()] == ["mine"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["nowhere"], "no such file", id="no such path"),
        pytest.param(["batch"], "--input", id="batch of nothing"),
        pytest.param(["batch", "--input", __file__], "--output", id="batch without results"),
        pytest.param([str(FIXTURES), "--base-url", "https://x"], "import batch", id="an option of batch"),
    ],
)
def test_usage(arguments: list[str], message: str) -> None:
    done = wirecache("import", *arguments)
    assert (done.code, message in done.error) == (2, True)
