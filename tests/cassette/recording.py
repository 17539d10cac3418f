"""A process that records: ``python -m tests.cassette.recording FOLDER MODE URL PREFIX COUNT``. It opens the cassette and says so.

One line on standard input begins it, so that several begin together. ``PREFIX`` empty: all prompts are one and the same.
"""

from __future__ import annotations

import sys

from wirecache import Cassette, cached_client


def body_of(text: str) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


if __name__ == "__main__":
    folder, mode, url, prefix, count = sys.argv[1:]
    with Cassette(folder, mode) as tape, cached_client(tape, library="httpx") as client:  # type: ignore[arg-type]
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(count)):
            client.post(url, json=body_of(f"{prefix}{number}" if prefix else "same")).raise_for_status()
            print(number, flush=True)
