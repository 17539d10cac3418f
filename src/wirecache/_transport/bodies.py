"""How does a body reach its caller: as it comes, while a copy is kept, or once more as it came?"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

from wirecache._core.flows.recorder import Recorder
from wirecache._core.messages import Entry

__all__ = ["RecordedBody", "ReplayedBody"]

# Bytes as they came; larger answers are judged in a worker thread under an event loop. Each of these is about 2 ms of work.
BIG = 256 * 1024
BIG_STREAM = 64 * 1024
BIG_CODED = 16 * 1024  # of events that repeat each other, compressed


class RecordedBody:
    """The body of a forwarded answer: to the caller as it comes, while the recorder keeps a copy.

    It holds one iterator of upstream's, so that a second pass goes on where the first one stopped, and ends once: at the
    end, or when it is closed (SDKs stop reading at the last event and close), or before it gives the last event of a chat away
    (some SDKs stop there and close nothing).
    """

    on_end: Callable[[bool], None] | None = None  # called once, when the body is over, with whether the caller can wait
    on_drop: Callable[[], None] | None = None  # called if the body is dropped before it is over

    def __init__(self, stream: Any, recorder: Recorder, started: float) -> None:
        self._stream = stream
        self._recorder = recorder
        self._started = started
        self._chunks: Any = None

    def __iter__(self) -> Iterator[bytes]:
        if self._chunks is None:
            self._chunks = iter(self._stream)
        feed = self._feed()
        try:
            for chunk in self._chunks:
                if feed(chunk):
                    self._end(can_wait=True)
                yield chunk
        except GeneratorExit:  # the consumer stops here, and may go on in a second pass
            raise
        except BaseException as error:  # a cancelled iterator of upstream's is dead: a second pass would take its end for the body's
            self._recorder.fail(is_cancelled=not isinstance(error, Exception))
            raise
        self._recorder.end()
        self._end(can_wait=True)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._end(can_wait=True)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._chunks is None:
            self._chunks = aiter(self._stream)
        feed = self._feed()
        try:
            async for chunk in self._chunks:
                if feed(chunk):
                    await self._aend()
                yield chunk
        except GeneratorExit:  # the consumer stops here, and may go on in a second pass
            raise
        except BaseException as error:  # a cancelled iterator of upstream's is dead: a second pass would take its end for the body's
            self._recorder.fail(is_cancelled=not isinstance(error, Exception))
            raise
        self._recorder.end()
        await self._aend()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._aend()
            await self._close_chunks()

    async def _close_chunks(self) -> None:
        """Close upstream's iterator here, where its generators can: not every loop has the garbage collector's do it (nest_asyncio's)."""
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            with suppress(RuntimeError):  # another task is still in it
                await close()

    def _feed(self) -> Callable[[bytes], bool]:
        """Return what gives the recorder a chunk (with its time, of a stream) and returns whether it was the last one that counts."""
        recorder, started = self._recorder, self._started
        if not (recorder.recording.stream or recorder.recording.is_stream_requested):
            return recorder.feed
        return lambda chunk: recorder.feed_at(chunk, time.perf_counter() - started)

    async def _aend(self) -> None:
        if self.on_end is None or not _is_big(self._recorder):
            self._end()
            return
        from anyio import CancelScope

        from wirecache._runtime.beside_loop import run_beside_loop

        with CancelScope(shield=True):  # a caller that is cancelled closes the body, too
            await run_beside_loop(self._end)

    def __del__(self) -> None:
        """The response was dropped unread, and nobody closed it."""
        if self.on_end is not None and self.on_drop is not None:
            self.on_end = None
            self.on_drop()

    def _end(self, *, can_wait: bool = False) -> None:
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(can_wait)


def _is_big(recorder: Recorder) -> bool:
    recording = recorder.recording
    coded = b"content-encoding" in recording.head.fields
    return recorder.size > (BIG_CODED if coded else BIG_STREAM if recording.stream else BIG)


class ReplayedBody:
    """A recorded stream once more: the same bytes in the same pieces, at once or at the pace at which they came.

    A second pass goes on where the first one stopped, as over a live stream.
    ``speed``: 0 is at once, 1 the recorded pace, 2 twice as fast. ``started``: when the request was made, by ``time.perf_counter``.
    """

    on_end: Callable[[bool], None] | None = None  # of what its reader ended: called when it is over, with whether more was wanted

    def __init__(self, entry: Entry, speed: float, started: float) -> None:
        self._pieces = _paced(entry, speed, started)

    def __iter__(self) -> Iterator[bytes]:
        for piece, wait in self._pieces:
            if wait:
                time.sleep(wait)
            yield piece
        self._end(wants_more=True)

    def close(self) -> None:
        self._end(wants_more=False)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        from anyio import sleep

        for piece, wait in self._pieces:
            await sleep(wait)  # of no time, too: other tasks run between two pieces, as they do live
            yield piece
        self._end(wants_more=True)

    async def aclose(self) -> None:
        self._end(wants_more=False)

    def __del__(self) -> None:
        self._end(wants_more=False)

    def _end(self, *, wants_more: bool) -> None:
        if self.on_end is not None:
            self.on_end(wants_more)


def _paced(entry: Entry, speed: float, started: float) -> Iterator[tuple[bytes, float]]:
    """Yield each piece, and how many seconds are still to be waited before it."""
    if not entry.chunk_times:
        yield entry.body, 0.0
    start = 0
    for size, seconds in entry.chunks:
        wait = started + seconds / speed - time.perf_counter() if speed else 0.0
        yield entry.body[start : start + size], max(0.0, wait)
        start += size
