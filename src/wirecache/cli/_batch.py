"""How does a batch's answer become the entry of the equal live call?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import typer

from wirecache import Cache
from wirecache._core.llm.batches import Answered, Asked, Provider, answered_in, asked_in, json_body, live_url
from wirecache.cassette._importers.exchange import Foreign, entry_of
from wirecache.cli._cassettes import Stored
from wirecache.cli._stores import cache_of
from wirecache.cli._terminal import counted, fail, followed, print_json, warn

__all__ = ["Provider", "header_pairs", "import_batch"]

BASES = {
    Provider.OPENAI: ("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    Provider.ANTHROPIC: ("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
}
ANTHROPIC_VERSION = "2023-06-01"  # what SDKs before 2 send


def import_batch(
    requests: Path, results: Path, provider: Provider, base_url: str | None, headers: list[str], store: str | None, as_json: bool
) -> None:
    """Store the good answers; tell of the others, and exit with 1 if there are some."""
    variable, default = BASES[provider]
    base = base_url or os.environ.get(variable) or default
    given = header_pairs(headers)
    own = {name.lower() for name, _ in given}
    sent = [("content-type", "application/json"), *(pair for pair in _sdk_headers(provider) if pair[0] not in own), *given]
    with cache_of(store, reads=False) as cache:
        batch = _Batch(cache, requests, provider, base, sent)
        with results.open("rb") as file:
            for number, line in enumerate(followed(file, "Importing"), 1):
                if line.strip():
                    batch.take(f"{results}:{number}", line)
        batch.finish()
        told = {"to": repr(cache.store), "written": batch.target.written, "already": batch.target.already, "errors": batch.wrong}
        for message in batch.wrong:
            warn(message)
        if as_json:
            print_json(told)
        else:
            there = f", {batch.target.already:,} there already" if batch.target.already else ""
            typer.echo(f"{counted(batch.target.written, 'answer')} imported into {told['to']}{there}.")
        if batch.wrong:
            fail(f"{counted(len(batch.wrong), 'call')} of the batch left out")


def header_pairs(given: list[str]) -> list[tuple[str, str]]:
    """``NAME:VALUE``, taken apart."""
    pairs = [(name.strip(), value.strip()) for name, _, value in (text.partition(":") for text in given)]
    if wrong := [text for text, (name, value) in zip(given, pairs, strict=True) if not name or not value]:
        raise typer.BadParameter(f"--header {wrong[0].partition(':')[0]!r}: give it as NAME:VALUE")
    return pairs


def _sdk_headers(provider: Provider) -> list[tuple[str, str]]:
    """What the SDK that is installed sends with every call, as far as it counts in a key."""
    if provider is Provider.OPENAI:
        return []
    try:
        import anthropic
    except ImportError:
        return [("anthropic-version", ANTHROPIC_VERSION)]
    headers = anthropic.Anthropic(api_key="none").default_headers
    return [("anthropic-version", str(headers.get("anthropic-version", ANTHROPIC_VERSION)))]


class _Batch:
    """A batch on its way into a store. Of the requests only their places are kept: a batch may have 200 MB of them."""

    def __init__(self, cache: Cache, requests: Path, provider: Provider, base: str, headers: list[tuple[str, str]]) -> None:
        self.wrong: list[str] = []
        self.target = Stored(cache, time.time(), fresh=True)
        self._provider = provider
        self._base = base
        self._headers = headers
        self._cache = cache
        self._requests = requests
        self._places: dict[str, int] = {}
        for place, name, asked in self._calls():
            if asked.id in self._places:
                self.wrong.append(f"{name}: {asked.id} is there twice")
            self._places.setdefault(asked.id, place)
        self._open = set(self._places)

    def _calls(self) -> Iterator[tuple[int, str, Asked]]:
        with self._requests.open("rb") as file:
            place = 0
            for number, line in enumerate(file, 1):
                name = f"{self._requests}:{number}"
                try:
                    if line.strip():
                        yield place, name, asked_in(line, self._provider)
                except ValueError as error:
                    self.wrong.append(f"{name}: {error}")
                place += len(line)

    def take(self, name: str, line: bytes) -> None:
        """Here is a line of the results, and its name."""
        try:
            answered = answered_in(line, self._provider)
            place = self._places.get(answered.id)
            if place is None:
                raise ValueError(f"no request has the custom_id {answered.id!r}")
            self._open.discard(answered.id)
            if answered.error is not None:
                raise ValueError(f"{answered.id}: {answered.error}")
            self._store(self._call_at(place), answered)
        except ValueError as error:
            self.wrong.append(f"{name}: {error}")

    def _call_at(self, place: int) -> Asked:
        with self._requests.open("rb") as file:
            file.seek(place)
            return asked_in(file.readline(), self._provider)

    def _store(self, asked: Asked, answered: Answered) -> None:
        headers = [("content-type", "application/json")]
        if answered.request_id:
            headers.append(("x-request-id", answered.request_id))
        url, now = live_url(self._base, asked.url), time.time()
        exchange = Foreign(asked.method, url, self._headers, json_body(asked.body), answered.status, headers, json_body(answered.body), now)
        left_out = self.target.left_out
        left_out.clear()
        self.target.put(entry_of(exchange, self._cache.plan.key))
        if left_out:
            raise ValueError(f"{answered.id}: a cache stores no such answer: {next(iter(left_out))}")

    def finish(self) -> None:
        """All results were taken: what is left has none."""
        self.wrong += [f"{self._requests}: {name} has no result" for name in self._places if name in self._open]
