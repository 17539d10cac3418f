"""``wirecache stats``: on no store, on one with known figures, as a table and as JSON."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.programs import ran
from wirecache import DiskStore
from wirecache._core.messages import Usage
from wirecache.prices import Prices

TODAY = datetime.now(UTC).date()
DAY = (TODAY - date(1970, 1, 1)).days
FIGURES = {
    "gpt-4o": {"hits": 3, "misses": 1, "stored": 1, "billed": 1, "billed.input": 1000, "billed.output": 100, "saved": 3,
               "saved.input": 3000, "saved.output": 300, "seconds_saved": 6.0, "seconds_spent": 2.0},
    "gpt-99": {"hits": 1, "bypassed:stream": 3, "untold": 3, "saved": 1, "saved.input": 5, "saved.output": 7, "seconds_saved": 1.0},
}  # fmt: skip


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return ran("-m", "wirecache", "stats", *arguments, env={**os.environ, "NO_COLOR": "1"})


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with these figures, today's and, as many again of one model, yesterday's."""
    disk = DiskStore(tmp_path / "store")
    for model, amounts in FIGURES.items():
        disk.add_history((DAY, "api.openai.com", "chat", model, "", 0, name, amount) for name, amount in amounts.items())
    disk.add_history((DAY - 1, "api.openai.com", "chat", "gpt-4o", "", 0, name, amount) for name, amount in FIGURES["gpt-4o"].items())
    disk.close()
    return str(disk.path)


def as_json(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_nothing_yet(tmp_path: Path) -> None:
    done = run("--store", str(tmp_path / "none"), "--calls-per-day", "10")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Nothing has been counted yet in DiskStore(")
    assert not (tmp_path / "none").exists()
    empty = as_json("--store", str(tmp_path / "none"))
    assert (empty["total"]["calls"], empty["days"], empty["models"], empty["projection"]) == (0, {}, {}, None)


def test_json(store: str) -> None:
    report = as_json("--store", store, "--calls-per-day", "1000")
    each = Prices().of_call(Usage(1000, 100), "api.openai.com", "gpt-4o", TODAY)
    assert each is not None
    total = report["total"]
    assert (total["calls"], total["hits"], total["misses"], total["bypassed"], total["untold"]) == (12, 7, 2, 3, 3)
    assert total["bypassed_for"] == {"stream": 3}
    assert (total["seconds_saved"], total["seconds_spent"]) == (13.0, 4.0)
    assert total["tokens_saved"] == Usage(6005, 607)._asdict()
    assert total["dollars_saved"] == pytest.approx(float(each * 6))
    assert total["dollars_billed"] == pytest.approx(float(each * 2))
    assert (total["unpriced_saved"], total["unpriced_billed"]) == (1, 0)
    assert list(report["days"]) == [str(date.fromordinal(TODAY.toordinal() - 1)), str(TODAY)]
    assert report["models"]["gpt-99"]["dollars_saved"] is None
    assert report["models"]["gpt-4o"]["dollars_saved"] == pytest.approx(float(each * 6))
    assert list(report["hosts"]) == ["api.openai.com"]
    assert report["prices"] == {"version": Prices().version, "date": str(Prices().date)}
    assert report["projection"] == {
        "calls_per_day": 1000, "measured_calls": 12, "reused_share": pytest.approx(7 / 12), "unpriced": 1,
        "seconds_saved_per_day": pytest.approx(13 / 12 * 1000), "dollars_saved_per_day": pytest.approx(float(each * 6) / 12 * 1000),
        "dollars_saved_per_month": pytest.approx(float(each * 6) / 12 * 30_000),
    }  # fmt: skip
    assert as_json("--store", store, "--days", "1")["total"]["calls"] == 8


KEYS = ["schema", "store", "prices", "total", "days", "models", "hosts", "endpoints", "namespaces", "projection"]


def test_the_schema_is_stable(store: str) -> None:
    report = as_json("--store", store)
    assert list(report) == KEYS
    assert report["schema"] == 1
    assert list(report["total"]) == [
        "calls", "hits", "misses", "collapsed", "bypassed", "stale", "stored", "refused", "store_errors", "untold", "bypassed_for",
        "refused_for", "seconds_saved", "seconds_spent", "tokens_saved", "tokens_billed", "dollars_saved", "unpriced_saved",
        "dollars_billed", "unpriced_billed",
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["model", "day", "host", "endpoint", "namespace"])
def test_the_table(by: str, store: str) -> None:
    done = run("--store", store, "--by", by, "--calls-per-day", "1000")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.split()}
    assert lines["total"] == ["total", "12", "7", "2", "3", "13.0", "s", "6,612", "$0.021000", "$0.007000", "1"]
    if by == "model":
        assert lines["gpt-99"][-3:] == ["-", "$0", "1"]
    assert "bypassed: stream 3" in done.stdout
    assert f"Prices: {Prices().version}, as of {Prices().date}" in done.stdout
    assert "counted (58% reused) would save $52.50 a month (without 1 unpriced call)" in done.stdout


def test_a_wrong_option_is_a_mistake_of_usage(tmp_path: Path) -> None:
    assert run("--days", "0").returncode == 2
    assert run("--store", "redis://").returncode in (1, 2)
