"""The cache as a reverse proxy, an ASGI application: for programs in any language, by a base URL.

from wirecache import Cache
from wirecache.serve import App

app = App(Cache())  # uvicorn module:app, or mounted in an application of yours

``POST /openai/v1/responses`` goes to ``https://api.openai.com/v1/responses``, through the cache. It needs the extra ``serve``.
"""

from __future__ import annotations

from wirecache._proxy.app import App
from wirecache._proxy.upstreams import PROVIDERS, Upstream

__all__ = ["PROVIDERS", "App", "Upstream"]
