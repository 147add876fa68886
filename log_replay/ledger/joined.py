"""The ledger of a run that several processes work on: each claims one group of units after the other.

The first process makes the plan while it has the lease of the whole run. From then on, a process with a claim on a
group records the progress of this group and nothing else, so processes do not wait for each other. When all groups are
done, one process acquires the lease of the run again and finishes it. A process that finds nothing to claim waits,
since another one may die.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import structlog
from django.db import InterfaceError, OperationalError

from log_replay import models
from log_replay.counters import Counters
from log_replay.errors import ConfigurationError, ReadError
from log_replay.ledger.claims import Claim, ClaimLost, Claims, ClaimsClosed, Renewal
from log_replay.ledger.database import BATCHES, TakenOver
from log_replay.ledger.lease import Lease, RunBusy, has_live_claims
from log_replay.ledger.plan_changes import refuse_changes
from log_replay.ledger.reconnecting import ReconnectingLedger, close_connection
from log_replay.ledger.run_configuration import check_same
from log_replay.ledger.stored_plan import begin_groups, stored_unit
from log_replay.report.stored import restore_counts, stored_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from log_replay.records import SkippedObject, SourceObject, Unit
    from log_replay.report import Report

log = structlog.get_logger(__name__)
UnitState = models.RunUnit.State
GroupState = models.RunGroup.State

#: The longest time between two attempts to claim a group.
POLL_SECONDS = 1.0


class JoinedLedger(ReconnectingLedger):
    """The ledger of one process of a joined run.

    Args:
        run: the row of the run.
        read_head: see ``DatabaseLedger``.
        lease_seconds: the duration of a lease.

    Attributes:
        rejects_path: the rejects file of this process.
        finishing: True if this process has the run, in order to finish it.
    """

    def __init__(self, run: models.Run, read_head: Callable[[SourceObject], str], *, lease_seconds: float) -> None:
        super().__init__(run, read_head)
        self._lease_seconds = lease_seconds
        self._poll_seconds = min(POLL_SECONDS, lease_seconds / 10)
        self._claims = Claims(0, lease_seconds)
        self._renewal = Renewal(self._claims, 0, lease_seconds)
        self._next: Claim | None = None
        self._claim_of_group: Claim | None = None
        self._group_batches = 0
        self._parts_before: list[list[Any]] = []
        self._rejects_begin = 0
        self._end_is_recorded = False
        self._has_joined = False
        self.rejects_path: Path | None = None
        self.finishing = False

    def __enter__(self) -> Self:
        if not self._run.pk:
            self._retried(self._create_or_find, "create the run")
        self._claims = Claims(self._run.pk, self._lease_seconds)
        self._renewal = Renewal(self._claims, self._run.pk, self._lease_seconds)
        self._renewal.begin()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._renewal.end()
        self.abandon()
        super().__exit__()

    def join(self, plan: Callable[[], Iterable[Unit | SkippedObject]]) -> None:
        """Make the plan, or wait until another process has made it.

        A run that no process works on is continued: its plan is compared with the objects as they are now.

        Args:
            plan: lists the source.

        Raises:
            ConfigurationError: a process works on the run alone, the run is asked to stop, or an object has changed.
        """
        self._wait_until(lambda: self._join(plan))
        self._has_joined = True

    def wait_for_group(self) -> bool:
        """Wait until a group is claimed. Return False if the run has ended, or if this process has to finish it.

        Raises:
            Stopped: an operator asked the processes of the run to stop.
            LedgerError: the database does not answer for long.
        """
        if not (self._next or self.finishing):
            self._wait_until(self._claims_group_or_ends)
        return self._next is not None

    def groups(self) -> Iterator[list[Unit]]:
        """Yield the units of the claimed group that are not done, then those of the next group, until none is free.

        Raises:
            ReadError: an object has changed since a part of it was replayed.
        """
        while self._next:
            rows = self._rows(self._next)
            units = [self._unit_to_do(row) for row in rows if row.state != UnitState.DONE]
            if units:
                yield units
            else:
                self._close_group(self._next)
            try:
                self._next = self._claim_next()
            except (OperationalError, InterfaceError):
                self._next = None  # ``wait_for_group`` tries again, after the results so far are recorded
                close_connection()

    def open_group(self, number: int, report: Report, rejects_bytes: int) -> None:
        """Begin to record the progress of a claimed group.

        Args:
            number: the number of the group.
            report: a new report. It receives what is counted of the group so far.
            rejects_bytes: the size of the rejects file.
        """
        self._claim_of_group = claim = next(held for held in self._claims.held if held.group.number == number)
        self._group_batches = claim.group.batches
        self._parts_before, self._rejects_begin = claim.group.rejects_parts, rejects_bytes
        self._end_is_recorded = False
        self._failures.clear()
        restore_counts(report, claim.group.counts)
        for row in self._rows(claim):
            if row.counters:
                report.restore(stored_unit(row), Counters(**row.counters))
            if row.state == UnitState.FAILED:
                report.failed_objects.pop(row.object, None)  # this process tries it again

    def end_units(self) -> None:
        """Note that all units of the group have been read: the next batch is its last one."""
        self._current = None

    def finish_group(self, report: Report, rejects_bytes: int) -> None:
        """Record the end of a group, and give up the claim on it."""
        if not self._end_is_recorded:
            self._commit(lambda: self._record(report, (), rejects_bytes))
        if self._claim_of_group:
            self._claims.drop(self._claim_of_group)
        self._claim_of_group = None
        self._begun, self._heads = {}, {}

    def check(self) -> None:
        """See ``Ledger``."""
        if self._renewal.stop_requested:
            raise self._stopped()
        claim = self._claim_of_group
        if self.finishing or not claim:
            return
        try:
            self._claims.check(claim)
        except ClaimLost:
            if claim.lost:
                raise
            # The renewals fail. If the database answers again, the work so far need not be given up.
            self._renew_once()
            self._claims.check(claim)

    def abandon(self) -> None:
        """Give up all claims. Other processes continue after the last batches that are recorded."""
        self._next = self._claim_of_group = self._current = None
        self._begun, self._heads = {}, {}
        try:
            self._claims.release()
        except (OperationalError, InterfaceError):
            self._claims.held.clear()  # the leases run out
            close_connection()

    def stop(self, reason: str) -> None:
        """See ``Ledger``. Other processes may continue, so this does not end the run."""
        if not self._has_joined:
            return
        try:
            models.Run.objects.filter(pk=self._run.pk, state=models.Run.State.RUNNING).update(reason=reason)
        except (OperationalError, InterfaceError):
            close_connection()

    def begin_to_finish(self, rejects_bytes: int) -> None:
        """Begin to record the redelivery of the backlog, after ``report_of_all``.

        Args:
            rejects_bytes: the size of the rejects file.
        """
        self._parts_before, self._rejects_begin = self._run.rejects_parts, rejects_bytes

    def check_lease(self) -> None:
        """Check that this process may still finish the run.

        Raises:
            TakenOver: another process has acquired the lease of the run.
        """
        self._commit(self._update)

    def finish(self, report: Report, rejects_bytes: int = 0) -> None:
        """See ``Ledger``. If another process has taken over the run, ``finishing`` is false afterwards."""
        try:
            super().finish(report, rejects_bytes)
        except TakenOver as lost:
            self.leave_end(lost)

    def leave_end(self, lost: TakenOver) -> None:
        """Leave the end of the run to the process that has taken it over."""
        log.warning("another process finishes the run", reason=lost.message)
        self._release_run()

    def wait_for_end(self, new_report: Callable[[], Report]) -> None:
        """Wait until another process has recorded the end of the run. If that process dies, record it here.

        Args:
            new_report: returns an empty report.

        Raises:
            LedgerError: the database does not answer for long.
        """
        self._wait_until(self._has_ended)
        while self.finishing:
            self.finish(self.report_of_all(new_report))
            self._release_run()
            self._wait_until(self._has_ended)

    def _join(self, plan: Callable[[], Iterable[Unit | SkippedObject]]) -> bool:
        self._run.refresh_from_db()
        if self._run.state == models.Run.State.FINISHED:
            return True
        if self._run.stop_requested:
            raise ConfigurationError(
                f"an operator asked the run {self.name!r} to stop",
                hint=f"replay_runs stop --undo {self.name} lets processes join it again",
            )
        if self._run.planned and has_live_claims(self._run.pk):
            return True
        lease = Lease(self._run.pk, self._run.name, self._lease_seconds)
        try:
            lease.acquire(joined=True)
        except RunBusy:
            self._run.refresh_from_db()
            if self._run.joined:
                return False
            raise
        try:
            self._hold(lease)
            self._prepare(plan)
            # The lease is released after the first claim: without both, another process would prepare the run again.
            self._next = self._claim_next()
        except TakenOver:
            return False
        finally:
            self._lease = None
            lease.release()
        return True

    def _prepare(self, plan: Callable[[], Iterable[Unit | SkippedObject]]) -> None:
        if self._run.planned:
            refuse_changes(self._run, plan(), self._read_head)
        else:
            try:
                self._store_plan(plan())
            except ConfigurationError:
                models.Run.objects.filter(pk=self._run.pk, owner=self._owner).delete()
                raise
        # If this process was suspended for longer than its lease, another one has prepared the run meanwhile.
        self._commit(self._update, lambda: begin_groups(self._run))

    def _create_or_find(self) -> None:
        self._run.pk = None  # set by an earlier attempt that was not committed
        try:
            self._insert()
        except ConfigurationError:
            given = self._run.identity
            self._run = models.Run.objects.get(name=self.name)
            check_same(self._run, given)

    def _claim_next(self) -> Claim | None:
        try:
            return self._claims.claim_next()
        except ClaimsClosed:
            return None

    def _claims_group_or_ends(self) -> bool:
        self._next = self._claim_next()
        return self._next is not None or self._has_ended()

    def _has_ended(self) -> bool:
        """Return True if the run has ended, or if this process has acquired its lease in order to finish it."""
        state, stop_requested = models.Run.objects.values_list("state", "stop_requested").get(pk=self._run.pk)
        if stop_requested:
            self._renewal.stop_requested = True
            self.check()
        if state != models.Run.State.RUNNING:
            return True
        self._claims.free_groups_of_the_dead()
        lease = Lease(self._run.pk, self._run.name, self._lease_seconds)
        if not lease.acquire_to_finish():
            return False
        try:
            self._hold(lease)
        except BaseException as error:
            self._lease = None
            lease.release()
            if isinstance(error, TakenOver):
                return False
            raise
        self.finishing = True
        return True

    def _release_run(self) -> None:
        self.finishing = False
        if self._lease:
            self._lease.release()
            self._lease = None

    def _close_group(self, claim: Claim) -> None:
        """Record that a group without units to do is done."""
        self._retried(lambda: self._claims.record(claim, state=GroupState.DONE))
        self._claims.drop(claim)

    def _rows(self, claim: Claim) -> list[models.RunUnit]:
        return self._retried(lambda: list(self._run.units.filter(group=claim.group.number)))

    def _unit_to_do(self, row: models.RunUnit) -> Unit:
        """Return the unit of a row. A log that has grown since a part of it was replayed ends at its planned size."""
        unit = stored_unit(row)
        if row.offset is None or not row.head:
            return unit
        if self._read_head(unit.object) != row.head:
            raise ReadError(
                "it changed after a part of it was replayed",
                operation="read",
                object=unit.object.name,
                offset=row.offset,
                hint=f"restore it, or replay it in a new run with another name than --run {self._run.name}",
            )
        if row.end is None:
            unit = replace(unit, end=max(row.size_bytes or 0, row.counted_to, row.offset))
        return unit

    def _store_counts(self, report: Report, rejects_bytes: int, **values: Any) -> None:
        parts = self._rejects_parts(rejects_bytes)
        if self.finishing:
            self._update(counts=stored_counts(report), rejects_parts=parts, **values)
            return
        state = GroupState.WAITING
        if self._current is None:
            state = GroupState.FAILED if report.failed_objects else GroupState.DONE
        counts = stored_counts(report)
        self._record_group(state=state, counts=counts, batches=self._group_batches, rejects_parts=parts)

    def _record_group(self, **values: Any) -> None:
        if not self._claim_of_group:
            raise ClaimLost("this process has no claim")
        self._claims.record(self._claim_of_group, **values)

    def _check(self) -> None:
        self._record_group()

    def _rejects_parts(self, rejects_bytes: int) -> list[list[Any]]:
        if rejects_bytes <= self._rejects_begin:
            return self._parts_before
        return [*self._parts_before, [str(self.rejects_path), self._rejects_begin, rejects_bytes]]

    def _next_batch(self) -> int:
        self._group_batches += 1
        claim = self._claim_of_group
        return (claim.group.number * BATCHES + claim.batches_before if claim else 0) + self._group_batches

    def _commit(self, *actions: Callable[[], object]) -> None:
        super()._commit(*actions)
        self._end_is_recorded = self._current is None

    def _may_repeat(self) -> None:
        if self._claim_of_group:
            self._claims.check(self._claim_of_group)

    def _renew_once(self) -> None:
        try:
            self._claims.renew()
        except (OperationalError, InterfaceError):
            close_connection()
