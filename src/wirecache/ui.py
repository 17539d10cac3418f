"""The application behind ``wirecache ui``: pages and a JSON API that show what stores and cassettes contain. Needs the extra ``ui``.

Run it with any ASGI server, on loopback: ``uvicorn.run(App(cache), host="127.0.0.1", port=8100)``. It shows prompts and answers, so it
requires a token, answers only under the names of this machine, and changes nothing on behalf of another site.
"""

from __future__ import annotations

from wirecache._inspector.asgi import App

__all__ = ["App"]
