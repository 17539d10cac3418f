"""``wirecache demo``: the real OpenAI SDK on ``cached_client()``, against a stand-in model or the provider of your environment."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from wirecache import Cache, CacheStatus, cached_async_client, cached_client
from wirecache.cli._standin import SECONDS, StandIn

if TYPE_CHECKING:
    import openai

__all__ = ["command"]

PROMPT = "Why should a program not ask the same question twice?"
OTHER = "And what if it asks another one?"
STREAMED = "And what of a stream?"
_Made: TypeAlias = tuple[str, str, float]  # what happened, the text of the answer, seconds


@dataclass(frozen=True, slots=True)
class _Row:
    """One call: what was called, what should happen, what did, and how long it took."""

    call: str
    wanted: str
    happened: str
    seconds: float
    text: str


def command(
    model: Annotated[str, typer.Option(help="The model to ask, where OPENAI_API_KEY is set.")] = "gpt-4o-mini",
) -> None:
    """Show the cache at work: the OpenAI SDK, sync, async and streaming, then without the provider.

    Without OPENAI_API_KEY or OPENAI_BASE_URL it asks a stand-in model on this machine. Exits with 1 if anything went wrong.
    """
    console = Console(highlight=False)
    try:
        import openai  # noqa: F401
    except ImportError:
        console.print("The demo runs the OpenAI SDK: pip install openai")
        raise typer.Exit(2) from None
    with ExitStack() as stack:
        url = stop = None
        if not (os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_KEY")):
            provider = stack.enter_context(StandIn())
            url, stop = provider.url, provider.stop
            console.print(f"Provider: a stand-in model on {url}, {SECONDS} s a call.")
        else:
            console.print(f"Provider: {os.environ.get('OPENAI_BASE_URL') or 'https://api.openai.com/v1'}, model {model}.")
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wirecache-demo-"))
        rows = _Demo(f"{folder}/store", url, model, stop).run()
    console.print(_table(rows))
    wrong = [row for row in rows if row.happened != row.wanted]
    for row in wrong:
        console.print(f"{row.call}: expected {row.wanted!r}, and it was {row.happened!r}")
    if wrong:
        raise typer.Exit(1)


class _Demo:
    """The calls, one after the other, on one store."""

    def __init__(self, store: str, url: str | None, model: str, stop: Callable[[], None] | None) -> None:
        self._store = store
        self._model = model
        self._stop = stop
        self._options: dict[str, Any] = {"api_key": os.environ.get("OPENAI_API_KEY") or "demo", "max_retries": 0}
        if url is not None:
            self._options["base_url"] = url
        self._rows: list[_Row] = []

    def run(self) -> list[_Row]:
        """Make all calls; the rows of the table."""
        with Cache(self._store, mode="auto") as cache:
            client = self._client(cache)
            self._add("chat.completions.create", "miss, stored", lambda: self._ask(client))
            self._add("the same again", "hit", lambda: self._ask(client))
            self._add("another prompt", "miss, stored", lambda: self._ask(client, OTHER))
            self._add("AsyncOpenAI, the first prompt", "hit", lambda: asyncio.run(self._ask_async(cache)))
            self._add("a stream (passed on live)", "bypass (stream)", lambda: self._stream(client))
            same = self._rows[0].text == self._rows[1].text == self._rows[3].text
        if self._stop is not None:
            self._stop()
        with Cache(self._store, mode="offline") as offline:
            client = self._client(offline)
            self._add("provider stopped, the first prompt" if self._stop else "offline, the first prompt", "hit", lambda: self._ask(client))
            self._add("offline, a prompt never asked", "refused (424)", lambda: self._refused(client))
        if not same:
            self._rows.append(_Row("equal answers", "equal", "they differ", 0.0, ""))
        return self._rows

    def _client(self, cache: Cache) -> openai.OpenAI:
        import openai

        return openai.OpenAI(http_client=cached_client(cache), **self._options)

    def _add(self, call: str, wanted: str, make: Callable[[], _Made]) -> None:
        import openai

        started = time.perf_counter()
        try:
            happened, text, seconds = make()
        except openai.OpenAIError as error:
            happened, text, seconds = f"{type(error).__name__}: {error}", "", time.perf_counter() - started
        self._rows.append(_Row(call, wanted, happened, seconds, text))

    def _ask(self, client: openai.OpenAI, prompt: str = PROMPT) -> _Made:
        started = time.perf_counter()
        raw = client.chat.completions.with_raw_response.create(model=self._model, messages=[{"role": "user", "content": prompt}])
        text = raw.parse().choices[0].message.content or ""
        return _words(raw.http_response.extensions["wirecache"]), text, time.perf_counter() - started

    async def _ask_async(self, cache: Cache) -> _Made:
        import openai

        async with openai.AsyncOpenAI(http_client=cached_async_client(cache), **self._options) as client:
            started = time.perf_counter()
            raw = await client.chat.completions.with_raw_response.create(model=self._model, messages=[{"role": "user", "content": PROMPT}])
            text = raw.parse().choices[0].message.content or ""
            return _words(raw.http_response.extensions["wirecache"]), text, time.perf_counter() - started

    def _stream(self, client: openai.OpenAI) -> _Made:
        started = time.perf_counter()
        with client.chat.completions.create(model=self._model, messages=[{"role": "user", "content": STREAMED}], stream=True) as stream:
            status = stream.response.extensions["wirecache"]
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        return _words(status), text, time.perf_counter() - started

    def _refused(self, client: openai.OpenAI) -> _Made:
        import openai

        started = time.perf_counter()
        try:
            return self._ask(client, "A prompt that nobody asked")
        except openai.APIStatusError as error:
            return f"refused ({error.status_code})", str(error), time.perf_counter() - started


def _words(status: CacheStatus) -> str:
    """A status in the table's words."""
    if status.hit:
        return "hit"
    if status.fwd == "bypass":
        return f"bypass ({status.detail})"
    return f"{status.fwd}, stored" if status.stored else f"{status.fwd} ({status.detail})"


def _table(rows: list[_Row]) -> Table:
    table = Table("call", "what happened")
    table.add_column("ms", justify="right")
    for row in rows:
        table.add_row(row.call, row.happened, f"{row.seconds * 1000:,.1f}")
    return table
