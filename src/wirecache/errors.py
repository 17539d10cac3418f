"""What can go wrong, and what may be done about it.

WirecacheError
├── CassetteError  a cassette cannot be used
│   └── CassetteFormatError  a file of it is none, or says what it may not
├── ConfigError    an option, variable or file has a wrong value (also a ValueError)
└── StoreError     a store cannot be read or written; in auto mode it never reaches a request
NotRecorded        offline, no entry, and ``miss="raise"`` (a BaseException, see below)
"""

from __future__ import annotations

__all__ = ["CassetteError", "CassetteFormatError", "ConfigError", "NotRecorded", "StoreError", "WirecacheError"]


class WirecacheError(Exception):
    """Which errors are wirecache's own? All that derive from this one."""


class CassetteError(WirecacheError):
    """Which cassette cannot be used, and why?"""


class CassetteFormatError(CassetteError):
    """Which file cannot be read, where in it, and what is to be done? The message says all three."""


class ConfigError(WirecacheError, ValueError):
    """Which setting is wrong, and what may it be? The message names both."""


class StoreError(WirecacheError):
    """Why can the store not be used? Raised by stores; a request never sees it."""


class NotRecorded(BaseException):
    """Which request has no entry, and how is it recorded?

    Derives from ``BaseException``, as pytest's own ``Failed`` does: every SDK turns an ``Exception``
    of its transport into "Connection error." after some seconds of retries, and frameworks swallow it.
    Raised only where ``miss="raise"`` was asked for.
    """
