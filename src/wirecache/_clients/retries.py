"""Retries of failed calls, and the pauses before them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["retrying"]

RETRY_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504, 529})  # temporary: the same call may succeed later
MAX_PAUSE = 60.0  # seconds
MIN_PAUSE = 0.001
STOP_INTERVAL = 0.25  # seconds within which a pause ends after a stop


def retrying(error_type: type[Exception], attempts: int, is_stopped: Callable[[], bool]) -> Any:
    """Return tenacity's retry loop for a coroutine function that returns a response: ``await retrying(...)(function, *arguments)``.

    It calls the function up to ``attempts`` times, while it raises this error or returns a temporary status. The pauses are those that
    the provider asks for, else they grow. The last response is returned, or the last error raised. Once ``is_stopped()``, no further
    attempt begins.
    """
    try:
        import tenacity
    except ImportError as error:
        raise ImportError("warm needs tenacity: pip install 'wirecache[cli]'") from error
    backoff = tenacity.wait_exponential_jitter(initial=0.5, max=MAX_PAUSE, jitter=0.5)

    def is_temporary(response: Any) -> bool:
        return response.status_code in RETRY_STATUSES

    async def sleep(seconds: float) -> None:
        import anyio

        end = time.monotonic() + seconds
        while not is_stopped() and (left := end - time.monotonic()) > 0:  # noqa: ASYNC110  # a signal handler may set no event
            await anyio.sleep(min(left, STOP_INTERVAL))

    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(error_type) | tenacity.retry_if_result(is_temporary),
        stop=lambda state: is_stopped() or state.attempt_number >= attempts,
        wait=lambda state: _pause_of_response(state) or backoff(state),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        sleep=sleep,
    )


def _pause_of_response(state: Any) -> float | None:
    """Return the seconds that the response asks to wait, or None."""
    if state.outcome is None or state.outcome.failed:
        return None
    headers = state.outcome.result().headers
    for name, units_per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return min(max(float(headers[name]) / units_per_second, MIN_PAUSE), MAX_PAUSE)
        except (KeyError, ValueError):  # it may be a date
            continue
    return None
