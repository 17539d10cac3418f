"""How does a body reach its caller as it comes, while a copy is kept?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from wirecache._core.recording import Recorder

__all__ = ["RecordedBody"]

BIG = 256 * 1024  # bytes; larger answers are judged in a worker thread under an event loop (2 ms of work)


class RecordedBody:
    """The body of a forwarded answer: to the caller as it comes, while the recorder keeps a copy.

    It holds one iterator of upstream's, so that a second pass goes on where the first one stopped, and settles once: at the
    end, or when it is closed (SDKs stop reading at the last event and close).
    """

    settle: Callable[[Recorder, bool], None] | None = None  # told once, when the body is over, and whether the caller can wait

    def __init__(self, stream: Any, recorder: Recorder) -> None:
        self._stream = stream
        self._recorder = recorder
        self._chunks: Any = None

    def __iter__(self) -> Iterator[bytes]:
        if self._chunks is None:
            self._chunks = iter(self._stream)
        feed = self._recorder.feed
        try:
            for chunk in self._chunks:
                feed(chunk)
                yield chunk
        except GeneratorExit:  # the consumer stops here, and may go on in a second pass
            raise
        except BaseException:  # a cancelled iterator of upstream's is dead: a second pass would take its end for the body's
            self._recorder.fail()
            raise
        self._recorder.end()
        self._settled(can_wait=True)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._settled(can_wait=True)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._chunks is None:
            self._chunks = aiter(self._stream)
        feed = self._recorder.feed
        try:
            async for chunk in self._chunks:
                feed(chunk)
                yield chunk
        except GeneratorExit:  # the consumer stops here, and may go on in a second pass
            raise
        except BaseException:  # a cancelled iterator of upstream's is dead: a second pass would take its end for the body's
            self._recorder.fail()
            raise
        self._recorder.end()
        if self._recorder.size <= BIG:
            self._settled()
        else:
            from anyio.to_thread import run_sync

            await run_sync(self._settled)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._settled()

    def _settled(self, *, can_wait: bool = False) -> None:
        settle, self.settle = self.settle, None
        if settle is not None:
            settle(self._recorder, can_wait)
