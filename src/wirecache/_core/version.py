"""The version of wirecache, kept here since a program without wirecache's dist-info cannot look it up."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
