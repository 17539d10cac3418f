"""The proxy's own error answers: JSON errors in a form that SDKs show and that no client retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import Response

__all__ = ["Refused"]


class Refused(Exception):
    """The proxy answers this request itself; nothing was sent.

    ``status``: the HTTP status. ``code``: a stable name of the reason. ``message``: what is wrong and what to do.
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    def response(self) -> Response:
        """Return the response."""
        from starlette.responses import JSONResponse  # imported late, since the table of upstreams is used without the extra, too

        error = {"message": f"wirecache serve: {self}", "type": "proxy_error", "code": self.code}
        headers = {} if self.status >= 500 else {"x-should-retry": "false"}
        return JSONResponse({"error": error}, self.status, {**headers, **self.headers})
