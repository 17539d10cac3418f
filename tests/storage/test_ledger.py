"""A call settles once, and in the process that made it."""

from __future__ import annotations

from pathlib import Path

from tests.stores.processes import run
from wirecache import Budget, MemoryStore, Usage
from wirecache._core.flows.spending import Denial
from wirecache._storage.ledger import Admission, Ledger, Spender

CALL = Spender("api.example", "chat", "m", "", "POST https://api.example/v1/chat/completions")

FORK = """
import os, sys
from wirecache import Budget, DiskStore, Usage
from wirecache._storage.ledger import Ledger, Spender
from wirecache._storage.write_queue import write_queue_of

store = DiskStore(sys.argv[1])
ledger = Ledger([Budget(calls=5)], store, None)
admitted = ledger.admit(Spender("api.example", "chat", "m", "", "POST"))
if not (child := os.fork()):
    admitted.settle(Usage(1, 1), is_billed=True, is_whole=True)
    write_queue_of(store).flush()
    os._exit(0)
os.waitpid(child, 0)
print([totals.get("open", 0) for _, totals in ledger.totals()], flush=True)
admitted.settle(Usage(5, 7), is_billed=True, is_whole=True)
print([(totals.get("open", 0), totals["tokens"]) for _, totals in ledger.totals()])
"""


def admitted(ledger: Ledger) -> Admission:
    found = ledger.admit(CALL)
    assert isinstance(found, Admission)
    return found


def test_a_call_settles_once() -> None:
    ledger = Ledger([Budget(calls=5)], MemoryStore(), None)
    call = admitted(ledger)
    for _ in range(3):
        call.settle(Usage(5, 7), is_billed=True, is_whole=True)
    ((_, totals),) = ledger.totals()
    assert (totals.get("open", 0), totals["calls"], totals["tokens"]) == (0, 1, 12)


def test_a_child_of_a_fork_settles_nothing_of_its_parents(tmp_path: Path) -> None:
    assert run(FORK, tmp_path / "store").splitlines() == ["[1]", "[(0, 12)]"]


def test_outer_budgets_hold_beside_and_are_counted_elsewhere() -> None:
    inner, outer = (Ledger([Budget(calls=limit)], MemoryStore(), None) for limit in (2, 1))
    inner.outer = outer
    admitted(inner).settle(Usage(5, 7), is_billed=True, is_whole=True)
    assert isinstance(inner.admit(CALL), Denial)
    assert [totals["calls"] for ledger in (inner, outer) for _, totals in ledger.totals()] == [1, 1]
    assert [totals["tokens"] for ledger in (inner, outer) for _, totals in ledger.totals()] == [12, 12]
