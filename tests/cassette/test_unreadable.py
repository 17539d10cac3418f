"""A file that cannot be read is named to who asked for it, and raised when the cassette is closed: a program may go on without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.provider import Provider
from wirecache import Cassette, KeyOptions, cached_client
from wirecache.errors import CassetteError, CassetteFormatError

DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe"),
    "another format": lambda path: path.write_text('{"format": 99}'),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
    "a broken link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
}


def ask(cassette: Cassette, url: str, text: str = "a") -> httpx.Response:
    with cached_client(cassette, library="httpx") as client:
        return client.post(f"{url}/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": text}]})


def damaged(folder: Path, how: str) -> Path:
    (path,) = folder.glob("chat*.json")
    DAMAGE[how](path)
    return path


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("mode", ["none", "once", "new_episodes"])
def test_it_is_raised_once_by_close(provider: Provider, tmp_path: Path, mode: str, how: str) -> None:
    with Cassette(tmp_path, "once") as cassette:
        ask(cassette, provider.url)
    path = damaged(tmp_path, how)
    cassette = Cassette(tmp_path, mode)  # type: ignore[arg-type]
    for _ in range(2):
        answer = ask(cassette, provider.url)
        assert answer.status_code == 424
        assert str(path) in json.loads(answer.text)["error"]["message"]
    with pytest.raises(CassetteFormatError, match=str(path)):
        cassette.close()
    cassette.close()
    assert provider.calls == 1


def test_what_nothing_requests_is_not_raised(provider: Provider, tmp_path: Path) -> None:
    with Cassette(tmp_path, "once") as cassette:
        ask(cassette, provider.url)
    damaged(tmp_path, "cut")
    with Cassette(tmp_path, "new_episodes") as cassette:
        assert ask(cassette, provider.url, "b").status_code == 200


def test_one_of_a_name_without_its_key(provider: Provider, tmp_path: Path) -> None:
    """With ``ignore_body`` a name does not say which request a file has: it is named where nothing else was found."""
    match = KeyOptions(ignore_body=("/model",))
    with Cassette(tmp_path, "once", match=match) as cassette:
        ask(cassette, provider.url)
    path = damaged(tmp_path, "cut")
    cassette = Cassette(tmp_path, match=match)
    assert str(path) in ask(cassette, provider.url, "b").json()["error"]["message"]
    with pytest.raises(CassetteFormatError, match=str(path)):
        cassette.close()


def test_a_block_raises_it(provider: Provider, tmp_path: Path) -> None:
    with Cassette(tmp_path, "once") as cassette:
        ask(cassette, provider.url)
    path = damaged(tmp_path, "cut")
    with pytest.raises(CassetteError, match=str(path)), Cassette(tmp_path) as cassette:
        ask(cassette, provider.url)
