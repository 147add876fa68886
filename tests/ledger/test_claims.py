"""The protocol of claims, against a model: several processes, clocks that drift, suspensions, and failed renewals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from log_replay.ledger.clock import DatabaseNow
from log_replay.ledger.joined.claims import Claim, ClaimLost, Claims, ClaimsClosed
from log_replay.ledger.lease import Lease, has_live_claims
from log_replay.models import Run, RunGroup

LEASE_SECONDS = 60.0
GROUPS = 3
PROCESSES = 3
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass
class Process:
    """A process of the model. Its clock runs at ``rate`` and began at any time."""

    claims: Claims
    rate: float
    started: float
    held: list[Claim] = field(default_factory=list)


@dataclass
class ModelGroup:
    """What the model knows of a group: the latest claim, its end by the database's clock, and the recorded fences."""

    claim: Claim | None = None
    until: float = 0.0
    done: bool = False
    recorded: list[int] = field(default_factory=list)


class Protocol(RuleBasedStateMachine):
    """Processes that claim, renew, record, finish and release groups, at any times of the database's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        connection.ensure_connection()
        connection.connection.create_function("model_now", 0, self._text)
        # Not SQLite's own strftime: other tests use the same connection.
        self._database_clock = patch.object(DatabaseNow, "as_sqlite", lambda *_, **_context: ("model_now()", []))
        self._database_clock.start()
        self.run_row = Run.objects.create(name="x", joined=True, planned=True)
        RunGroup.objects.bulk_create(RunGroup(run=self.run_row, number=number) for number in range(GROUPS))
        self.groups = [ModelGroup() for _ in range(GROUPS)]
        self.processes: list[Process] = []

    @initialize(clocks=st.tuples(*[st.tuples(st.floats(0.8, 1.3), st.floats(0, 1e6))] * PROCESSES))
    def start(self, clocks):
        for number, (rate, started) in enumerate(clocks):
            clock = lambda rate=rate, started=started: started + rate * self.now  # noqa: E731
            claims = Claims(self.run_row.pk, LEASE_SECONDS, f"process {number}", clock)
            self.processes.append(Process(claims, rate, started))

    def teardown(self) -> None:
        self.run_row.delete()
        self._database_clock.stop()

    def _text(self) -> str:
        return f"{START + dt.timedelta(seconds=self.now):%Y-%m-%d %H:%M:%S.%f}"

    @rule(seconds=st.sampled_from([0.5, 5.0, 20.0, 44.0, 61.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(process=st.integers(0, PROCESSES - 1))
    def claim(self, process):
        """The first group that is free is claimed, and no other."""
        process = self.processes[process]
        free = [number for number, group in enumerate(self.groups) if not group.done and group.until <= self.now]
        claim = process.claims.claim_next()
        assert (claim and claim.group.number) == (free[0] if free else None)
        if claim:
            group = self.groups[claim.group.number]
            assert group.claim is None or claim.fence > group.claim.fence
            group.claim, group.until = claim, self.now + LEASE_SECONDS
            process.held.append(claim)

    @rule(process=st.integers(0, PROCESSES - 1))
    def renew(self, process):
        """Claims that have not ended are renewed. A process that does not renew is suspended, or has no database."""
        process = self.processes[process]
        process.claims.renew()
        for claim in process.claims.held:
            if self._is_valid(claim):
                self.groups[claim.group.number].until = self.now + LEASE_SECONDS
            else:
                assert claim.lost

    @rule(process=st.integers(0, PROCESSES - 1), data=st.data(), done=st.booleans())
    def record(self, process, data, done):
        """Progress is recorded if, and only if, the claim is the latest one and its lease has not run out."""
        process = self.processes[process]
        if not process.held:
            return
        claim = data.draw(st.sampled_from(process.held))
        group = self.groups[claim.group.number]
        valid = self._is_valid(claim) or (group.done and group.claim is claim)
        state = RunGroup.State.DONE if done or group.done else RunGroup.State.WAITING
        try:
            process.claims.record(claim, batches=claim.fence, state=state)
        except ClaimLost:
            assert not valid
            return
        assert valid
        group.recorded.append(claim.fence)
        group.until, group.done = self.now + LEASE_SECONDS, state == RunGroup.State.DONE

    @rule(process=st.integers(0, PROCESSES - 1))
    def release(self, process):
        process = self.processes[process]
        for claim in process.claims.held:
            if self._is_valid(claim):
                self.groups[claim.group.number].until = self.now
        process.claims.release()

    @precondition(lambda self: any(process.held for process in self.processes))
    @invariant()
    def deliveries_end_before_the_lease(self):
        """A process that may deliver has a valid claim, though its clock is not the database's."""
        for process in self.processes:
            for claim in process.claims.held:
                try:
                    process.claims.check(claim)
                except ClaimLost:
                    continue
                assert self._is_valid(claim) or self.groups[claim.group.number].done

    @invariant()
    def recorded_fences_never_decrease(self):
        for number, group in enumerate(self.groups):
            assert group.recorded == sorted(group.recorded)
            row = RunGroup.objects.get(run=self.run_row, number=number)
            assert row.batches == (group.recorded[-1] if group.recorded else 0)
            assert (row.state == RunGroup.State.DONE) == group.done

    def _is_valid(self, claim: Claim) -> bool:
        group = self.groups[claim.group.number]
        return group.claim is claim and self.now < group.until and not group.done


@pytest.mark.django_db
def test_claims_agree_with_the_model():
    run_state_machine_as_test(
        Protocol,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.fixture
def run():
    run = Run.objects.create(name="x", joined=True, planned=True)
    RunGroup.objects.bulk_create(RunGroup(run=run, number=number) for number in range(3))
    return run


@pytest.mark.django_db
def test_no_group_is_claimed_while_one_process_has_the_run(run):
    lease = Lease(run.pk, run.name)
    lease.acquire()
    with pytest.raises(ClaimsClosed):
        Claims(run.pk, LEASE_SECONDS, "another process").claim_next()
    assert not has_live_claims(run.pk)
    lease.release()
    assert Claims(run.pk, LEASE_SECONDS, "another process").claim_next()
    assert has_live_claims(run.pk)


@pytest.mark.django_db
def test_no_group_is_claimed_after_a_request_to_stop(run):
    Run.objects.update(stop_requested=True)
    with pytest.raises(ClaimsClosed):
        Claims(run.pk, LEASE_SECONDS).claim_next()


@pytest.mark.django_db
def test_groups_of_a_dead_process_are_free_at_once(run):
    machine, pid, started, _ = Lease(run.pk, run.name).owner.split()
    dead = Claims(run.pk, LEASE_SECONDS, f"{machine} {pid} {int(started) + 1}")
    assert dead.claim_next().group.number == 0
    assert not has_live_claims(run.pk)
    living = Claims(run.pk, LEASE_SECONDS)
    assert not living.all_done()
    assert living.claim_next().group.number == 0
