"""wirecache's exceptions.

WirecacheError
├── CassetteError            a cassette cannot be used
│   └── CassetteFormatError  a file of a cassette is malformed
├── ConfigError              an argument, variable or settings file has an invalid value (also a ValueError)
└── StoreError               a store cannot be read or written
NotRecorded                  no entry, and no network allowed (a BaseException, see below)
"""

from __future__ import annotations

__all__ = ["CassetteError", "CassetteFormatError", "ConfigError", "NotRecorded", "StoreError", "WirecacheError"]


class WirecacheError(Exception):
    """Base class of wirecache's own errors."""


class CassetteError(WirecacheError):
    """A cassette cannot be used. The message says which one, why, and what to do."""


class CassetteFormatError(CassetteError):
    """A file of a cassette is malformed. The message names the file and the place in it: correct it there, or record it again."""


class ConfigError(WirecacheError, ValueError):
    """A setting has an invalid value. The message names the argument, variable or key, and the allowed values."""


class StoreError(WirecacheError):
    """A store cannot be read or written.

    Raised by stores, and by what reads them directly, such as ``Cache.entries()``. In auto mode it never fails a request, which
    then goes to the provider.
    """


class NotRecorded(BaseException):
    """A request has no entry, and the network may not be used. The message says how to record it.

    Derives from ``BaseException``, as pytest's own ``Failed`` does: every SDK turns an ``Exception``
    of its transport into "Connection error." after some seconds of retries, and frameworks swallow it.
    Raised with ``miss="raise"``, and by the body of a recording that its reader cut short, if more is read now.
    """
