"""The URL of a bucket, and the creation of a client for it.

s3://bucket/prefix      gs://bucket/prefix      az://container/prefix?account_name=...
The options are obstore's own: ``region=``, ``endpoint=``, ``allow_http=``. Credentials come from the environment, as obstore reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from wirecache.errors import ConfigError

__all__ = ["OBJECT_SCHEMES", "ObjectAddress", "parse_object_url"]

CLIENTS = {"s3": "S3Store", "gs": "GCSStore", "az": "AzureStore"}
OBJECT_SCHEMES = tuple(CLIENTS)
OPTIONS_OF_HTTP = (
    "allow_http", "allow_invalid_certificates", "default_content_type", "http1_only", "http2_only", "pool_idle_timeout",
    "pool_max_idle_per_host", "proxy_ca_certificate", "proxy_excludes", "proxy_url", "randomize_addresses", "user_agent",
)  # fmt: skip
FIRST_BACKOFF = timedelta(milliseconds=50)


@dataclass(frozen=True)
class ObjectAddress:
    """The address of a bucket, with its options. Its text form contains no credentials."""

    text: str
    scheme: str
    bucket: str
    prefix: str
    endpoint: str = ""  # empty: the provider's own, or that of the environment
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)  # obstore's own

    def __str__(self) -> str:
        return f"{self.text} at {self.endpoint}" if self.endpoint else self.text

    def client(self, timeout: float) -> Any:
        """Return a client, not connected yet. Raises ``ConfigError`` if obstore does not accept an option."""
        import obstore.store
        from obstore.exceptions import BaseError

        limit = timedelta(seconds=timeout)
        config = dict(self.options)
        # Not all of obstore's clients respect it among the other options once HTTP options are given.
        of_http = {name: config.pop(name) for name in OPTIONS_OF_HTTP if name in config}
        try:
            return getattr(obstore.store, CLIENTS[self.scheme])(
                self.bucket,
                prefix=self.prefix or None,
                config=config,
                client_options={**of_http, "connect_timeout": limit, "timeout": limit},
                # A request that failed early is retried once: one and a half times the limit at most, in total.
                retry_config={"max_retries": 1, "retry_timeout": limit / 2, "backoff": {"init_backoff": FIRST_BACKOFF}},
            )
        except (BaseError, TypeError, ValueError) as error:
            raise ConfigError(f"{self.text}: {str(error).partition(chr(10))[0]}") from None


def parse_object_url(url: str, options: Mapping[str, Any]) -> ObjectAddress:
    """Return the address. Raises ``ConfigError`` if the URL is invalid, without repeating credentials."""
    scheme, _, rest = url.partition("://")
    path, _, query = rest.partition("?")
    bucket, _, prefix = path.partition("/")
    if scheme not in CLIENTS or not rest:
        raise ConfigError(f"the URL of an ObjectStore must begin with {', '.join(CLIENTS)}://, got the scheme {scheme!r}")
    if "@" in bucket:
        raise ConfigError(f"the URL of an ObjectStore must be {scheme}://bucket/prefix; set the credentials in the environment")
    if not bucket:
        raise ConfigError(f"the URL of an ObjectStore must name a bucket: {scheme}://bucket/prefix")
    prefix = unquote(prefix).strip("/")
    merged = {**dict(parse_qsl(query, keep_blank_values=True)), **options}
    endpoint = next((str(value) for name, value in merged.items() if "endpoint" in name.lower()), "")
    text = f"{scheme}://{bucket}{'/' if prefix else ''}{prefix}"
    return ObjectAddress(text, scheme, bucket, prefix, _without_credentials(endpoint), merged)


def _without_credentials(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
