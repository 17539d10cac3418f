"""Equal calls of several processes under a deterministic scheduler: their real flows, claims and leases, in any order of steps.

A step performs one effect of one call, lets upstream answer or fail, lets time pass, cancels a call, or kills a process. Each caller
is a thread or a task. A synchronous one does nothing else while it waits, and one within a task holds up the whole event loop.
"""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any, NamedTuple
from unittest.mock import patch

from hypothesis import strategies as st

from tests.core.play import CHAT, WHOLE, ask, entry, head
from tests.fuzz.target import Target
from wirecache import Cache, make_key
from wirecache._core import codec
from wirecache._core.flows.effects import AcquireLease, Claim, Effect, Follow, Forward, Lease, Lookup, ReadBody, Relay, Reuse, Turn, Wait
from wirecache._core.flows.recorder import Decoded, Recorder
from wirecache._engine.engine import Call
from wirecache._storage import single_flight
from wirecache._storage.leases import RENEWED_EVERY

PROCESSES, KEYS = 3, 2
MOST = 20_000  # steps that the calls may take to end: above it, one of them hangs


class Caller(NamedTuple):
    """Who makes calls, one after the other: a thread, or a task of an event loop, perhaps by a synchronous client."""

    thread: int
    task: str | None
    is_sync: bool


CALLERS = (
    Caller(1, None, True), Caller(2, None, True), Caller(9, "a", False), Caller(9, "b", False), Caller(9, "c", True), Caller(8, "d", False),
)  # fmt: skip


class CommonStore:
    """The store of all processes, as one of them sees it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.location = object()  # a process shares its claims with nobody

    def get(self, key: str) -> bytes | None:
        value, until = self._world.values.get(key, (None, 0.0))
        return value if until > self._world.clock else None

    def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        self._world.values[key] = (value, self._world.clock + (1e9 if ttl is None else ttl))

    def add(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        if self.get(key) is not None:
            return False
        self.set(key, value, ttl=ttl)
        return True

    def delete(self, key: str) -> bool:
        return self._world.values.pop(key, None) is not None


class Process:
    def __init__(self, world: World, *, shared: bool) -> None:
        self.cache = Cache(CommonStore(world), collapse="shared" if shared else True)
        self.source = self.cache.engine.source
        self.leases: Any = self.source._leases
        self.is_alive = True

    def renew(self) -> None:
        if self.leases is not None:
            self.leases.renew()
        self.hold_thread()

    def hold_thread(self) -> None:
        """Let no thread renew the leases: the scheduler does."""
        if self.leases is not None:
            self.leases._is_renewing = True


class ModelCall:
    """One call: its flow, and where it is. ``state``: ready | following | waiting | upstream | body | done | dead."""

    def __init__(self, process: Process, caller: Caller, key: int, timeout: float | None) -> None:
        self.process, self.caller, self.key = process, caller, key
        self.call = Call(process.cache.engine, ask(headers={"content-type": "application/json"})._replace(read_timeout=timeout), None, None)
        self.flow = self.call.flow()
        self.effect: Effect = next(self.flow)
        self.state, self.until = "ready", 0.0
        self.turn: Turn | None = None
        self.recorder: Recorder | None = None
        self.outcome: Any = None
        self.forwards = 0

    @property
    def is_busy(self) -> bool:
        """Whether its caller does nothing else."""
        return self.state in ("ready", "following", "waiting", "upstream")


BODIES = [json.dumps({"model": "m", "messages": [{"role": "user", "content": str(key)}]}).encode() for key in range(KEYS)]
ENTRY_KEYS = [make_key("POST", CHAT, {"content-type": "application/json"}, body) for body in BODIES]


class World:
    """All processes, their calls, the store, and the time."""

    def __init__(self, *, shared: bool, stale: bool) -> None:
        self.clock = 0.0
        self.values: dict[str, tuple[bytes, float]] = {}
        self.position = single_flight._Position(0, None)
        self.processes = [Process(self, shared=shared) for _ in range(PROCESSES)]
        self.calls: list[ModelCall] = []
        self.is_shared = shared
        self.is_calm = True  # has nothing failed, and nobody been late?
        if stale:
            for key in ENTRY_KEYS:
                self.values[key] = (codec.encode(entry(key=key, stored_at=time.time() - 30 * 86400)), 1e9)

    # -- steps --------------------------------------------------------------------------------------------------------

    def do(self, step: list[Any]) -> None:
        """Take one step; one that is not possible now is passed over."""
        what, number, detail = step
        match what:
            case "start":
                self.start(number, detail)
            case "tick":
                self.pass_time(RENEWED_EVERY * 0.9)
            case "stall":  # nobody renews meanwhile: a machine that slept
                self.clock += 5.0
                self.is_calm = False
            case "kill":
                self.kill(self.processes[number % PROCESSES])
            case "cancel":
                self.cancel(number, detail)
            case _:
                self.go_on(number, detail)

    def start(self, number: int, detail: int) -> None:
        process, caller = self.processes[number % PROCESSES], CALLERS[detail % len(CALLERS)]
        if process.is_alive and not any(self._holds_up(other, process, caller) for other in self.calls):
            self.calls.append(ModelCall(process, caller, int(number // PROCESSES == 7), (20.0, 5.0)[detail // len(CALLERS) % 2]))

    @staticmethod
    def _holds_up(other: ModelCall, process: Process, caller: Caller) -> bool:
        """Whether a caller cannot do anything as long as another call is where it is."""
        if other.process is not process or not other.is_busy:
            return False
        return other.caller == caller or (other.caller.is_sync and other.caller.thread == caller.thread)

    def pass_time(self, seconds: float) -> None:
        self.clock += seconds
        for process in self.processes:
            if process.is_alive:
                process.renew()

    def kill(self, process: Process) -> None:
        process.is_alive = self.is_calm = False
        for one in self.calls:
            if one.process is process and one.state != "done":
                one.state = "dead"
                if one.call.leader is not None:
                    one.call.leader.on_settled = None  # nobody releases its lease

    def can_go_on(self, one: ModelCall) -> bool:
        if one.state in ("done", "dead") or any(
            other is not one and other.caller.is_sync and other.caller != one.caller and self._holds_up(other, one.process, one.caller)
            for other in self.calls
        ):
            return False
        if one.state == "body":  # a caller reads when it waits for nothing else
            return not any(self._holds_up(other, one.process, one.caller) for other in self.calls if other is not one)
        if one.state == "following":
            assert one.call.in_flight is not None
            return one.call.in_flight.stored.done() or self.clock >= one.until
        return one.state != "waiting" or self.clock >= one.until

    def go_on(self, number: int, detail: int, *, well: bool = False) -> bool:
        """Let one of the calls go on that can; return whether there is one. ``well``: nothing fails."""
        able = [one for one in self.calls if self.can_go_on(one)]
        if not able:
            return False
        one, how = able[number % len(able)], 0 if well else detail % 8
        self.position = single_flight._Position(one.caller.thread, one.caller.task)
        match one.state:
            case "ready":
                self._perform(one)
            case "following":
                assert one.call.in_flight is not None
                if one.call.in_flight.stored.done():
                    self._send(one, one.call.in_flight.stored.result())
                else:
                    self._throw(one, TimeoutError())
            case "waiting":
                self._send(one, None)
            case "upstream":
                self._answer(one, how)
            case _:
                self._end_body(one, how)
        one.process.source.flush(30.0)
        return True

    def cancel(self, number: int, detail: int) -> None:
        able = [one for one in self.calls if one.is_busy and not one.caller.is_sync]
        if able:
            one = able[number % len(able)]
            self.is_calm = False
            one.flow.close()
            one.call.fail(InterruptedError())
            one.state, one.outcome = "done", InterruptedError()
            one.process.source.flush(30.0)

    # -- one call -----------------------------------------------------------------------------------------------------

    def _perform(self, one: ModelCall) -> None:
        source, call = one.process.source, one.call
        match one.effect:
            case ReadBody():
                self._send(one, BODIES[one.key])
            case Lookup(key):
                self._send(one, source.look_up(key))
            case Claim(key):
                one.turn = call.claim(key, is_sync=one.caller.is_sync)
                self._send(one, one.turn)
            case AcquireLease(key):
                one.process.hold_thread()
                lease = source.acquire_lease(key)
                if lease is Lease.HELD:
                    call.on_settled(partial(source.release_lease, key))
                self._send(one, lease)
            case Follow(_, seconds):
                one.state, one.until = "following", self.clock + seconds
            case Wait(seconds):
                one.state, one.until = "waiting", self.clock + seconds
            case Forward():
                one.state = "upstream"
                one.forwards += 1
            case other:
                raise AssertionError(f"the model does not know {other}")

    def _send(self, one: ModelCall, answer: Any) -> None:
        one.state = "ready"
        try:
            one.effect = one.flow.send(answer)
        except StopIteration as stop:
            self._came(one, stop.value)

    def _throw(self, one: ModelCall, error: Exception) -> None:
        one.state = "ready"
        try:
            one.effect = one.flow.throw(error)
        except StopIteration as stop:
            self._came(one, stop.value)
        except Exception as raised:
            one.call.fail(raised)
            one.state, one.outcome = "done", raised

    def _came(self, one: ModelCall, outcome: Any) -> None:
        one.outcome, one.state = outcome, "done"
        if isinstance(outcome, Reuse):
            one.call.reuse(outcome)
            return
        assert isinstance(outcome, Relay), outcome
        one.call.relay(outcome, outcome.status.fwd_status or 0)
        if outcome.recorder is not None:
            one.recorder, one.state = outcome.recorder, "body"

    def _answer(self, one: ModelCall, how: int) -> None:
        if how == 6:
            self.is_calm = False
            self._throw(one, ConnectionError())
        else:
            self.is_calm = self.is_calm and how != 7
            self._send(one, head(500 if how == 7 else 200))

    def _end_body(self, one: ModelCall, how: int) -> None:
        recorder = one.recorder
        assert recorder is not None
        one.state = "done"
        self.is_calm = self.is_calm and how < 5
        if how == 5:
            one.call.abandon()
            return
        recorder.feed(WHOLE if how < 6 else WHOLE[:9])
        if how < 6:
            recorder.end()
        else:
            recorder.fail(is_cancelled=how == 7)
        one.call.keep(recorder, Decoded, can_wait=False)

    # -- what must hold -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Nobody waits for itself, and of those that lead one key in one process one is upstream at most."""
        leading: dict[tuple[int, int], int] = {}
        for one in self.calls:
            if one.state == "following":
                leader = self._leader(one)
                assert leader is None or leader.caller != one.caller, "a caller waits for itself"
                blocks = leader is not None and one.caller.is_sync and leader.caller.thread == one.caller.thread
                assert not blocks, "a thread waits for itself"
            if one.state == "upstream" and one.call.leader is not None:
                place = id(one.process), one.key
                leading[place] = leading.get(place, 0) + 1
        assert all(count == 1 for count in leading.values()), "two leaders of one key"

    def _leader(self, one: ModelCall) -> ModelCall | None:
        """Return who leads what the call follows; None if it is to go on by now."""
        assert one.call.in_flight is not None
        if one.call.in_flight.stored.done():
            return None
        leaders = [other for other in self.calls if getattr(other.call.leader, "_in_flight", None) is one.call.in_flight]
        assert len(leaders) == 1, "nobody leads what a call waits for"
        return leaders[0]

    def finish(self) -> None:
        """Let all go on until they have ended: each does, and what was stored is shared."""
        for number in range(MOST):
            if all(one.state in ("done", "dead") for one in self.calls):
                break
            if not self.go_on(number, 0, well=True):
                self.pass_time(RENEWED_EVERY * 0.9)
            self.check()
        else:
            raise AssertionError(f"it hangs: {[(one.caller, one.state, one.effect) for one in self.calls]}")
        self.check_end()

    def check_end(self) -> None:
        """All answers are whole, nothing is held any more, and if nothing failed each key went upstream once."""
        assert all(one.outcome.entry.body == WHOLE for one in self.calls if isinstance(one.outcome, Reuse))
        for process in self.processes:
            if process.is_alive:
                assert process.source.single_flight._in_flight == {}
                assert process.leases is None or process.leases._held == set()
        if self.is_calm and all(one.turn is not Turn.ALONE for one in self.calls):
            for group in [self.processes] if self.is_shared else [[process] for process in self.processes]:
                for key in range(KEYS):
                    calls = [one.forwards for one in self.calls if one.key == key and one.process in group]
                    assert sum(calls) <= 1, f"{sum(calls)} calls went upstream"

    def close(self) -> None:
        for one in self.calls:
            if one.call.leader is not None:
                one.call.leader.on_settled = None
        for process in self.processes:
            process.cache.close()


STEPS = st.tuples(
    st.sampled_from(["start", "start", "go", "go", "go", "go", "go", "go", "tick", "cancel", "stall", "kill"]),
    st.integers(0, 23),
    st.integers(0, 23),
)
WELL = st.tuples(st.sampled_from(["start", "go", "go", "go", "tick"]), st.integers(0, 23), st.integers(0, 4))
CASES = st.fixed_dictionaries(
    {
        "shared": st.booleans(),
        "stale": st.booleans(),
        "steps": st.lists(STEPS, min_size=20, max_size=60) | st.lists(WELL, min_size=20, max_size=60),
    }
)


def play(case: dict[str, Any]) -> None:
    """Take the steps, and then let all go on until they have ended."""
    world = World(shared=case["shared"], stale=case["stale"])
    with patch.object(single_flight, "_position", lambda: world.position):
        try:
            for step in case["steps"]:
                world.do(step)
                world.check()
            world.finish()
        finally:
            world.close()


TARGETS = [Target("collapsing", CASES, play)]
