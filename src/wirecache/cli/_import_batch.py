"""``wirecache import batch``: stores the answers of a batch under the keys of the equal live calls."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wirecache import Cache
from wirecache._core.llm.batches import BatchRequest, BatchResult, Provider, json_body, live_url, parse_request, parse_result
from wirecache._core.quantity import quantity
from wirecache.cassette._importers.exchange import ForeignExchange, entry_of
from wirecache.cli._entry_targets import StoreTarget
from wirecache.cli._stores import open_cache
from wirecache.cli._terminal import fail, one_line, print_json, print_text, warn, with_progress

__all__ = ["Provider", "import_batch"]

ANTHROPIC_VERSION = "2023-06-01"  # sent by Anthropic's SDK; used where the SDK is not installed


class _Base(NamedTuple):
    """The base URL of a provider's SDK: the environment variable that sets it, and the default."""

    variable: str
    default: str


BASES = {
    Provider.OPENAI: _Base("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    Provider.ANTHROPIC: _Base("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
}


def import_batch(
    requests: Path,
    results: Path,
    provider: Provider,
    *,
    base_url: str | None,
    headers: list[tuple[str, str]],
    store: str | None,
    as_json: bool,
) -> None:
    """Store the successful answers of a batch, print the others, and exit with 1 if there are any.

    ``headers``: what a live call sends beside its SDK's own headers, since some count in the key.
    """
    base = base_url or os.environ.get(BASES[provider].variable) or BASES[provider].default
    with open_cache(store, create=True) as cache:
        batch = _BatchImport(cache, requests, provider, base, _live_headers(provider, headers))
        with results.open("rb") as file:
            for number, line in enumerate(with_progress(file, "Importing"), 1):
                if line.strip():
                    batch.add_result(f"{results}:{number}", line)
        batch.finish()
        _print(batch, repr(cache.store), as_json)
        if batch.errors:
            fail(f"{quantity(len(batch.errors), 'problem')} in the batch; the other answers are imported")


def _print(batch: _BatchImport, store: str, as_json: bool) -> None:
    written, already_there = batch.target.written, batch.target.already_there
    for error in batch.errors:
        warn(one_line(error))
    if as_json:
        print_json({"to": store, "written": written, "already": already_there, "errors": batch.errors})
    else:
        print_text(f"{quantity(written, 'answer')} imported into {store}{f', {already_there:,} already there' if already_there else ''}.")


def _live_headers(provider: Provider, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers of a live call that can count in its key; the given ones replace the SDK's."""
    given = {name.lower() for name, _ in headers}
    sdk = [] if provider is Provider.OPENAI else [("anthropic-version", _anthropic_version())]
    return [("content-type", "application/json"), *(header for header in sdk if header[0] not in given), *headers]


def _anthropic_version() -> str:
    try:
        import anthropic
    except ImportError:
        return ANTHROPIC_VERSION
    return str(anthropic.Anthropic(api_key="none").default_headers.get("anthropic-version", ANTHROPIC_VERSION))


class _BatchImport:
    """The import of a batch into a store. ``errors``: what was left out, and why.

    Only the offsets of the requests' lines are held in memory, since a batch may have 200 MB of requests.
    """

    def __init__(self, cache: Cache, requests: Path, provider: Provider, base: str, headers: list[tuple[str, str]]) -> None:
        self.errors: list[str] = []
        self.target = StoreTarget(cache, time.time(), fresh=True)
        self._provider = provider
        self._base = base
        self._headers = headers
        self._key_options = cache.plan.key
        self._requests = requests
        self._offsets: dict[str, int] = {}  # by custom_id: where the line begins, in bytes
        for offset, place, request in self._read_requests():
            if request.id in self._offsets:
                self.errors.append(f"{place}: {request.id} occurs twice")
            self._offsets.setdefault(request.id, offset)
        self._without_result = set(self._offsets)

    def _read_requests(self) -> Iterator[tuple[int, str, BatchRequest]]:
        """Yield the offset of each request's line, its place for messages, and the request."""
        with self._requests.open("rb") as file:
            offset = 0
            for number, line in enumerate(file, 1):
                place = f"{self._requests}:{number}"
                try:
                    if line.strip():
                        yield offset, place, parse_request(line, self._provider)
                except ValueError as error:
                    self.errors.append(f"{place}: {error}")
                offset += len(line)

    def add_result(self, place: str, line: bytes) -> None:
        """Store the answer in a line of the results. ``place``: the file and the number of the line, for messages."""
        try:
            result = parse_result(line, self._provider)
            offset = self._offsets.get(result.id)
            if offset is None:
                raise ValueError(f"no request has the custom_id {result.id!r}")
            self._without_result.discard(result.id)
            if result.error is not None:
                raise ValueError(f"{result.id}: {result.error}")
            self._store(self._request_at(offset), result)
        except ValueError as error:
            self.errors.append(f"{place}: {error}")

    def _request_at(self, offset: int) -> BatchRequest:
        with self._requests.open("rb") as file:
            file.seek(offset)
            return parse_request(file.readline(), self._provider)

    def _store(self, request: BatchRequest, result: BatchResult) -> None:
        headers = [("content-type", "application/json")]
        if result.request_id:
            headers.append(("x-request-id", result.request_id))
        url, body = live_url(self._base, request.url), json_body(request.body)
        exchange = ForeignExchange(request.method, url, self._headers, body, result.status, headers, json_body(result.body), time.time())
        if reason := self.target.add(entry_of(exchange, self._key_options)):
            raise ValueError(f"{result.id}: a cache does not store such an answer: {reason}")

    def finish(self) -> None:
        """Add an error for each request that has no result."""
        self.errors += [f"{self._requests}: {name} has no result" for name in self._offsets if name in self._without_result]
