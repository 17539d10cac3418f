"""``wirecache demo``: the real OpenAI SDK on ``cached_client()``, against a stand-in model or the provider of your environment."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from wirecache import Cache, CacheStatus, cached_async_client, cached_client
from wirecache.cli._demo_provider import SECONDS_PER_CALL, DemoProvider
from wirecache.cli._terminal import console, print_text, terminal_safe, warn

if TYPE_CHECKING:
    import openai
    from rich.table import Table

__all__ = ["command", "without_log"]

FIRST_PROMPT = "Why should a program not send the same request twice?"
SECOND_PROMPT = "And what if the request differs?"
STREAM_PROMPT = "And what if the answer is a stream?"
NEW_PROMPT = "And what if the provider is gone?"


class _Outcome(NamedTuple):
    """The outcome of a call, the text of its answer, and how long it took."""

    text: str
    answer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class _Row:
    """A call of the demo: its description, the expected and the actual outcome."""

    call: str
    expected: str
    outcome: _Outcome


def command(
    model: Annotated[str, typer.Option(help="The model to call if OPENAI_API_KEY is set.")] = "gpt-4o-mini",
) -> None:
    """Show the cache at work with the OpenAI SDK: sync, async and streaming, then without the provider.

    Without OPENAI_API_KEY or OPENAI_BASE_URL, a stand-in model on this machine is called. Exits with 1 if a call has an unexpected outcome.
    """
    try:
        import openai  # noqa: F401
    except ImportError:
        warn("The demo needs the OpenAI SDK: pip install openai")
        raise typer.Exit(2) from None
    with ExitStack() as stack:
        url = stop = None
        if os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_KEY"):
            print_text(f"Provider: {os.environ.get('OPENAI_BASE_URL') or 'https://api.openai.com/v1'}, model {model}.")
        else:
            provider = stack.enter_context(DemoProvider())
            url, stop = provider.url, provider.stop
            print_text(f"Provider: a stand-in model on {url}, {SECONDS_PER_CALL} s a call.")
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wirecache-demo-"))
        rows = _Demo(f"{folder}/store", url, model, stop).run()
    console().print(_table(rows))
    unexpected = [row for row in rows if row.outcome.text != row.expected]
    for row in unexpected:
        print_text(f"{row.call}: expected {row.expected!r}, got {row.outcome.text!r}")
    if unexpected:
        raise typer.Exit(1)
    print_text("Every call went as expected. The last one was refused because offline mode sends nothing that has no stored answer.")


class _Demo:
    """The sequence of calls on one store. ``stop``: stops the provider, if it is the demo's own."""

    def __init__(self, store: str, url: str | None, model: str, stop: Callable[[], None] | None) -> None:
        self._store = store
        self._model = model
        self._stop = stop
        self._options: dict[str, Any] = {"api_key": os.environ.get("OPENAI_API_KEY") or "demo", "max_retries": 0}
        if url is not None:
            self._options["base_url"] = url
        self._rows: list[_Row] = []

    def run(self) -> list[_Row]:
        """Make all calls and return the rows of the table."""
        with Cache(self._store, mode="auto") as cache:
            client = self._client(cache)
            self._add("chat.completions.create", "miss, stored", lambda: self._create(client))
            self._add("the same call again", "hit", lambda: self._create(client))
            self._add("another prompt", "miss, stored", lambda: self._create(client, SECOND_PROMPT))
            self._add("AsyncOpenAI, the first prompt", "hit", lambda: asyncio.run(self._create_async(cache)))
            self._add("a stream (passed on live)", "bypass (stream)", lambda: self._stream(client))
            answers_equal = self._rows[0].outcome.answer == self._rows[1].outcome.answer == self._rows[3].outcome.answer
        if self._stop is not None:
            self._stop()
        with Cache(self._store, mode="offline") as offline:
            client = self._client(offline)
            self._add(
                "provider stopped, the first prompt" if self._stop else "offline, the first prompt", "hit", lambda: self._create(client)
            )
            self._add("offline, a new prompt", "refused (424)", lambda: self._refused(client))
        if not answers_equal:
            self._rows.append(_Row("answers of the first prompt", "equal", _Outcome("different", "", 0.0)))
        return self._rows

    def _client(self, cache: Cache) -> openai.OpenAI:
        import openai

        return openai.OpenAI(http_client=cached_client(cache), **self._options)

    def _add(self, call: str, expected: str, make: Callable[[], _Outcome]) -> None:
        import openai

        started = time.perf_counter()
        try:
            outcome = make()
        except openai.OpenAIError as error:
            outcome = _Outcome(f"{type(error).__name__}: {error}", "", time.perf_counter() - started)
        self._rows.append(_Row(call, expected, outcome))

    def _create(self, client: openai.OpenAI, prompt: str = FIRST_PROMPT) -> _Outcome:
        started = time.perf_counter()
        raw = client.chat.completions.with_raw_response.create(model=self._model, messages=[{"role": "user", "content": prompt}])
        answer = raw.parse().choices[0].message.content or ""
        return _Outcome(_status_text(raw.http_response.extensions["wirecache"]), answer, time.perf_counter() - started)

    async def _create_async(self, cache: Cache) -> _Outcome:
        import openai

        async with openai.AsyncOpenAI(http_client=cached_async_client(cache), **self._options) as client:
            started = time.perf_counter()
            messages: Any = [{"role": "user", "content": FIRST_PROMPT}]
            raw = await client.chat.completions.with_raw_response.create(model=self._model, messages=messages)
            answer = raw.parse().choices[0].message.content or ""
            return _Outcome(_status_text(raw.http_response.extensions["wirecache"]), answer, time.perf_counter() - started)

    def _stream(self, client: openai.OpenAI) -> _Outcome:
        started = time.perf_counter()
        messages: Any = [{"role": "user", "content": STREAM_PROMPT}]
        with client.chat.completions.create(model=self._model, messages=messages, stream=True) as stream:
            status = stream.response.extensions["wirecache"]
            answer = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        return _Outcome(_status_text(status), answer, time.perf_counter() - started)

    def _refused(self, client: openai.OpenAI) -> _Outcome:
        import openai

        started = time.perf_counter()
        try:
            with without_log():
                return self._create(client, NEW_PROMPT)
        except openai.APIStatusError as error:
            return _Outcome(f"refused ({error.status_code})", str(error), time.perf_counter() - started)


@contextmanager
def without_log() -> Iterator[None]:
    """Keep intended refusals out of the log, where they would look like failures."""
    logger = logging.getLogger("wirecache")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _status_text(status: CacheStatus) -> str:
    """Return the status as shown in the table."""
    if status.hit:
        return "hit"
    if status.fwd == "bypass":
        return f"bypass ({status.detail})"
    return f"{status.fwd}, stored" if status.stored else f"{status.fwd} ({status.detail})"


def _table(rows: list[_Row]) -> Table:
    from rich.table import Table

    table = Table("call", "outcome")
    table.add_column("ms", justify="right")
    for row in rows:
        table.add_row(row.call, terminal_safe(row.outcome.text), f"{row.outcome.seconds * 1000:,.1f}")
    return table
