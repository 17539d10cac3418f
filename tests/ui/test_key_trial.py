"""Other key options on all stored requests: what is shown is right at each moment, and the page does not wait for the end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

from tests.ui import sample
from tests.ui.server import serve
from tests.ui.test_more_pages import explain
from tests.ui.test_pages import text_of
from wirecache import KeyOptions, MemoryStore
from wirecache._core.messages import Entry
from wirecache._inspector.key_trial import KEPT, Trial, Trials
from wirecache._inspector.sources import StoreSource, open_sources

PROMPT = KeyOptions(ignore_body=("/messages/1/content",))
MANY = 45


class Slow:
    """A store whose exchanges are read only as far as ``allow`` says."""

    def __init__(self) -> None:
        self._store = open_sources([MemoryStore()])[0]
        assert isinstance(self._store, StoreSource)
        self.entries = [sample.chat(f"Question {number}", "Answer", model=f"m{number % 2}") for number in range(MANY)]
        self.allowed = threading.Semaphore(0)
        self.waits = threading.Semaphore(0)

    def refs(self) -> Iterator[str]:
        return iter([str(number) for number in range(MANY)])

    def read(self, ref: str) -> Entry | None:
        self.waits.release()
        assert self.allowed.acquire(timeout=60)
        return self.entries[int(ref)]

    def allow(self, count: int) -> None:
        """Let so many be read, and wait until the next one is asked for."""
        for _ in range(count):
            self.allowed.release()
            assert self.waits.acquire(timeout=60)


def begun(key: str = "") -> tuple[Slow, Trial]:
    slow = Slow()
    trial = Trial(slow, PROMPT, key, {})  # type: ignore[arg-type]
    trial.start()
    assert slow.waits.acquire(timeout=60)
    return slow, trial


def ended(trial: Trial) -> None:
    assert trial._ended.wait(60)


def test_what_is_known_so_far_is_shown() -> None:
    slow, trial = begun(key="of no entry")
    assert trial.is_running
    slow.allow(3)
    merge = trial.merge()
    assert (merge.tried, merge.total, merge.merged, merge.shared, merge.is_whole) == (3, MANY, 2, 1, False)
    assert merge.is_hit is None  # one may still be found
    for _ in range(MANY):
        slow.allowed.release()
    ended(trial)
    merge = trial.merge()
    assert (merge.tried, merge.merged, merge.shared, merge.is_whole, merge.is_hit) == (MANY, MANY, 2, True, False)
    assert [(count, len(refs)) for count, refs in merge.groups] == [(23, 20), (22, 20)]


def test_one_that_is_stopped_is_not_whole() -> None:
    slow, trial = begun()
    trial.stop()
    slow.allowed.release()
    ended(trial)
    assert (trial.merge().tried, trial.merge().is_whole) == (1, False)


def test_the_latest_are_kept_and_equal_ones_run_once() -> None:
    trials, slow = Trials(), Slow()
    numbers = [trials.begin(slow, PROMPT, "", {"n": str(number)}) for number in range(KEPT)]  # type: ignore[arg-type]
    assert trials.begin(slow, PROMPT, "", {"n": "0"}) == numbers[0]  # type: ignore[arg-type]
    first = trials.get(numbers[0])
    trials.begin(slow, PROMPT, "", {"n": "another"})  # type: ignore[arg-type]
    assert trials.get(numbers[0]) is None
    trials.close()
    for _ in range(MANY * KEPT):
        slow.allowed.release()
    assert first is not None
    ended(first)
    assert not first.merge().is_whole


def test_the_page_names_a_trial_that_can_be_looked_at_again() -> None:
    slow = Slow()
    with serve([MemoryStore()]) as served:
        source = served.app.inspector.sources[0]
        source.refs, source.read = slow.refs, slow.read  # type: ignore[method-assign]
        body = {
            "model": "m1",
            "messages": [{"role": "system", "content": "You are a careful assistant."}, {"role": "user", "content": "New"}],
        }
        request = json.dumps({"url": sample.OPENAI, "body": body})
        slow.allowed.release()
        number = served.app.inspector.trials.begin(source, PROMPT, "", {"request": "", "ignore_body": "/messages/1/content"})
        page = served.page(f"/explain?trial={number}")
        assert "tried so far" in text_of(page)
        assert f'data-from="/explain?trial={number}"' in page
        for _ in range(10 * MANY):
            slow.allowed.release()
        trial = served.app.inspector.trials.get(number)
        assert trial is not None
        ended(trial)
        page = served.page(f"/explain?trial={number}")
        assert "45 stored requests would be merged into 2, of 45 tried." in text_of(page)
        assert "and 3 more" in text_of(page)
        assert "data-still" in page
        assert served.client.get("/explain?trial=4711").status_code == 404
        explain(served, request=request, ignore_body="/messages/1/content")
