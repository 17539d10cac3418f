"""Another process: ``python -m tests.faces.child LIBRARY COLOUR STORE URL BODY`` asks once, and tells what it got as JSON."""

from __future__ import annotations

import hashlib
import json
import sys
from functools import partial

from tests.faces.face import Face
from wirecache import Cache, DiskStore


async def answer(face: Face, store: str, url: str, body: str) -> dict[str, object]:
    with Cache(store if "://" in store else DiskStore(store, open_wait=60)) as cache:  # processes that start at once queue up
        async with face.client(cache) as client:
            reply = await client.post(url, content=body)
    return {
        "hit": reply.cache_status.hit,
        "key": reply.cache_status.key,
        "sha": hashlib.sha256(reply.content).hexdigest(),
        "status": reply.status_code,
    }


if __name__ == "__main__":
    library, colour, store, url, body = sys.argv[1:]
    face = Face(library, colour)
    print(json.dumps(face.run(partial(answer, face, store, url, body))))
