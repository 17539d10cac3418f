"""A run that begins as the recorded one did, leaves it at a step, and is a cassette of its own: on every face, with real files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.faces.ask import ask, chat
from tests.faces.face import Face
from tests.provider import Answer, Provider, ReceivedRequest
from wirecache import Cassette, CassetteError, CassetteReport, ConfigError, RecordMode, options
from wirecache.cassette._fork import fork_note, free_child


@pytest.fixture
def counted(provider: Provider) -> Provider:
    """A provider whose answers are numbered."""

    def answer(request: ReceivedRequest) -> Answer:
        return Answer.of(chat(f"{request.json['messages'][0]['content']} {provider.calls}"))

    provider.script = answer
    return provider


async def run(face: Face, provider: Provider, cassette: Cassette, prompts: str) -> list[str]:
    """Return the answers to these prompts, a letter each."""
    async with face.client(cassette) as client:
        texts = [(await ask(client, provider, prompt)).json()["choices"][0]["message"]["content"] for prompt in prompts]
    cassette.close()
    return texts


async def recorded(face: Face, provider: Provider, folder: Path, prompts: str = "aab") -> list[str]:
    texts = await run(face, provider, Cassette(folder, "once"), prompts)
    provider.requests.clear()
    return texts


def recordings(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("chat-*.json")}


async def test_from_a_step_on_all_is_live(face: Face, counted: Provider, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    await recorded(face, counted, parent, "abc")
    before = {path.name: path.read_bytes() for path in parent.iterdir()}
    cassette = Cassette(parent, "fork", from_step=2)
    assert await run(face, counted, cassette, "abc") == ["a 1", "b 1", "c 2"]
    assert cassette.child == str(tmp_path / "parent-fork")
    assert cassette.report() == CassetteReport(1, 2, 0, (), (), cassette.child, 2)
    assert str(cassette.report()) == f"1 replayed, 2 recorded, 0 live, 0 unused; live from step 2, written to {cassette.child}"
    assert {path.name: path.read_bytes() for path in parent.iterdir()} == before, "the parent is only read"


async def test_the_first_request_that_differs_ends_the_replay(face: Face, counted: Provider, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    await recorded(face, counted, parent, "abc")
    cassette = Cassette(parent, RecordMode.FORK, child=tmp_path / "elsewhere" / "child")
    assert await run(face, counted, cassette, "axb") == ["a 1", "x 1", "b 2"]
    assert cassette.report().live_from == 2
    note = fork_note(tmp_path / "elsewhere" / "child")
    assert note == (parent, None, 2, "differs")
    members = json.loads((tmp_path / "elsewhere" / "child" / "fork.json").read_text())
    assert members["parent"] == "../../parent", "both can be moved together"


async def test_the_child_is_a_cassette_like_any_other(face: Face, counted: Provider, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    await recorded(face, counted, parent, "aaab")  # equal requests, answered differently
    child = Cassette(parent, "fork", from_step=3)
    live = await run(face, counted, child, "aaab")
    assert live == ["a 1", "a 2", "a 1", "b 2"]
    counted.requests.clear()
    assert child.child is not None
    again = Cassette(child.child, "none")
    assert await run(face, counted, again, "aaab") == live
    assert (again.report().replayed, again.report().unused, counted.calls) == (4, (), 0)
    grandchild = Cassette(child.child, "fork", from_step=4)
    assert await run(face, counted, grandchild, "aaab") == ["a 1", "a 2", "a 1", "b 1"]
    assert grandchild.child == str(tmp_path / "parent-fork-fork")


async def test_a_run_that_does_not_differ_is_replayed_and_written(face: Face, counted: Provider, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    live = await recorded(face, counted, parent, "ab")
    cassette = Cassette(parent, "fork")
    assert await run(face, counted, cassette, "ab") == live
    assert (counted.calls, cassette.report().recorded, cassette.report().live_from) == (0, 0, None)
    assert "not forked" in str(cassette.report())
    assert recordings(tmp_path / "parent-fork") == recordings(parent)
    assert fork_note(tmp_path / "parent-fork") == (parent, None, None, None)


async def test_offline_nothing_is_sent_and_what_is_recorded_is_replayed(face: Face, counted: Provider, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    await recorded(face, counted, parent, "ab")
    cassette = Cassette(parent, "fork", from_step=1)
    async with face.client(cassette) as client:
        with options(mode="offline"):
            assert (await ask(client, counted, "a")).status_code == 200
            assert (await ask(client, counted, "x")).status_code == 424
    cassette.close()
    assert counted.calls == 0
    assert fork_note(tmp_path / "parent-fork") == (parent, 1, None, None)


async def test_what_was_never_recorded_cannot_be_forked(face: Face, counted: Provider, tmp_path: Path) -> None:
    cassette = Cassette(tmp_path / "nothing", "fork")
    async with face.client(cassette) as client:
        reply = await ask(client, counted, "a")
    assert reply.status_code == 424
    assert "which is empty or not there" in reply.json()["error"]["message"]
    cassette.close()
    assert counted.calls == 0
    assert not os.listdir(tmp_path)


def test_where_a_child_is_by_default(tmp_path: Path) -> None:
    parent = str(tmp_path / "one")
    assert free_child(parent) == free_child(parent + "/") == parent + "-fork"
    Path(parent + "-fork").mkdir()
    Path(parent + "-fork-2").write_text("")
    assert free_child(parent) == parent + "-fork-3"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"record_mode": "once", "from_step": 2}, "from_step and child need record_mode='fork', got record_mode='once'"),
        ({"record_mode": "none", "child": "x"}, "from_step and child need record_mode='fork'"),
        ({"record_mode": "fork", "from_step": 0}, r"from_step must be the number of a step \(1, 2, 3, ...\), got 0"),
        ({"record_mode": "fork", "from_step": True}, "from_step must be the number of a step"),
        ({"record_mode": "fork", "from_step": "two"}, "from_step must be the number of a step"),
        ({"record_mode": "fork", "child": "."}, "child must be another directory than the cassette"),
        ({"record_mode": "fork", "child": "full"}, "child must be a directory without recordings, got 'full', which has 1"),
        ({"record_mode": "fork", "verify": "shape"}, "verify cannot be combined with record_mode='fork'"),
    ],
)
def test_wrong_options(arguments: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "chat-m-0123456789ab.json").write_text("{}")
    with pytest.raises(ConfigError, match=message):
        Cassette(".", **arguments)


def test_the_step_and_the_child_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECACHE_RECORD_MODE", "fork")
    monkeypatch.setenv("WIRECACHE_FROM_STEP", "3")
    monkeypatch.setenv("WIRECACHE_CHILD", str(tmp_path / "child"))
    cassette = Cassette(tmp_path / "parent")
    assert cassette.child == str(tmp_path / "child")
    assert cassette.plan.cassette is not None
    assert cassette.plan.cassette.fork is not None
    assert cassette.plan.cassette.fork.from_step == 3
    assert Cassette(tmp_path / "parent", "none").child is None, "these concern forks alone"
    monkeypatch.setenv("WIRECACHE_FROM_STEP", "third")
    with pytest.raises(ConfigError, match=r"WIRECACHE_FROM_STEP must be the number of a step"):
        Cassette(tmp_path / "parent")


def test_a_damaged_note_of_a_child(tmp_path: Path) -> None:
    assert fork_note(tmp_path) is None
    (tmp_path / "fork.json").write_text("{}")
    with pytest.raises(CassetteError, match=r"fork\.json: it does not say what the cassette was forked from"):
        fork_note(tmp_path)
