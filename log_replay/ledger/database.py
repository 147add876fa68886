"""The ledger in a database, through Django's models: SQLite, or the database of the LMS."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import structlog
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connections, router, transaction
from django.db.models import Max
from django.utils import timezone

from log_replay import models
from log_replay.counters import Counters
from log_replay.databases import database_reason
from log_replay.errors import ConfigurationError, LedgerError
from log_replay.ledger import Ledger, backlog
from log_replay.ledger.lease import Lease
from log_replay.ledger.plan_changes import refuse_changes
from log_replay.ledger.splitting import rest_of, skipped_part
from log_replay.records import SkippedObject, SourceObject, Unit
from log_replay.report.stored import restore_counts, stored_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from log_replay.errors import LogReplayError
    from log_replay.ledger.splitting import SkippedLines
    from log_replay.records import BacklogEntry, Delivery, TransformedEvent
    from log_replay.report import Report

log = structlog.get_logger(__name__)

State = models.RunUnit.State
#: The number of rows in one query.
ROWS = 1000


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
            with _translated("store the plan"):
                self._store_plan(planned)
        self._restore(report)
        last = -1
        # Units that are split from others during this part of the run are tried by the next part.
        newest = self._run.units.aggregate(newest=Max("number"))["newest"]
        to_do = self._run.units.exclude(state=State.DONE).filter(number__lte=-1 if newest is None else newest)
        while rows := list(to_do.filter(number__gt=last)[:ROWS]):
            yield from map(_unit, rows)
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

    def split(self, unit: Unit, error: SkippedLines) -> Unit:
        """See ``Ledger``."""
        newest = self._run.units.aggregate(newest=Max("number"))["newest"]
        skipped, rest = skipped_part(unit, error, newest + 1), rest_of(unit, error, newest + 2)
        before = None if unit.lines is None else sorted(line for line in unit.lines if line < error.begin)
        rows = [self._split_row(skipped, unit, state=State.FAILED, error=str(error)), self._split_row(rest, unit)]
        self._commit(
            self._update,
            lambda: self._run.units.filter(number=unit.number).update(end=error.begin, lines=before),
            lambda: models.RunUnit.objects.bulk_create(rows, ignore_conflicts=True),
        )
        return rest

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
        self._commit(
            lambda: self._record(report, pending, rejects_bytes),
            lambda: self._store_acknowledgement(delivery.acknowledgement),
            lambda: backlog.add_entry(self._run, batch, delivery, backlog.unit_in_units(self._begun)),
        )
        self._begun = {unit: begun for unit, begun in self._begun.items() if unit is self._current}
        self._heads = {unit: self._heads[unit] for unit in self._begun}

    def backlog(self, routes: frozenset[str]) -> Iterator[Sequence[BacklogEntry]]:
        """See ``Ledger``."""
        return backlog.entries(self._run, routes)

    def unit(self, number: int) -> Unit:
        """See ``Ledger``."""
        return _unit(self._run.units.get(number=number))

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
            lambda: self._update(counts=stored_counts(report), rejects_bytes=rejects_bytes),
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

    def _claim(self) -> None:
        lease = Lease(self._run.pk, self._run.name)
        lease.acquire()
        self._lease = lease
        # From here on, no other process writes to the run.
        self._run.refresh_from_db()
        self.rejects_bytes = self._run.rejects_bytes
        self.acknowledgements = list(self._run.acknowledgements.values_list("content", flat=True))

    def _store_plan(self, planned: Iterable[Unit | SkippedObject]) -> None:
        """Store the plan in pieces, since a listing can be long. Pieces of an interrupted attempt are deleted first."""
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
        self._claim()

    def _restore(self, report: Report) -> None:
        report.skipped[:] = [SkippedObject(name, reason) for name, reason in self._run.skipped.items()]
        restore_counts(report, self._run.counts)
        for row in self._run.units.exclude(counters={}).iterator(chunk_size=ROWS):
            report.restore(_unit(row), Counters(**row.counters))
        for name in self._run.units.filter(state=State.FAILED).values_list("object", flat=True):
            report.failed_objects.pop(name, None)  # this run tries it again

    def _record(self, report: Report, pending: Sequence[TransformedEvent], rejects_bytes: int, **values: Any) -> None:
        counts = stored_counts(report)
        self._update(counts=counts, rejects_bytes=rejects_bytes, batches=self._run.batches, **values)
        for unit, begun in self._begun.items():
            progress = self._progress(unit, report, pending)
            self._run.units.filter(number=unit.number).update(
                **progress, head=self._heads[unit], begun=begun, updated=timezone.now()
            )

    def _split_row(self, part: Unit, unit: Unit, **values: Any) -> models.RunUnit:
        row = _row(self._run, part)
        row.offset, row.counted_to, row.head = part.offset, part.counted_to, self._heads.get(unit, "")
        planned = self._run.units.get(number=unit.number)
        row.split_from = unit.number if planned.split_from is None else planned.split_from
        for name, value in values.items():
            setattr(row, name, value)
        return row

    def _update_counters(self, report: Report, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._run.units.filter(number=number).update(counters=_counters(report, number))

    def _store_acknowledgement(self, acknowledgement: Mapping[str, Any] | None) -> None:
        if acknowledgement is not None:
            row = models.RunAcknowledgement(run=self._run, number=self._run.batches, content=acknowledgement)
            # The row exists already if the connection was lost after the commit, and the transaction is repeated.
            models.RunAcknowledgement.objects.bulk_create([row], ignore_conflicts=True)

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
        rows = models.Run.objects.filter(pk=self._run.pk, owner=self._owner)
        if not rows.update(**values, updated=timezone.now()):
            raise LedgerError(f"another process has taken over the run {self.name!r}")

    @property
    def _owner(self) -> str:
        return self._lease.owner if self._lease else ""

    def _commit(self, *actions: Callable[[], object]) -> None:
        """Do all actions in one transaction; after a lost connection, once more.

        Databases close connections that are idle for long.
        """
        with _translated("record the progress"):
            try:
                _do_all(actions)
            except (OperationalError, InterfaceError):
                connection = connections[router.db_for_write(models.Run)]
                if connection.in_atomic_block:
                    raise
                connection.close()
                _do_all(actions)


def _do_all(actions: Iterable[Callable[[], object]]) -> None:
    with transaction.atomic(router.db_for_write(models.Run)):
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
        group=unit.group,
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
        group=row.group,
    )


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise LedgerError(
            f"the database of the ledger failed ({database_reason(error)})",
            operation=operation,
            hint="resume the run later",
        ) from error
