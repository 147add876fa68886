"""Progress of the groups that this process has claimed: it is recorded group by group.

A process with a claim on a group records the progress of this group and nothing else, so processes do not wait for each
other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError

from log_replay import models
from log_replay.counters import Counters
from log_replay.errors import ReadError
from log_replay.ledger.database import BATCHES
from log_replay.ledger.joined.claims import Claim, ClaimLost, Claims, ClaimsClosed, Renewal
from log_replay.ledger.reconnecting import ReconnectingLedger, close_connection
from log_replay.ledger.stored_plan import stored_unit
from log_replay.report.stored import restore_counts, stored_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from log_replay.records import SourceObject, Unit
    from log_replay.report import Report

UnitState = models.RunUnit.State
GroupState = models.RunGroup.State

#: The longest time between two attempts to claim a group.
POLL_SECONDS = 1.0


class GroupLedger(ReconnectingLedger):
    """A ledger that records the progress of claimed groups.

    Args:
        run: the row of the run.
        read_head: see ``DatabaseLedger``.
        lease_seconds: the duration of a lease.

    Attributes:
        rejects_path: the rejects file of this process.
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
        self.rejects_path: Path | None = None

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
        if not claim:
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

    def _claim_next(self) -> Claim | None:
        try:
            return self._claims.claim_next()
        except ClaimsClosed:
            return None

    def _close_group(self, claim: Claim) -> None:
        """Record that a group without units to do is done."""
        self._retried(lambda: self._claims.record(claim, state=GroupState.DONE))
        self._claims.drop(claim)

    def _rows(self, claim: Claim) -> list[models.RunUnit]:
        """Return the rows of the units of a claimed group. No other process changes them, so they are read once."""
        if claim.units is None:
            claim.units = self._retried(lambda: list(self._run.units.filter(group=claim.group.number)))
        return claim.units

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

    def _store_counts(self, report: Report, rejects_bytes: int, **_values: Any) -> None:
        state = GroupState.WAITING
        if self._current is None:
            state = GroupState.FAILED if report.failed_objects else GroupState.DONE
        parts = self._rejects_parts(rejects_bytes)
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
