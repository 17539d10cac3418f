"""Bytes of a database, of its journal or of a cassette change: no answer is wrong, and no caller sees an exception.

``make faults SEEDS=500`` draws more of them.
"""

from __future__ import annotations

import json
import logging
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults import echo
from tests.faults.flips import FLIPS, cut
from tests.faults.seeds import seeds
from tests.stores.upstream import URL, question
from wirecache import Cache, Cassette, DiskStore
from wirecache.errors import CassetteError, StoreError
from wirecache.httpx import CacheTransport

PROMPTS = [f"prompt {number}" for number in range(12)] + [f"large {number}" for number in range(3)]
PLACES = ("cache.db", "cache.db-wal", "cache.db-shm")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was never closed: one half of what it has is in the database, the other in the journal."""
    place, copy = tmp_path_factory.mktemp("original"), tmp_path_factory.mktemp("template") / "store"
    cache = Cache(DiskStore(place))
    for prompt in PROMPTS[::2]:
        echo.ask(cache, prompt)
    cache.close()  # into the database
    for prompt in PROMPTS[1::2]:
        echo.ask(cache, prompt)
    cache.flush()
    shutil.copytree(place, copy)
    cache.close()
    assert (copy / "cache.db-wal").stat().st_size > 10_000
    return copy


@pytest.fixture
def quiet() -> Iterator[None]:
    logger = logging.getLogger("wirecache")
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("seed", seeds(16))
def test_a_database(seed: int, database: Path, tmp_path: Path, quiet: None) -> None:
    draw = random.Random(seed)
    path = tmp_path / "store"
    shutil.copytree(database, path)
    for _ in range(draw.choice([1, 1, 2])):
        FLIPS[draw.choice(list(FLIPS))](path / draw.choices(PLACES, (5, 5, 1))[0], draw)
    with Cache(DiskStore(path)) as cache:
        for prompt in (*draw.sample(PROMPTS, len(PROMPTS)), "new"):
            echo.ask(cache, prompt)
        if draw.random() < 0.5:  # while it is open
            FLIPS[draw.choice(list(FLIPS))](path / "cache.db", draw)
        for prompt in (*PROMPTS, "newer"):
            echo.ask(cache, prompt)
        cache.flush()
        assert all(echo.is_right(entry.body) for entry in listed(cache))
    with Cache(DiskStore(path)) as cache:
        for prompt in (*PROMPTS, "newest"):
            echo.ask(cache, prompt)
        cache.flush()
    with Cache(DiskStore(path)) as cache:
        assert echo.ask(cache, "newest").hit, "the store works again"


def listed(cache: Cache) -> list[Any]:
    """Return the entries; whoever lists them is told what is wrong."""
    try:
        return list(cache.entries())
    except StoreError:
        return []


# -- cassettes --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "cassette"
    with Cassette(path, "once") as cassette:
        for prompt in PROMPTS:
            echo.client(cassette).post(URL, json=question(prompt))
    return path


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError("a request left")


@pytest.mark.parametrize("seed", seeds(16))
def test_a_cassette(seed: int, recorded: Path, tmp_path: Path, quiet: None) -> None:
    """Whoever edits a file edits an answer: but one that was cut is none, and the others are what they were."""
    draw = random.Random(seed)
    path = tmp_path / "cassette"
    shutil.copytree(recorded, path)
    files = sorted(path.glob("chat-*.json"))
    victim = draw.choice(files)
    prompt_of = {file: json.loads(file.read_bytes())["request"]["body"]["json"]["messages"][0]["content"] for file in files}
    name = draw.choice([*FLIPS, "cut"])
    (cut if name == "cut" else FLIPS[name])(victim, draw)
    cassette = Cassette(path, "none", miss="respond")
    answers = {prompt: _replayed(cassette, prompt) for prompt in PROMPTS}
    if message := error_at_close(cassette):
        assert victim.name in message
    hurt = answers.pop(prompt_of[victim])
    assert hurt.status_code in (200, 424) or name != "cut"
    if name == "cut" and hurt.status_code == 200:
        assert hurt.content == echo.right(prompt_of[victim]), "but for an empty line at its end nothing was cut"
    for prompt, answer in answers.items():
        assert (answer.status_code, answer.content) == (200, echo.right(prompt))


def error_at_close(cassette: Cassette) -> str:
    try:
        cassette.close()
    except CassetteError as error:
        return str(error)
    return ""


def _replayed(cassette: Cassette, prompt: str) -> httpx.Response:
    transport = CacheTransport(cassette, httpx.MockTransport(nobody))
    return httpx.Client(transport=transport).post(URL, json=question(prompt))
