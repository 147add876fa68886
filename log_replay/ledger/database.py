"""The ledger in the database: Django's models, so that SQLite suffices, and the LMS's MySQL does."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import structlog
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connections, router, transaction
from django.utils import timezone

from log_replay import models
from log_replay.errors import ConfigurationError, LedgerError
from log_replay.ledger import Ledger, backlog
from log_replay.ledger.lease import Lease
from log_replay.ledger.plan_changes import refuse_changes
from log_replay.ledger.writing import Update, written_soon
from log_replay.records import Counters, SkippedObject, SourceObject, Unit
from log_replay.report.stored import restore_counts, stored_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from log_replay.errors import LogReplayError
    from log_replay.records import BacklogEntry, Delivery, TransformedEvent
    from log_replay.report import Report

log = structlog.get_logger(__name__)

State = models.RunUnit.State
#: Rows that are written or read at once.
ROWS = 1000

_update_run = Update(models.Run, ("counts", "rejects_bytes", "batches", "updated"), ("id", "owner"))
_update_unit, _finish_unit = (
    Update(models.RunUnit, (*standing, "begun", "updated"), ("run", "number"))
    for standing in (("state", "offset", "counted_to", "counters", "error"), ("state", "counters", "error"))
)


class DatabaseLedger(Ledger):
    """The ledger of one run.

    Args:
        run: its row; one that is not saved yet is saved together with its plan.
    """

    def __init__(self, run: models.Run) -> None:
        self.name = run.name
        self._run = run
        self._lease: Lease | None = None
        self._current: Unit | None = None
        self._begun: dict[Unit, datetime] = {}
        self._failures: dict[Unit, LogReplayError] = {}

    def __enter__(self) -> Self:
        if self._run.pk:
            self._take()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._lease:
            self._lease.give_back()

    def units(self, planned: Iterable[Unit | SkippedObject], report: Report) -> Iterator[Unit]:
        """See ``Ledger``."""
        if self._run.planned:
            refuse_changes(self._run, planned)
        else:
            with _translated("keep the plan"):
                self._keep_plan(planned)
        self._restore(report)
        last = -1
        while rows := list(self._run.units.exclude(state=State.DONE).filter(number__gt=last)[:ROWS]):
            yield from map(_unit, rows)
            last = rows[-1].number

    def begin(self, unit: Unit) -> None:
        """See ``Ledger``."""
        self._begun[unit] = timezone.now()
        self._current = unit

    def fail(self, error: LogReplayError) -> None:
        """See ``Ledger``."""
        if self._current:
            self._failures[self._current] = error

    def acknowledge(
        self,
        report: Report,
        batch: Sequence[TransformedEvent],
        delivery: Delivery,
        pending: Sequence[TransformedEvent],
        rejects_bytes: int = 0,
    ) -> None:
        """See ``Ledger``."""
        self._run.batches += 1
        self._insist(
            lambda: self._record(report, pending, rejects_bytes),
            lambda: self._keep_receipt(delivery.acknowledgement),
            lambda: backlog.keep(self._run, batch, delivery, backlog.place_among(self._begun)),
        )
        self._begun = {unit: begun for unit, begun in self._begun.items() if unit is self._current}

    def backlog(self, routes: frozenset[str]) -> Iterator[Sequence[BacklogEntry]]:
        """See ``Ledger``."""
        return backlog.owed(self._run, routes)

    def unit(self, number: int) -> Unit:
        """See ``Ledger``."""
        return _unit(self._run.units.get(number=number))

    def record_redelivery(
        self,
        report: Report,
        miss: BacklogEntry,
        batch: Sequence[TransformedEvent],
        delivery: Delivery,
        rejects_bytes: int = 0,
    ) -> None:
        """See ``Ledger``."""
        self._insist(
            lambda: self._update(counts=stored_counts(report), rejects_bytes=rejects_bytes, updated=timezone.now()),
            lambda: self._recount(report, {line_range.unit for line_range in miss.line_ranges}),
            lambda: backlog.settle(self._run, miss, batch, delivery),
        )

    def finish(self, report: Report, rejects_bytes: int = 0) -> None:
        """See ``Ledger``."""
        self._current = None
        over = {"state": models.Run.State.FINISHED, "finished": timezone.now()}
        if report.backlog_messages:
            over = {"state": models.Run.State.STOPPED, "reason": "; ".join(report.backlog_messages)}
        self._insist(lambda: self._record(report, (), rejects_bytes, **over))

    def stop(self, reason: str) -> None:
        """See ``Ledger``; what cannot be noted is in our own log all the same."""
        if not self._lease:
            return
        try:
            self._insist(lambda: self._update(state=models.Run.State.STOPPED, reason=reason))
        except LedgerError as error:
            log.warning("not recorded why the run stopped", run=self.name, reason=error.message)

    def _take(self) -> None:
        lease = Lease(self._run.pk, self._run.name)
        lease.take()
        self._lease = lease
        # Only now does nobody else write to it.
        self._run.refresh_from_db()
        self.rejects_bytes = self._run.rejects_bytes
        self.acknowledgements = list(self._run.acknowledgements.values_list("content", flat=True))

    def _keep_plan(self, planned: Iterable[Unit | SkippedObject]) -> None:
        """Store the plan, in pieces, since a listing can take long; a piece of one that was not finished goes first."""
        entries = iter(planned)
        chunk = list(islice(entries, ROWS))
        if not self._run.pk:
            self._create()
        self._run.units.all().delete()
        while chunk:
            self._run.units.bulk_create(_row(self._run, unit) for unit in chunk if isinstance(unit, Unit))
            self._run.skipped.update((entry.name, entry.reason) for entry in chunk if isinstance(entry, SkippedObject))
            chunk = list(islice(entries, ROWS))
        self._update(planned=True, skipped=self._run.skipped)

    def _create(self) -> None:
        try:
            with transaction.atomic(router.db_for_write(models.Run)):
                self._run.save(force_insert=True)
        except IntegrityError:
            raise ConfigurationError(f"another process has just begun the run {self.name!r}") from None
        self._take()

    def _restore(self, report: Report) -> None:
        report.skipped[:] = [SkippedObject(name, reason) for name, reason in self._run.skipped.items()]
        restore_counts(report, self._run.counts)
        for row in self._run.units.exclude(counters={}).iterator(chunk_size=ROWS):
            report.restore(_unit(row), Counters(**row.counters))
        for name in self._run.units.filter(state=State.FAILED).values_list("object", flat=True):
            report.failed_objects.pop(name, None)  # it is read on

    def _record(
        self,
        report: Report,
        pending: Sequence[TransformedEvent],
        rejects_bytes: int,
        **over: Any,
    ) -> None:
        now = timezone.now()
        counts = stored_counts(report)
        self._check_owner(_update_run(counts, rejects_bytes, self._run.batches, now, self._run.pk, self._owner))
        if over:
            self._update(**over)
        for unit, begun in self._begun.items():
            standing = self._standing(unit, report, pending)
            update = _finish_unit if standing["state"] == State.DONE else _update_unit
            update(*standing.values(), begun, now, self._run.pk, unit.number)

    def _recount(self, report: Report, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._run.units.filter(number=number).update(counters=_counters(report, number))

    def _keep_receipt(self, acknowledgement: Mapping[str, Any] | None) -> None:
        if acknowledgement is not None:
            row = models.RunAcknowledgement(run=self._run, number=self._run.batches, content=acknowledgement)
            # What was committed although the connection broke is there when it is written again.
            models.RunAcknowledgement.objects.bulk_create([row], ignore_conflicts=True)

    def _standing(self, unit: Unit, report: Report, pending: Sequence[TransformedEvent]) -> dict[str, Any]:
        """Return what is to be recorded of a unit, in the order in which it is."""
        counters = _counters(report, unit.number)
        failure = self._failures.get(unit)
        if unit is not self._current and not failure:
            return {"state": State.DONE, "counters": counters, "error": ""}
        counted_to = unit.counted_to
        if failure:
            counted_to = max(counted_to, failure.offset or 0)
        elif report.position:
            counted_to = max(counted_to, report.position.offset)
        # Where nothing was read of it yet, the unit's start need not be the beginning of a line.
        offset = counted_to if counted_to > unit.start else unit.offset
        if pending and unit is self._current:
            offset = pending[0].position.offset
        return {
            "state": State.FAILED if failure else State.BEGUN,
            "offset": offset,
            "counted_to": counted_to,
            "counters": counters,
            "error": str(failure or ""),
        }

    def _update(self, **values: Any) -> None:
        self._check_owner(models.Run.objects.filter(pk=self._run.pk, owner=self._owner).update(**values))

    @property
    def _owner(self) -> str:
        return self._lease.owner if self._lease else ""

    def _check_owner(self, rows: int) -> None:
        if not rows:
            raise LedgerError(f"another process has taken the run {self.name!r} over")

    def _insist(self, *actions: Callable[[], None]) -> None:
        """Do it all or nothing, and once more on a fresh connection: databases close those that were idle for long."""
        with _translated("record what was done"):
            try:
                _do_all(actions)
            except (OperationalError, InterfaceError):
                connection = connections[router.db_for_write(models.Run)]
                if connection.in_atomic_block:
                    raise
                connection.close()
                _do_all(actions)


def _do_all(actions: Iterable[Callable[[], None]]) -> None:
    alias = router.db_for_write(models.Run)
    with written_soon(connections[alias]), transaction.atomic(alias):
        for action in actions:
            action()


def _counters(report: Report, number: int) -> dict[str, int]:
    return {name: value for name, value in asdict(report.units[number]).items() if value}


def _row(run: models.Run, unit: Unit) -> models.RunUnit:
    return models.RunUnit(
        run=run,
        number=unit.number,
        object=unit.object.name,
        size_bytes=unit.object.size_bytes,
        version=unit.object.version,
        start=unit.start,
        end=unit.end,
        lines=None if unit.lines is None else sorted(unit.lines),
    )


def _unit(row: models.RunUnit) -> Unit:
    return Unit(
        number=row.number,
        object=SourceObject(row.object, row.size_bytes, row.version),
        start=row.start,
        end=row.end,
        lines=None if row.lines is None else frozenset(row.lines),
        offset=row.offset,
        counted_to=row.counted_to,
    )


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise LedgerError(
            f"the ledger's database fails ({type(error).__name__})", operation=operation, hint="then resume the run"
        ) from error
