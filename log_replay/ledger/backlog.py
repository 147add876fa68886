"""The backlog as the ledger stores it: batches that unavailable routes have not received."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import chain, groupby, islice, repeat
from typing import TYPE_CHECKING, Any

from log_replay import models
from log_replay.records import BacklogEntry, LineRange, Undelivered, statement_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from log_replay.records import Delivery, Position, TransformedEvent, Unit

#: The number of rows in one query.
ROWS = 1000


def line_ranges(
    batch: Sequence[TransformedEvent], outcomes: Iterable[str], unit_of: Callable[[Position], int]
) -> list[LineRange]:
    """Return the line ranges of a batch, one for each unit.

    Args:
        batch: its events.
        outcomes: the counter of each of its statements.
        unit_of: returns the number of the unit of a line.
    """
    remaining = iter(outcomes)
    ranges: list[LineRange] = []
    for number, group in groupby(batch, key=lambda event: unit_of(event.position)):
        events = list(group)
        counts = Counter(islice(remaining, statement_count(events)))
        first, last = events[0].position, events[-1].position
        ranges.append(LineRange(number, first.object, first.offset, last.offset, dict(counts)))
    return ranges


def add_entry(
    run: models.Run,
    number: int,
    batch: Sequence[TransformedEvent],
    delivery: Delivery,
    unit_of: Callable[[Position], int],
) -> None:
    """Add a batch to the backlog, unless every route has received it."""
    if delivery.undelivered is None:
        return
    ranges = line_ranges(batch, delivery.outcomes, unit_of)
    content = {**_content(delivery.undelivered), "line_ranges": [list(line_range) for line_range in ranges]}
    # The row exists already if the connection was lost after the commit, and the transaction is repeated.
    models.RunBacklog.objects.bulk_create([models.RunBacklog(run=run, number=number, **content)], ignore_conflicts=True)


def update_entry(run: models.Run, entry: BacklogEntry, batch: Sequence[TransformedEvent], delivery: Delivery) -> None:
    """Update an entry after its redelivery; delete it if every route has received it."""
    row = run.backlog.filter(number=entry.number)
    if delivery.undelivered is None:
        row.delete()
        return
    ranges = line_ranges(batch, delivery.outcomes, unit_in_ranges(entry.line_ranges))
    counted = {line_range.unit: line_range.counted for line_range in ranges}
    # The lines of the entry stay the same, even if they give other statements now.
    kept = [line_range._replace(counted=counted.get(line_range.unit, {})) for line_range in entry.line_ranges]
    row.update(**_content(delivery.undelivered), line_ranges=[list(line_range) for line_range in kept])


def entries(
    run: models.Run, routes: frozenset[str], read: Callable[[Callable[[], list[Any]]], list[Any]]
) -> Iterator[list[BacklogEntry]]:
    """Yield the batches that any of these routes has not received, in order, many at a time.

    Args:
        run: the run.
        routes: the names of the routes.
        read: calls the function that queries the database.
    """
    last = -1
    while rows := read(partial(_rows_after, run, last)):
        last = rows[-1].number
        if chosen := [_entry(row) for row in rows if routes & row.routes.keys()]:
            yield chosen


def units_with_backlog(run: models.Run) -> frozenset[int]:
    """Return the numbers of the units with undelivered statements."""
    rows = run.backlog.values_list("line_ranges", flat=True).iterator(chunk_size=ROWS)
    return frozenset(LineRange(*line_range).unit for row in rows for line_range in row)


def first_undelivered(run: models.Run) -> dict[str, LineRange]:
    """Return the first line range that each route has not received."""
    found: dict[str, LineRange] = {}
    for routes, ranges in run.backlog.values_list("routes", "line_ranges").iterator(chunk_size=ROWS):
        for route in routes:
            found.setdefault(route, LineRange(*ranges[0]))
    return found


def unit_in_ranges(line_ranges: Iterable[LineRange]) -> Callable[[Position], int]:
    """Return a function that finds the unit of a line in line ranges."""
    known = list(line_ranges)

    def unit_of(position: Position) -> int:
        return next(
            found.unit
            for found in known
            if found.object == position.object and found.first <= position.offset <= found.last
        )

    return unit_of


def unit_in_units(units: Iterable[Unit]) -> Callable[[Position], int]:
    """Return a function that finds the unit of a line among units."""
    known = list(units)

    def unit_of(position: Position) -> int:
        containing = [
            unit
            for unit in known
            if unit.object.name == position.object
            and unit.start <= position.offset
            and (unit.end is None or position.offset < unit.end)
        ]
        # A unit that was split still has its old end here. The parts begin later.
        return max(containing, key=lambda unit: unit.start).number

    return unit_of


def _rows_after(run: models.Run, number: int) -> list[models.RunBacklog]:
    return list(run.backlog.filter(number__gt=number)[:ROWS])


def _content(undelivered: Undelivered) -> dict[str, Any]:
    outcomes = [[outcome, len(list(same))] for outcome, same in groupby(undelivered.outcomes)]
    return {"routes": dict(undelivered.routes), "outcomes": outcomes}


def _entry(row: models.RunBacklog) -> BacklogEntry:
    outcomes = list(chain.from_iterable(repeat(outcome, count) for outcome, count in row.outcomes))
    ranges = [LineRange(*line_range) for line_range in row.line_ranges]
    return BacklogEntry(row.number, ranges, Undelivered(row.routes, outcomes))
