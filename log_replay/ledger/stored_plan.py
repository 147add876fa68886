"""The plan of a run as the ledger stores it: a row for each group, and a row for each unit."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from django.db import router, transaction
from django.db.models import Exists, OuterRef

from log_replay import models
from log_replay.records import SkippedObject, SourceObject, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: The number of rows in one query.
ROWS = 1000


def store_plan(
    run: models.Run, planned: Iterable[Unit | SkippedObject], check_lease: Callable[[], object]
) -> dict[str, str]:
    """Store the plan in pieces, since a listing can be long, and return the reasons of skipped objects.

    Nobody reads a plan before the run is marked as planned. Pieces of an interrupted attempt are deleted first.

    Args:
        run: the run.
        planned: the units.
        check_lease: raises an error unless this process has the run. It is called in the transaction of each piece.
    """
    skipped = dict(run.skipped)
    entries = iter(planned)
    with transaction.atomic(router.db_for_write(models.Run)):
        check_lease()
        run.units.all().delete()
        run.groups.all().delete()
    group = -1
    while chunk := list(islice(entries, ROWS)):
        units = [entry for entry in chunk if isinstance(entry, Unit)]
        skipped.update((entry.name, entry.reason) for entry in chunk if isinstance(entry, SkippedObject))
        new_groups = sorted({unit.group for unit in units if unit.group > group})
        group = max([group, *new_groups])
        with transaction.atomic(router.db_for_write(models.Run)):
            check_lease()
            run.groups.bulk_create(models.RunGroup(run=run, number=number) for number in new_groups)
            run.units.bulk_create(unit_row(run, unit) for unit in units)
    return skipped


def begin_groups(run: models.Run) -> None:
    """Let the groups with units that are not done be claimed: all of a new run, the others of an interrupted one."""
    not_done = models.RunUnit.objects.filter(run=run, group=OuterRef("number")).exclude(state=models.RunUnit.State.DONE)
    groups = models.RunGroup.objects.filter(run=run)
    groups.filter(~Exists(not_done)).update(state=models.RunGroup.State.DONE)
    groups.filter(Exists(not_done)).update(state=models.RunGroup.State.WAITING, lease_until=None)


def unit_row(run: models.Run, unit: Unit) -> models.RunUnit:
    """Return the row of a unit of the plan."""
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


def stored_unit(row: models.RunUnit) -> Unit:
    """Return the unit of a row, with its progress."""
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
