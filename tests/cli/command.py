"""Runs commands in this process, as a shell does; and writes stores to run them on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from wirecache import DiskStore, make_key
from wirecache._core import codec
from wirecache._core.messages import Entry, RequestSummary, Usage
from wirecache._core.unset import UNSET
from wirecache.cli import app_for

URL = "https://api.openai.com/v1/chat/completions"


class Done:
    """The exit status, standard output and standard error of a command that was run."""

    def __init__(self, code: int, out: str, error: str) -> None:
        self.code = code
        self.out = out
        self.error = " ".join(error.split())

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def wirecache(*arguments: str | Path, given: str = "") -> Done:
    """Run a command with the arguments; ``given`` is its standard input."""
    ran = CliRunner().invoke(app_for(), [str(argument) for argument in arguments], input=given)
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return Done(ran.exit_code, ran.stdout, ran.stderr)


def body_of(prompt: str, model: str = "gpt-4o") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt}]}


def entry(prompt: str, answer: str, *, model: str = "gpt-4o", url: str = URL, age: float = 0, **changes: Any) -> Entry:
    """Return the entry of a chat, ``age`` seconds old."""
    body = json.dumps(body_of(prompt, model)).encode()
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}
    default = Entry(
        key=make_key("POST", url, {}, body),
        status=200,
        headers=((b"content-type", b"application/json"), (b"x-request-id", b"req_1")),
        body=json.dumps({"choices": [choice]}).encode(),
        stored_at=time.time() - age,
        seconds=0.75,
        http_version=b"HTTP/1.1",
        usage=Usage(5, 7),
        ttl=UNSET,
        summary=RequestSummary("POST", url, "chat", model, {}).to_bytes(),
        request_body=body,
    )
    return default._replace(**changes)


def fill(folder: Path, entries: Iterable[Entry]) -> None:
    """Write the entries into a disk store, many in a transaction."""
    store, rest = DiskStore(folder), iter(entries)
    store.get("0" * 64)  # it is there, if there are no entries
    while some := {one.key: (codec.encode(one), None) for one in islice(rest, 5_000)}:
        store.set_many(some)
    store.close()
