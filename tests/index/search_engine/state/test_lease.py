"""The right to write: who gets it, who has lost it, and who is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from memory_search_engine import Cluster, MemorySearchEngine

from qa_engine.config import Bm25Config, IndexConfig
from qa_engine.errors import IndexLockedError, ServiceUnavailableError
from qa_engine.index.search_engine.registry import RegisteredCollection, Registry
from qa_engine.index.search_engine.state import lease_owner
from qa_engine.index.search_engine.state.lease import Lease, held_lease
from qa_engine.index.search_engine.state.lease_owner import has_ended, this_process

SECONDS = 30.0


class World:
    """A cluster, a clock that all machines have, and leases of many writers."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.cluster = Cluster()
        config = IndexConfig(search_url="http://memory.invalid:9200", search_lease_seconds=SECONDS)
        self.registry = Registry(MemorySearchEngine(self.cluster, config))
        self.collection: RegisteredCollection = self.registry.create("reports", Bm25Config())
        self.leases: list[Lease] = []

    def lease(self) -> Lease:
        made = Lease(self.registry, self.collection, lambda: self.now, lambda: self.now)
        self.leases.append(made)
        return made

    def close(self) -> None:
        self.cluster.fault = lambda method, path: None
        for lease in self.leases:
            lease.release()


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def holds(lease: Lease) -> bool:
    try:
        lease.require()
    except IndexLockedError:
        return False
    return True


class Writers(RuleBasedStateMachine):
    """At most one of the leases counts at any time, whatever is lost on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    def teardown(self) -> None:
        self.world.close()

    @rule()
    def come(self) -> None:
        lease = self.world.lease()
        held = [other for other in self.world.leases if holds(other)]
        try:
            lease.acquire(0)
        except IndexLockedError:
            assert not holds(lease)
        except ServiceUnavailableError:
            pass
        else:
            assert held == []
        self.check()

    @rule(which=st.integers(0, 9))
    def renew(self, which: int) -> None:
        if self.world.leases:
            lease = self.world.leases[which % len(self.world.leases)]
            if lease._version is not None and not lease._lost:
                with suppress(ServiceUnavailableError):
                    lease.renew()
        self.check()

    @rule(seconds=st.floats(0.1, SECONDS * 1.5))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds
        self.check()

    @rule(which=st.integers(0, 9))
    def leave(self, which: int) -> None:
        if self.world.leases:
            self.world.leases.pop(which % len(self.world.leases)).release()
        self.check()

    @rule(when=st.sampled_from(["before", "after", None]))
    def fail(self, when: str | None) -> None:
        self.world.cluster.fault = lambda method, path: when if method == "PUT" else None

    def check(self) -> None:
        assert sum(map(holds, self.world.leases)) <= 1


def test_one_writer_at_most_whatever_happens() -> None:
    run_state_machine_as_test(Writers)  # type: ignore[no-untyped-call]


def test_the_holder_is_named(world: World) -> None:
    world.lease().acquire(0)
    with pytest.raises(IndexLockedError, match=rf"process {os.getpid()} on .* its right ends in 30 s"):
        world.lease().acquire(0)


def test_a_lease_that_is_not_renewed_ends(world: World) -> None:
    first, second = world.lease(), world.lease()
    first.acquire(0)
    world.now += SECONDS - 1
    first.require()
    with pytest.raises(IndexLockedError):
        second.acquire(0)
    world.now += 1
    second.acquire(0)
    with pytest.raises(IndexLockedError, match="another process took over"):
        first.require()
    second.require()


def test_a_lease_that_ended_while_the_search_engine_was_away_goes_on_if_nobody_took_it(world: World) -> None:
    lease = world.lease()
    lease.acquire(0)
    world.now += SECONDS
    world.cluster.fault = lambda method, path: "before"
    with pytest.raises(IndexLockedError, match="was not renewed in time"):
        lease.require()
    world.cluster.fault = lambda method, path: "after"
    with pytest.raises(IndexLockedError, match="was not renewed in time"):
        lease.require()
    world.cluster.fault = lambda method, path: None
    lease.require()
    with pytest.raises(IndexLockedError):
        world.lease().acquire(0)


def test_a_renewal_whose_answer_was_lost_counts_with_the_next(world: World) -> None:
    lease = world.lease()
    lease.acquire(0)
    world.cluster.fault = lambda method, path: "after" if method == "PUT" else None
    with pytest.raises(ServiceUnavailableError):
        lease.renew()
    world.cluster.fault = lambda method, path: None
    world.now += SECONDS - 1
    lease.renew()  # finds its own
    lease.renew()
    world.now += SECONDS - 1
    lease.require()


def test_a_lease_that_was_given_back_is_free_at_once(world: World) -> None:
    first = world.lease()
    first.acquire(0)
    first.release()
    world.lease().acquire(0)


def test_a_waiting_writer_gets_it_when_the_other_one_is_done() -> None:
    world = World()
    with held_lease(world.registry, world.collection, 0) as first:
        waiting = threading.Thread(target=lambda: _hold(world), daemon=True)
        waiting.start()
        first.require()
    waiting.join(10)
    assert not waiting.is_alive()


def _hold(world: World) -> None:
    with held_lease(world.registry, world.collection, 10):
        pass


def test_a_thread_renews_it_and_ends_with_it() -> None:
    cluster = Cluster()
    config = IndexConfig(search_url="http://memory.invalid:9200", search_lease_seconds=3)
    registry = Registry(MemorySearchEngine(cluster, config))
    collection = registry.create("reports", Bm25Config())
    renewed = threading.Event()
    with held_lease(registry, collection, 0):
        cluster.fault = lambda method, path: renewed.set() if method == "PUT" else None  # type: ignore[func-returns-value]
        assert renewed.wait(10)
        assert "qa_engine lease" in {thread.name for thread in threading.enumerate()}
    assert "qa_engine lease" not in {thread.name for thread in threading.enumerate()}


def test_a_killed_process_of_this_machine_holds_nothing() -> None:
    code = "import sys, time; print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        owner = {**this_process(), "process": process.pid, "started": lease_owner._start_of(process.pid)}
        assert not has_ended(owner)
        assert not has_ended({**owner, "host": "another machine"})
        assert not has_ended({**owner, "system": ""})
        assert has_ended({**owner, "started": owner["started"] - 1})  # the number was given again
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(owner)  # though nobody has waited for it
    assert has_ended(owner)
