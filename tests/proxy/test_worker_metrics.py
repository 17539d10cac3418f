"""The numbers of several workers are added up; those of one that is gone stay, but for what was true of it at the moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.proxy.test_streams import eventually
from wirecache._core.stats import Stats
from wirecache._proxy.metrics import Families, Metrics, text_of
from wirecache._proxy.worker_metrics import WorkerMetrics

CALLS = 'wirecache_proxy_calls_total{upstream="openai",method="POST",status="0",outcome="none"}'


def worker(folder: Path, number: int) -> tuple[WorkerMetrics, Metrics]:
    metrics = Metrics()
    shared = WorkerMetrics(folder, number, lambda: metrics.families(Stats(hits=1)))
    metrics.on_change = shared.changed
    return shared, metrics


def numbers(families: Families) -> tuple[float, float, float]:
    """Return the calls, the open ones, and the hits."""
    calls, open_calls = families["proxy_calls_total"].get(CALLS, 0), families["proxy_open_calls"]["wirecache_proxy_open_calls"]
    return calls, open_calls, families["hits_total"]["wirecache_hits_total"]


def test_each_worker_has_the_numbers_of_all(tmp_path: Path) -> None:
    (first, of_first), (second, of_second) = worker(tmp_path, 0), worker(tmp_path, 1)
    with of_first.call("POST", "openai"):
        pass
    with of_second.call("POST", "openai"), of_second.call("POST", "openai"):
        assert eventually(lambda: numbers(first.total()) == (1, 2, 2))
    assert eventually(lambda: numbers(first.total()) == numbers(second.total()) == (3, 0, 2))
    text = text_of(first.total())
    assert text.count("# TYPE wirecache_proxy_calls_total counter") == 1
    assert "# TYPE wirecache_proxy_open_calls gauge\nwirecache_proxy_open_calls 0\n" in text
    assert 'wirecache_proxy_seconds_bucket{outcome="none",le="+Inf"} 3\n' in text
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["0.json", "1.json"]


def test_one_that_takes_the_place_of_another_goes_on_from_its_counters(tmp_path: Path) -> None:
    first, of_first = worker(tmp_path, 0)
    with of_first.call("POST", "openai"):
        pass
    with of_first.call("POST", "openai"):
        first.publish()  # it is killed during a call
        next_one, of_next = worker(tmp_path, 0)
    with of_next.call("POST", "openai"):
        pass
    assert numbers(next_one.total()) == (2, 0, 2)


@pytest.mark.parametrize("content", ["", "{", None])
def test_what_cannot_be_read_counts_for_nothing(tmp_path: Path, content: str | None) -> None:
    if content is None:
        (tmp_path / "1.json").mkdir()
    else:
        (tmp_path / "1.json").write_text(content)
    shared, _ = worker(tmp_path, 0)
    assert numbers(shared.total()) == (0, 0, 1)


def test_a_folder_that_is_gone_stops_no_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shared, metrics = worker(folder := tmp_path / "gone", 0)
    assert not folder.exists()
    with metrics.call("POST", "openai"):
        shared.publish()
    assert numbers(shared.total()) == (1, 0, 1)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["the numbers of this worker cannot be written"]


def test_what_is_written_is_json(tmp_path: Path) -> None:
    worker(tmp_path, 3)
    assert json.loads((tmp_path / "3.json").read_text())["hits_total"] == {"wirecache_hits_total": 1}
