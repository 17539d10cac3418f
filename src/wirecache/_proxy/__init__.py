"""The reverse proxy: the cache for programs in any language, by a base URL. ``wirecache.serve`` is its public face."""
