"""Another process: ``python -m tests.faces.collapse_child LIBRARY COLOUR STORE URL`` asks when a line comes in."""

from __future__ import annotations

import json
import sys
from functools import partial

from tests.faces.ask import body_of
from tests.faces.face import Face
from wirecache import Cache


async def answer(face: Face, store: str, url: str) -> dict[str, object]:
    with Cache(store, collapse="shared") as cache:
        async with face.client(cache, timeout=20.0) as client:
            await client.post(url, json=body_of("warm up"))
            print("ready", flush=True)
            sys.stdin.readline()
            print("asking", flush=True)
            reply = await client.post(url, json=body_of())
    return {
        "status": reply.status_code,
        "hit": reply.cache_status.hit,
        "collapsed": reply.cache_status.collapsed,
        "text": reply.content.decode(),
    }


if __name__ == "__main__":
    library, colour, store, url = sys.argv[1:]
    face = Face(library, colour)
    print(json.dumps(face.run(partial(answer, face, store, url))))
