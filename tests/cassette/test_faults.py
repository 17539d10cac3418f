"""A damaged file is reported by its name through a real SDK, and affects no other recording."""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import openai
import pytest

from tests.faces.ask import chat
from tests.programs import AnyProgram, go, line_of, started
from tests.provider import Answer, Provider
from tests.sdk.table import OPENAI, SDKS, Sdk
from wirecache import Cache, Cassette, CassetteError, NotRecorded, cached_client
from wirecache._caches.cassette import hold_for_test
from wirecache.cassette import SCHEMA_NAME
from wirecache.errors import CassetteFormatError

Open = Callable[..., Cassette]


@pytest.fixture(autouse=True)
def _echo(provider: Provider) -> None:
    provider.script = lambda request: Answer.of(chat(request.json["messages"][0]["content"])) if request.body else None


def ask(tape: Cache, provider: Provider, *prompts: str) -> list[str]:
    with OPENAI.client(tape, provider.url, max_retries=0) as client:
        return [OPENAI.text(OPENAI.ask(client, prompt)) for prompt in prompts]


def error_message(tape: Cache, provider: Provider, prompt: str) -> str:
    with pytest.raises(openai.APIStatusError) as raised:
        ask(tape, provider, prompt)
    return str(raised.value)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if path.name != SCHEMA_NAME)


def file_of(folder: Path, text: str) -> Path:
    return next(path for path in files(folder) if f'"content": "{text}"' in path.read_text("utf-8"))


# -- files that cannot be read ----------------------------------------------------------------------------------------


def as_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("gone.json")


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_link_to_a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:200]), "is not valid JSON"),
    "empty": (lambda path: path.write_bytes(b""), "is not valid JSON"),
    "merge conflict": (lambda path: path.write_text("{\n<<<<<<< HEAD\n", "utf-8"), "conflict markers of a merge"),
    "another format": (lambda path: path.write_text(path.read_text().replace('"format": 1', '"format": 2')), "Install a newer wirecache"),
    "foreign JSON": (lambda path: path.write_text('{"name": "package"}'), "is not a wirecache cassette"),
    "a wrong member": (lambda path: path.write_text(path.read_text().replace('"status": 200', '"status": "ok"')), "/response/status"),
    "not UTF-8": (lambda path: path.write_bytes(b'{"a": "\xff"}'), "is not UTF-8 text"),
    "a directory": (as_directory, "cannot be read"),
    "a link to nowhere": (as_link_to_nowhere, "broken symbolic link"),
}
if hasattr(os, "mkfifo"):
    DAMAGE |= {"a pipe": (as_pipe, "is a pipe"), "a link to a device": (as_link_to_a_device, "or a device")}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("mode", ["none", "once", "new_episodes"])
def test_a_file_that_cannot_be_read(provider: Provider, cassette: Open, folder: Path, how: str, mode: str) -> None:
    ask(cassette("once"), provider, "a", "b")
    calls = provider.calls
    damage, why = DAMAGE[how]
    damage(path := file_of(folder, "a"))
    tape = cassette(mode)
    message = error_message(tape, provider, "a")
    for part in (str(path), why, "record it again", "Nothing was sent"):
        assert part in message or (part == "record it again" and "newer" in message)
    assert ask(tape, provider, "b") == ["b"]
    assert provider.calls == calls
    with pytest.raises(CassetteFormatError, match=re.escape(str(path))):
        tape.close()


@pytest.mark.parametrize("how", DAMAGE)
def test_a_file_that_cannot_be_read_is_skipped_by_other_requests(
    provider: Provider, cassette: Open, folder: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask(cassette("once"), provider, "a", "b")
    path, other = file_of(folder, "a"), file_of(folder, "b")
    DAMAGE[how][0](path)
    other.write_text(other.read_text("utf-8").replace('"content": "b"', '"content": "edited"'), "utf-8")
    assert ask(cassette(), provider, "edited") == ["edited"]
    assert [message for message in caplog.messages if "is skipped" in message and str(path) in message]
    assert ask(cassette("new_episodes"), provider, "c") == ["c"]


@pytest.mark.parametrize("how", [how for how in DAMAGE if how != "a directory"])
def test_recording_again_heals(provider: Provider, cassette: Open, folder: Path, how: str) -> None:
    ask(cassette("once"), provider, "a", "b")
    DAMAGE[how][0](file_of(folder, "a"))
    with cassette("all") as tape:
        ask(tape, provider, "a")
    assert len(files(folder)) == 2
    assert ask(cassette(), provider, "a", "b") == ["a", "b"]


def test_a_file_that_goes_away_is_reported(provider: Provider, cassette: Open, folder: Path) -> None:
    ask(cassette("once"), provider, "a")
    tape = cassette()
    file_of(folder, "a").unlink()
    assert "has no recording" in error_message(tape, provider, "a")
    with pytest.raises(CassetteError, match="was removed since"):
        list(tape.entries())


@pytest.mark.parametrize("sdk", SDKS, ids=str)
def test_every_sdk_tells_it(sdk: Sdk, provider: Provider, cassette: Open, folder: Path) -> None:
    provider.script = lambda _: Answer.of(sdk.answer("hi"))
    with sdk.client(cassette("once"), provider.url) as client:
        sdk.ask(client, "a")
    (path,) = files(folder)
    path.write_bytes(b"{")
    with sdk.client(cassette(), provider.url) as client, pytest.raises(sdk.error) as raised:
        sdk.ask(client, "a")
    assert str(path) in str(raised.value)
    with sdk.client(cassette(miss="raise"), provider.url) as client, pytest.raises(NotRecorded, match="is not valid JSON"):
        sdk.ask(client, "a")
    assert provider.calls == 1


def test_the_path_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("interactions: []")
    with pytest.raises(CassetteError, match=r"one\.yaml: Not a directory; a cassette must be a directory"):
        Cassette(tmp_path / "one.yaml", "once")


def test_a_directory_that_is_not_there(provider: Provider, cassette: Open, folder: Path) -> None:
    tape = cassette()
    assert f"{folder}, which is empty or not there," in error_message(tape, provider, "a")
    tape.close()
    assert not folder.exists()


# -- files that cannot be written -------------------------------------------------------------------------------------


@contextmanager
def full_disk(bytes_left: int = 300) -> Iterator[None]:
    """No file of this process may become longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_a_full_disk(provider: Provider, cassette: Open, folder: Path, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    """The answer reaches its caller, the fault is reported at once and raised at the end, and what was recorded before is still there."""
    if mode != "once":
        ask(cassette("once"), provider, "a", "a2")
    before = {path: path.read_bytes() for path in files(folder)}
    tape = cassette(mode)
    prompts = ["b"] if mode in ("once", "new_episodes") else ["a", "b"]
    with full_disk():
        assert ask(tape, provider, *prompts) == prompts
    assert next(record.levelno for record in caplog.records if str(folder) in record.getMessage()) == logging.ERROR
    assert tape.report().recorded == 0
    with pytest.raises(CassetteError, match="File too large") as raised:
        tape.close()
    assert str(folder) in str(raised.value)
    tape.close()  # reported once
    assert {path: path.read_bytes() for path in files(folder)} == before
    assert list(folder.glob(".*")) == []


def test_a_disk_that_has_room_again(provider: Provider, cassette: Open, folder: Path) -> None:
    tape = cassette("once")
    with full_disk():
        ask(tape, provider, "a")
    assert ask(tape, provider, "a", "b") == ["a", "b"]
    with pytest.raises(CassetteError):
        tape.close()
    assert ask(cassette(), provider, "a", "b") == ["a", "b"]


def test_a_directory_that_may_not_be_written(provider: Provider, cassette: Open, folder: Path) -> None:
    """Also for root, who may write everywhere: where its place is taken by a file."""
    tape = cassette("once")
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")
    assert ask(tape, provider, "a") == ["a"]
    with pytest.raises(CassetteError, match=str(folder)):
        tape.close()


# -- several at once --------------------------------------------------------------------------------------------------


@contextmanager
def recorders(folder: Path, mode: str, url: str, prefixes: list[str], count: int) -> Iterator[list[AnyProgram]]:
    """Processes that have opened the cassette and wait for a line."""
    with ExitStack() as stack:
        made = []
        for prefix in prefixes:
            command = ("-m", "tests.cassette.recording", folder, mode, f"{url}/v1/chat/completions", prefix, count)
            made.append(stack.enter_context(started(*command)))
        assert [line_of(program) for program in made] == ["ready"] * len(made)
        yield made


def together(programs: list[AnyProgram]) -> None:
    for program in programs:
        go(program)
    for program in programs:
        _, errors = program.communicate(timeout=200)
        assert (program.returncode, errors) == (0, "")


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_four_processes(provider: Provider, cassette: Open, folder: Path, mode: str) -> None:
    prefixes = [f"p{number}-" for number in range(4)]
    prompts = [f"{prefix}{number}" for prefix in prefixes for number in range(8)]
    if mode in ("all", "rewrite"):
        provider.script = lambda _: Answer.of(chat("old"))
        ask(cassette("once"), provider, *prompts[::3], "never asked again")
        provider.script = lambda request: Answer.of(chat(request.json["messages"][0]["content"]))
    with recorders(folder, mode, provider.url, prefixes, 8) as programs:
        together(programs)
    assert ask(cassette(), provider, *prompts) == prompts
    assert len(files(folder)) == len(prompts) + (mode == "all")
    assert list(folder.glob(".*")) == []


@pytest.mark.parametrize("mode", ["once", "new_episodes"])
def test_four_processes_and_one_request(provider: Provider, cassette: Open, folder: Path, mode: str) -> None:
    numbers = iter(range(1000))
    lock = threading.Lock()

    def script(_: object) -> Answer:
        with lock:
            return Answer.of(chat(str(next(numbers))))

    provider.script = script
    with recorders(folder, mode, provider.url, [""] * 4, 5) as programs:
        together(programs)
    names = [path.name for path in files(folder)]
    assert len(names) == 20
    replayed = ask(cassette(), provider, *["same"] * 20)
    assert sorted(map(int, replayed)) == list(range(20))


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_eight_threads(provider: Provider, cassette: Open, folder: Path, mode: str) -> None:
    prompts = [f"{thread}-{number}" for thread in range(8) for number in range(4)]
    if mode in ("all", "rewrite"):
        ask(cassette("once"), provider, *prompts[::5], "never asked again")
    start = threading.Barrier(8)
    with cassette(mode) as tape, cached_client(tape) as client:

        def work(thread: int) -> None:
            start.wait()
            for number in range(4):
                body = {"model": "m", "messages": [{"role": "user", "content": f"{thread}-{number}"}]}
                assert client.post(f"{provider.url}/v1/chat/completions", json=body).status_code == 200

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert tape.report().recorded == 32
    assert ask(cassette(), provider, *prompts) == prompts
    assert len(files(folder)) == len(prompts) + (mode == "all")


def test_a_process_that_is_killed_leaves_nothing_that_is_read(provider: Provider, cassette: Open, folder: Path) -> None:
    with recorders(folder, "new_episodes", provider.url, ["k"], 100_000) as (program,):
        go(program)
        while line_of(program) != "20":
            pass
    assert len(files(folder)) >= 21
    for path in files(folder):
        assert json.loads(path.read_text("utf-8"))["format"] == 1
    assert ask(cassette(), provider, *(f"k{number}" for number in range(21))) == [f"k{number}" for number in range(21)]


def test_what_a_killed_process_left_is_ignored_and_taken_away_later(provider: Provider, cassette: Open, folder: Path) -> None:
    ask(cassette("once"), provider, "a")
    old, new = folder / ".0123456789abcdef.tmp", folder / ".fedcba9876543210.tmp"
    for path in (old, new):
        path.write_text('{"half": ')
    os.utime(old, (1, 1))
    assert ask(cassette(), provider, "a") == ["a"]
    assert old.exists()  # who only reads changes nothing
    ask(cassette("new_episodes"), provider, "b")
    assert not old.exists()
    assert new.exists()  # of a process that may still be writing
    assert len(list(cassette().entries())) == 2


# -- under a test runner ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_what_is_rolled_back_changes_nothing(provider: Provider, cassette: Open, folder: Path, mode: str) -> None:
    if mode != "once":
        ask(cassette("once"), provider, "a", "b")
    before = {path: path.read_bytes() for path in files(folder)}
    tape = cassette(mode)
    hold_for_test(tape, how_to_record="do it", root=folder.parent, run_started_at=float("inf"))
    ask(tape, provider, "a", "c")
    assert {path: path.read_bytes() for path in files(folder)} == before
    tape.engine.source.rollback()
    tape.close()
    assert {path: path.read_bytes() for path in files(folder)} == before


def test_what_is_held_is_written_at_the_end(provider: Provider, cassette: Open, folder: Path) -> None:
    tape = cassette("once")
    hold_for_test(tape, how_to_record="do it", root=folder.parent, run_started_at=float("inf"))
    assert ask(tape, provider, "a", "b", "a") == ["a", "b", "a"]
    assert not folder.exists()
    tape.close()
    assert len(files(folder)) == 2
    assert (folder.parent / SCHEMA_NAME).exists()
    assert json.loads(files(folder)[0].read_text())["$schema"] == f"../{SCHEMA_NAME}"
