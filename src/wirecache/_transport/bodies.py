"""How does a body reach its caller: as it comes, while a copy is kept, or once more as it came?"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
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

    It holds one iterator of upstream's, so that a second pass goes on where the first one stopped, and settles once: at the
    end, or when it is closed (SDKs stop reading at the last event and close), or before it gives the last event of a chat away
    (some SDKs stop there and close nothing).
    """

    settle: Callable[[Recorder, bool], None] | None = None  # told once, when the body is over, and whether the caller can wait
    started = 0.0  # when the request was sent, by ``time.perf_counter``

    def __init__(self, stream: Any, recorder: Recorder) -> None:
        self._stream = stream
        self._recorder = recorder
        self._chunks: Any = None

    def __iter__(self) -> Iterator[bytes]:
        if self._chunks is None:
            self._chunks = iter(self._stream)
        feed = self._feed()
        try:
            for chunk in self._chunks:
                if feed(chunk):
                    self._settled(can_wait=True)
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
        feed = self._feed()
        try:
            async for chunk in self._chunks:
                if feed(chunk):
                    await self._asettled()
                yield chunk
        except GeneratorExit:  # the consumer stops here, and may go on in a second pass
            raise
        except BaseException:  # a cancelled iterator of upstream's is dead: a second pass would take its end for the body's
            self._recorder.fail()
            raise
        self._recorder.end()
        await self._asettled()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._asettled()

    def _feed(self) -> Callable[[bytes], bool]:
        """How the recorder is given a chunk: with the time, if it is one of a stream. True: it was the last one that counts."""
        recorder, started = self._recorder, self.started
        if not recorder.recording.stream:
            return recorder.feed
        return lambda chunk: recorder.feed_at(chunk, time.perf_counter() - started)

    async def _asettled(self) -> None:
        if self.settle is None or not _is_big(self._recorder):
            self._settled()
            return
        from anyio import CancelScope
        from anyio.to_thread import run_sync

        with CancelScope(shield=True):  # a caller that is cancelled closes the body, too
            await run_sync(self._settled)

    def _settled(self, *, can_wait: bool = False) -> None:
        settle, self.settle = self.settle, None
        if settle is not None:
            settle(self._recorder, can_wait)


def _is_big(recorder: Recorder) -> bool:
    made = recorder.recording
    coded = b"content-encoding" in made.head.fields
    return recorder.size > (BIG_CODED if coded else BIG_STREAM if made.stream else BIG)


class ReplayedBody:
    """A recorded stream once more: the same bytes in the same pieces, at once or at the pace at which they came.

    A second pass goes on where the first one stopped, as over a live stream.
    ``speed``: 0 is at once, 1 the recorded pace, 2 twice as fast. ``started``: when the request was made, by ``time.perf_counter``.
    """

    def __init__(self, entry: Entry, speed: float, started: float) -> None:
        self._pieces = _paced(entry, speed, started)

    def __iter__(self) -> Iterator[bytes]:
        for piece, wait in self._pieces:
            if wait:
                time.sleep(wait)
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        from anyio import sleep

        for piece, wait in self._pieces:
            await sleep(wait)  # of no time, too: other tasks run between two pieces, as they do live
            yield piece


def _paced(entry: Entry, speed: float, started: float) -> Iterator[tuple[bytes, float]]:
    """Each piece, and how many seconds are still to be waited before it."""
    start = 0
    for size, seconds in entry.chunks:
        wait = started + seconds / speed - time.perf_counter() if speed else 0.0
        yield entry.body[start : start + size], max(0.0, wait)
        start += size
