"""Tracebacks of misses, shortened to the user's code without the SDK, the HTTP library and the event loop."""

from __future__ import annotations

import site
import sysconfig
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

import pytest

from wirecache.errors import NotRecorded

__all__ = ["raising_single_miss", "shortened"]

_LIBRARY_FOLDERS = tuple({*site.getsitepackages(), sysconfig.get_paths()["stdlib"], str(Path(__file__).parents[1])})


def shortened(excinfo: pytest.ExceptionInfo[BaseException] | None) -> pytest.ExceptionInfo[BaseException] | None:
    """Return a miss with a short traceback, unwrapped from exception groups; any other exception unchanged."""
    miss = _miss_in(excinfo.value) if excinfo is not None else None
    if miss is None:
        return excinfo
    whole, short = miss.__traceback__, None
    for frame, line in reversed(list(walk_tb(whole))):
        if not frame.f_code.co_filename.startswith(_LIBRARY_FOLDERS):
            short = TracebackType(short, frame, frame.f_lasti, line)
    return pytest.ExceptionInfo.from_exception(miss.with_traceback(short or whole))  # pytest shows the exception's own traceback


def raising_single_miss(test: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the async test, wrapped to raise a miss instead of an exception group that contains only misses."""

    @wraps(test)
    async def raising(*arguments: Any, **options: Any) -> Any:
        try:
            return await test(*arguments, **options)
        except BaseExceptionGroup as group:
            miss = _miss_in(group)
            if miss is None:
                raise
        raise miss

    return raising


def _miss_in(error: BaseException) -> NotRecorded | None:
    """Return the error if it is a miss, or the first miss of an exception group that contains nothing else; otherwise None."""
    if isinstance(error, BaseExceptionGroup):
        misses = [_miss_in(inner) for inner in error.exceptions]
        return misses[0] if all(misses) else None
    return error if isinstance(error, NotRecorded) else None
