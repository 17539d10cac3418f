"""Response bodies: of a forwarded answer, recorded while it is relayed, and of a recorded stream, replayed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

from wirecache._core.flows.recorder import Recorder
from wirecache._core.messages import Entry

__all__ = ["RecordedBody", "ReplayedBody"]

# Bytes as received; larger answers are judged in a worker thread under an event loop. Each of these limits is about 2 ms of work.
BIG = 256 * 1024
BIG_STREAM = 64 * 1024
BIG_CODED = 16 * 1024  # of compressed, repetitive events


class RecordedBody:
    """The body of a forwarded answer, relayed to the caller as it arrives while the recorder keeps a copy.

    It keeps a single upstream iterator, so that a second pass continues where the first one stopped. It ends exactly once: at the end of
    the body, when it is closed (SDKs stop reading at the last event and close), or just before it yields a chat's last event (some SDKs
    stop there and close nothing).
    """

    on_end: Callable[[bool], None] | None = None  # called once, at the end of the body, with whether the caller can wait
    on_drop: Callable[[], None] | None = None  # called if the body is dropped before its end

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
        """Close upstream's iterator in this task, since not every event loop closes collected generators (nest_asyncio's does not)."""
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            with suppress(RuntimeError):  # another task is still using it
                await close()

    def _feed(self) -> Callable[[bytes], bool]:
        """Return the function that feeds the recorder a chunk (of a stream, with its time) and returns whether it was the final one."""
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

        with CancelScope(shield=True):  # a cancelled caller closes the body, too
            await run_beside_loop(self._end)

    def __del__(self) -> None:
        """End the exchange of a response that was dropped without being closed."""
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
    """A recorded stream, replayed: the same bytes in the same chunks, at once or at the recorded pace.

    A second pass continues where the first one stopped, as with a live stream.
    ``speed``: 0 is at once, 1 the recorded pace, 2 twice as fast. ``started``: when the request was made, by ``time.perf_counter``.
    """

    on_end: Callable[[bool], None] | None = None  # for a recording that its reader ended: called at the end, with whether more was wanted

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
            await sleep(wait)  # even for 0 s, so that other tasks run between chunks, as with a live stream
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
    """Yield each chunk with the seconds still to wait before it."""
    if not entry.chunk_times:
        yield entry.body, 0.0
    start = 0
    for size, seconds in entry.chunks:
        wait = started + seconds / speed - time.perf_counter() if speed else 0.0
        yield entry.body[start : start + size], max(0.0, wait)
        start += size
