"""The ledger in a database, through Django's models: SQLite, or the database of the LMS."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Self, TypeVar

import structlog
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connections, router, transaction
from django.db.models import Max
from django.utils import timezone

from log_replay import models
from log_replay.counters import Counters
from log_replay.databases import database_reason
from log_replay.errors import ConfigurationError, LedgerError, Stopped
from log_replay.ledger import Ledger, backlog
from log_replay.ledger.lease import Lease
from log_replay.ledger.plan_changes import refuse_changes
from log_replay.ledger.prepared import PreparedInsert, PreparedUpdate
from log_replay.ledger.splitting import rest_of, skipped_part
from log_replay.ledger.stored_plan import store_plan, stored_unit, unit_row
from log_replay.records import SkippedObject
from log_replay.report.stored import merged_counts, restore_counts, stored_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from log_replay.errors import LogReplayError
    from log_replay.ledger.splitting import SkippedLines
    from log_replay.records import BacklogEntry, Delivery, SourceObject, TransformedEvent, Unit
    from log_replay.report import Report

log = structlog.get_logger(__name__)

T = TypeVar("T")
State = models.RunUnit.State
#: The number of rows in one query.
ROWS = 1000
#: The number of a batch is the number of its group times this, plus its number in the group.
BATCHES = 2**32


class TakenOver(LedgerError):
    """Another process has the run, since the lease of this one ran out."""


class DatabaseLedger(Ledger):
    """The ledger of one run.

    Args:
        run: the row of the run. A new row is saved together with the plan.
        read_head: returns a digest of the first bytes of an object, or an empty text if it cannot only grow.
    """

    def __init__(self, run: models.Run, read_head: Callable[[SourceObject], str]) -> None:
        self.name = run.name
        self._run = run
        self._read_head = read_head
        self._heads: dict[Unit, str] = {}
        self._lease: Lease | None = None
        self._current: Unit | None = None
        self._begun: dict[Unit, datetime] = {}
        self._failures: dict[Unit, LogReplayError] = {}
        self._update_run = PreparedUpdate(models.Run.objects.all(), ["id", "owner"])
        self._update_unit = PreparedUpdate(models.RunUnit.objects.all(), ["run", "number"])
        # The row exists already if the connection was lost after the commit, and the transaction is repeated.
        self._insert_acknowledgement = PreparedInsert(models.RunAcknowledgement)

    def __enter__(self) -> Self:
        if self._run.pk:
            self._claim()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._lease:
            self._lease.release()

    @property
    def is_stored(self) -> bool:
        """See ``Ledger``."""
        return self._run.pk is not None

    def units(self, planned: Iterable[Unit | SkippedObject], report: Report) -> Iterator[Unit]:
        """See ``Ledger``."""
        if self._run.planned:
            refuse_changes(self._run, planned, self._read_head)
        else:
            with translated("store the plan"):
                self._store_plan(planned)
        self._restore(report)
        last = -1
        # Units that are split from others during this part of the run are tried by the next part.
        newest = self._run.units.aggregate(newest=Max("number"))["newest"]
        to_do = self._run.units.exclude(state=State.DONE).filter(number__lte=-1 if newest is None else newest)
        while rows := list(to_do.filter(number__gt=last)[:ROWS]):
            yield from map(stored_unit, rows)
            last = rows[-1].number

    def begin(self, unit: Unit) -> None:
        """See ``Ledger``."""
        self._begun[unit] = timezone.now()
        self._heads[unit] = self._read_head(unit.object)
        self._current = unit

    def fail(self, error: LogReplayError) -> None:
        """See ``Ledger``."""
        if self._current:
            self._failures[self._current] = error

    def check(self) -> None:
        """See ``Ledger``. Recording the next batch finds out if another process has taken over the run."""
        if self._lease and self._lease.stop_requested:
            raise self._stopped()

    def split(self, unit: Unit, error: SkippedLines) -> Unit:
        """See ``Ledger``."""
        parts: list[Unit] = []
        self._commit(self._check, lambda: parts.append(self._split(unit, error)))
        return parts[-1]

    def acknowledge(
        self,
        report: Report,
        batch: Sequence[TransformedEvent],
        delivery: Delivery,
        pending: Sequence[TransformedEvent],
        rejects_bytes: int = 0,
    ) -> None:
        """See ``Ledger``."""
        number = self._next_batch()
        self._commit(
            lambda: self._record(report, pending, rejects_bytes),
            lambda: self._store_acknowledgement(number, delivery.acknowledgement),
            lambda: backlog.add_entry(self._run, number, batch, delivery, backlog.unit_in_units(self._begun)),
        )
        self._begun = {unit: begun for unit, begun in self._begun.items() if unit is self._current}
        self._heads = {unit: self._heads[unit] for unit in self._begun}

    def backlog(self, routes: frozenset[str]) -> Iterator[Sequence[BacklogEntry]]:
        """See ``Ledger``."""
        return backlog.entries(self._run, routes, self._read)

    def unit(self, number: int) -> Unit:
        """See ``Ledger``."""
        return stored_unit(self._read(lambda: self._run.units.get(number=number)))

    def record_redelivery(
        self,
        report: Report,
        entry: BacklogEntry,
        batch: Sequence[TransformedEvent],
        delivery: Delivery,
        rejects_bytes: int = 0,
    ) -> None:
        """See ``Ledger``."""
        self._commit(
            lambda: self._store_counts(report, rejects_bytes),
            lambda: self._update_counters(report, {line_range.unit for line_range in entry.line_ranges}),
            lambda: backlog.update_entry(self._run, entry, batch, delivery),
        )

    def finish(self, report: Report, rejects_bytes: int = 0) -> None:
        """See ``Ledger``."""
        self._current = None
        end: dict[str, Any] = {"state": models.Run.State.FINISHED, "finished": timezone.now(), "reason": ""}
        if report.failed_objects or report.backlog_messages:
            failed = [f"{len(report.failed_objects)} objects not read to their end"] if report.failed_objects else []
            end = {"state": models.Run.State.STOPPED, "reason": "; ".join(failed + report.backlog_messages)}
        elif report.total.failed:
            end["reason"] = f"{report.total.failed:,} statements refused; --from_rejects sends them again"
        self._commit(lambda: self._record(report, (), rejects_bytes, **end))

    def stop(self, reason: str) -> None:
        """See ``Ledger``. A failure is only logged."""
        if not self._lease:
            return
        try:
            self._commit(lambda: self._update(state=models.Run.State.STOPPED, reason=reason))
        except LedgerError as error:
            log.warning("the reason for the stop could not be recorded", run=self.name, reason=error.message)

    def _read(self, action: Callable[[], T]) -> T:
        """Return the result of a query."""
        with translated("read the ledger"):
            return action()

    def _claim(self) -> None:
        lease = Lease(self._run.pk, self._run.name)
        lease.acquire()
        models.Run.objects.filter(pk=self._run.pk).update(stop_requested=False)
        self._hold(lease)

    def _hold(self, lease: Lease) -> None:
        self._lease = lease
        # From here on, no other process writes to the run.
        self._run.refresh_from_db()
        self._combine_counts()
        self.rejects_bytes = self._run.rejects_bytes
        self.acknowledgements = list(self._run.acknowledgements.values_list("content", flat=True))

    def _combine_counts(self) -> None:
        """Add what joined processes have counted to the counts of the run."""
        groups = self._run.groups.exclude(counts={}, batches=0)
        batches = [self._run.batches]

        def parts() -> Iterator[Mapping[str, Any]]:
            for counts, of_group in groups.values_list("counts", "batches").iterator(chunk_size=ROWS):
                batches.append(of_group)
                yield counts

        counts = merged_counts(chain([self._run.counts], parts()))
        if len(batches) == 1:
            return
        self._commit(
            lambda: self._update(counts=counts, batches=sum(batches)), lambda: groups.update(counts={}, batches=0)
        )
        self._run.counts, self._run.batches = counts, sum(batches)

    def _store_plan(self, planned: Iterable[Unit | SkippedObject]) -> None:
        entries = iter(planned)
        first = list(islice(entries, ROWS))  # an error of the listing comes before the run is created
        if not self._run.pk:
            self._insert()
            self._claim()
        self._run.skipped = store_plan(self._run, chain(first, entries), self._update)
        self._update(planned=True, skipped=self._run.skipped)

    def _stopped(self) -> Stopped:
        return Stopped("an operator asked the run to stop")

    def _insert(self) -> None:
        try:
            with transaction.atomic(router.db_for_write(models.Run)):
                self._run.save(force_insert=True)
        except IntegrityError:
            raise ConfigurationError(f"another process has just begun the run {self.name!r}") from None

    def _restore(self, report: Report) -> None:
        self._restore_counters(report, self._run.counts)
        for name in self._run.units.filter(state=State.FAILED).values_list("object", flat=True):
            report.failed_objects.pop(name, None)  # this run tries it again

    def _restore_counters(self, report: Report, counts: Mapping[str, Any]) -> None:
        report.skipped[:] = [SkippedObject(name, reason) for name, reason in self._run.skipped.items()]
        restore_counts(report, counts)
        for row in self._run.units.exclude(counters={}).iterator(chunk_size=ROWS):
            report.restore(stored_unit(row), Counters(**row.counters))

    def _record(self, report: Report, pending: Sequence[TransformedEvent], rejects_bytes: int, **values: Any) -> None:
        self._store_counts(report, rejects_bytes, **values)
        for unit, begun in self._begun.items():
            progress = self._progress(unit, report, pending)
            values = {**progress, "head": self._heads[unit], "begun": begun, "updated": timezone.now()}
            self._update_unit.execute(run=self._run.pk, number=unit.number, **values)

    def _store_counts(self, report: Report, rejects_bytes: int, **values: Any) -> None:
        """Store the counters that are not kept by unit. This is the first action of each transaction."""
        counts = stored_counts(report)
        self._update(counts=counts, rejects_bytes=rejects_bytes, batches=self._run.batches, **values)

    def _check(self) -> None:
        """Check that no other process has taken over, as the first action of a transaction."""
        self._update()

    def _next_batch(self) -> int:
        """Return the number of a batch: batches are sorted by group, then by the order of their delivery."""
        self._run.batches += 1
        return (self._current.group if self._current else 0) * BATCHES + self._run.batches

    def _split(self, unit: Unit, error: SkippedLines) -> Unit:
        """Store the parts of a unit, and return the rest. If they are stored already, this changes nothing."""
        units = models.Run.objects.select_for_update().get(pk=self._run.pk).units  # no other process adds units now
        split = units.filter(object=unit.object.name, group=unit.group).exclude(split_from=None)
        stored = split.filter(start=error.end, end=unit.end).first()
        if stored:
            return stored_unit(stored)
        newest = units.aggregate(newest=Max("number"))["newest"]
        skipped, rest = skipped_part(unit, error, newest + 1), rest_of(unit, error, newest + 2)
        rows = [self._split_row(skipped, unit, state=State.FAILED, error=str(error)), self._split_row(rest, unit)]
        before = None if unit.lines is None else sorted(line for line in unit.lines if line < error.begin)
        units.filter(number=unit.number).update(end=error.begin, lines=before)
        models.RunUnit.objects.bulk_create(rows)
        return rest

    def _split_row(self, part: Unit, unit: Unit, **values: Any) -> models.RunUnit:
        row = unit_row(self._run, part)
        row.offset, row.counted_to, row.head = part.offset, part.counted_to, self._heads.get(unit, "")
        planned = self._run.units.get(number=unit.number)
        row.split_from = unit.number if planned.split_from is None else planned.split_from
        for name, value in values.items():
            setattr(row, name, value)
        return row

    def _update_counters(self, report: Report, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._run.units.filter(number=number).update(counters=_counters(report, number))

    def _store_acknowledgement(self, number: int, acknowledgement: Mapping[str, Any] | None) -> None:
        if acknowledgement is not None:
            self._insert_acknowledgement.execute(run=self._run.pk, number=number, content=acknowledgement)

    def _progress(self, unit: Unit, report: Report, pending: Sequence[TransformedEvent]) -> dict[str, Any]:
        """Return the fields of a unit's row."""
        counters = _counters(report, unit.number)
        failure = self._failures.get(unit)
        if unit is not self._current and not failure:
            return {"state": State.DONE, "counters": counters, "error": ""}
        counted_to = unit.counted_to
        if failure:
            counted_to = max(counted_to, failure.offset or 0)
        elif report.position:
            counted_to = max(counted_to, report.position.offset)
        # The start of a unit is not always the beginning of a line. So it is no offset to resume from.
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
        if not self._update_run.execute(id=self._run.pk, owner=self._owner, **values, updated=timezone.now()):
            raise TakenOver(f"another process has taken over the run {self.name!r}")

    @property
    def _owner(self) -> str:
        return self._lease.owner if self._lease else ""

    def _commit(self, *actions: Callable[[], object]) -> None:
        """Do all actions in one transaction; after a lost connection, once more.

        Databases close connections that are idle for long.
        """
        with translated("record the progress"):
            try:
                do_all(actions)
            except (OperationalError, InterfaceError):
                connection = connections[router.db_for_write(models.Run)]
                if connection.in_atomic_block:
                    raise
                connection.close()
                do_all(actions)


def do_all(actions: Iterable[Callable[[], object]]) -> None:
    """Do several actions in one transaction."""
    with transaction.atomic(router.db_for_write(models.Run)):
        for action in actions:
            action()


def _counters(report: Report, number: int) -> dict[str, int]:
    return {name: value for name, value in asdict(report.units[number]).items() if value}


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise LedgerError for an error of the database."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        raise LedgerError(
            f"the database of the ledger failed ({database_reason(error)})",
            operation=operation,
            hint="resume the run later",
        ) from error
