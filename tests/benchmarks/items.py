"""What does an index of many texts cost of which a few are new? ``python -m tests.benchmarks.items`` prints it.

10,000 texts, of which 9,900 are known, are one call of a plain client to a server on loopback, with ``embeddings="items"``: what is sent,
and the seconds until the whole answer is there (and those of CPU, for a busy machine). A second call finds all of them.
"""

from __future__ import annotations

import argparse
import base64
import struct
import tempfile
import time
from pathlib import Path

import httpx

from tests.provider import Answer, Provider, ReceivedRequest
from wirecache import Cache
from wirecache.httpx import cached_client

DIMENSIONS = 1536
AT_ONCE = 1100  # texts of a call that fills the store


def answer(request: ReceivedRequest) -> Answer:
    """A vector for each text, in the encoding that was asked for."""
    numbers = [number / 7 for number in range(DIMENSIONS)]
    body = request.json
    vector = repr(numbers)
    if body["encoding_format"] == "base64":
        vector = f'"{base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *numbers)).decode()}"'
    data = ",".join(f'{{"object":"embedding","index":{index},"embedding":{vector}}}' for index in range(len(body["input"])))
    text = f'{{"object":"list","data":[{data}],"model":"m","usage":{{"prompt_tokens":9,"total_tokens":9}}}}'.encode()
    return Answer(200, {"content-type": "application/json"}, [text], length=len(text))


def timed(folder: Path, texts: int, known: int, encoding: str) -> list[tuple[str, str]]:
    """Return what was done, and what it took."""
    inputs = [f"document {number}: " + "some words of a text " * 8 for number in range(texts)]
    rows, provider = [], Provider()
    provider.script = answer
    try:
        with Cache(folder, embeddings="items") as cache, cached_client(cache, timeout=600) as client:

            def embed(part: list[str]) -> httpx.Response:
                body = {"model": "m", "input": part, "encoding_format": encoding}
                return client.post(f"{provider.url}/v1/embeddings", json=body).raise_for_status()

            for start in range(0, known, AT_ONCE):
                embed(inputs[start : min(start + AT_ONCE, known)])
            cache.flush()
            for _ in range(2):
                calls, started, cpu = provider.calls, time.perf_counter(), time.process_time()
                reply = embed(inputs)
                took = f"{time.perf_counter() - started:.2f} s ({time.process_time() - cpu:.2f} s of CPU)"
                sent = [len(request.json["input"]) for request in provider.requests[calls:]]
                what = f"{texts:,} texts ({encoding}), {texts - sum(sent):,} known"
                rows.append((what, f"{len(sent)} calls for {sum(sent)} texts, {took}, {len(reply.content) / 1e6:.0f} MB"))
                cache.flush()
    finally:
        provider.close()
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--known", type=int, default=9_900)
    given = parser.parse_args()
    for encoding in ("base64", "float"):
        with tempfile.TemporaryDirectory() as folder:
            for what, result in timed(Path(folder), given.texts, given.known, encoding):
                print(f"{what:45} {result}", flush=True)


if __name__ == "__main__":
    main()
