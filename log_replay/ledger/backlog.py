"""What routes are owed, as the ledger stores it."""

from __future__ import annotations

from collections import Counter
from itertools import chain, groupby, islice, repeat
from typing import TYPE_CHECKING, Any

from log_replay import models
from log_replay.records import BacklogEntry, LineRange, Undelivered, statement_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from log_replay.records import Delivery, Position, TransformedEvent, Unit

#: Rows that are read at once.
ROWS = 1000


def line_ranges(
    batch: Sequence[TransformedEvent], outcomes: Iterable[str], unit_of: Callable[[Position], int]
) -> list[LineRange]:
    """Cut a batch at the ends of its units.

    Args:
        batch: its events.
        outcomes: what each of its statements was counted as.
        unit_of: returns the number of the unit that a line belongs to.
    """
    counted = iter(outcomes)
    found: list[LineRange] = []
    for number, group in groupby(batch, key=lambda event: unit_of(event.position)):
        events = list(group)
        counts = Counter(islice(counted, statement_count(events)))
        first, last = events[0].position, events[-1].position
        found.append(LineRange(number, first.object, first.offset, last.offset, dict(counts)))
    return found


def keep(
    run: models.Run, batch: Sequence[TransformedEvent], delivery: Delivery, unit_of: Callable[[Position], int]
) -> None:
    """Keep what routes missed of the run's last batch."""
    if delivery.undelivered is None:
        return
    found = line_ranges(batch, delivery.outcomes, unit_of)
    content = {**_content(delivery.undelivered), "line_ranges": [list(line_range) for line_range in found]}
    # What was committed although the connection broke is there when it is written again.
    models.RunBacklog.objects.bulk_create(
        [models.RunBacklog(run=run, number=run.batches, **content)], ignore_conflicts=True
    )


def settle(run: models.Run, miss: BacklogEntry, batch: Sequence[TransformedEvent], delivery: Delivery) -> None:
    """Forget what is owed no more of a batch, and keep what still is."""
    row = run.backlog.filter(number=miss.number)
    if delivery.undelivered is None:
        row.delete()
        return
    # The lines stay what they were, whatever is made of them now.
    counted = {found.unit: found.counted for found in line_ranges(batch, delivery.outcomes, place_in(miss.line_ranges))}
    kept = [line_range._replace(counted=counted.get(line_range.unit, {})) for line_range in miss.line_ranges]
    row.update(**_content(delivery.undelivered), line_ranges=[list(line_range) for line_range in kept])


def owed(run: models.Run, routes: frozenset[str]) -> Iterator[list[BacklogEntry]]:
    """Yield the batches of which any of these routes is owed something, in order, many at a time."""
    last = -1
    while rows := list(run.backlog.filter(number__gt=last)[:ROWS]):
        last = rows[-1].number
        if chosen := [_miss(row) for row in rows if routes & row.routes.keys()]:
            yield chosen


def units_owed(run: models.Run) -> frozenset[int]:
    """Return the units of which something is owed to anybody."""
    rows = run.backlog.values_list("line_ranges", flat=True).iterator(chunk_size=ROWS)
    return frozenset(LineRange(*line_range).unit for row in rows for line_range in row)


def first_owed(run: models.Run) -> dict[str, LineRange]:
    """Return where the progress of each route ended that is owed something."""
    found: dict[str, LineRange] = {}
    for routes, parts in run.backlog.values_list("routes", "line_ranges").iterator(chunk_size=ROWS):
        for route in routes:
            found.setdefault(route, LineRange(*parts[0]))
    return found


def place_in(parts: Iterable[LineRange]) -> Callable[[Position], int]:
    """Return what finds the unit of a line among line_ranges."""
    known = list(parts)

    def unit_of(position: Position) -> int:
        return next(
            part.unit for part in known if part.object == position.object and part.first <= position.offset <= part.last
        )

    return unit_of


def place_among(units: Iterable[Unit]) -> Callable[[Position], int]:
    """Return what finds the unit of a line among units."""
    known = list(units)

    def unit_of(position: Position) -> int:
        return next(
            unit.number
            for unit in known
            if unit.object.name == position.object
            and unit.start <= position.offset
            and (unit.end is None or position.offset < unit.end)
        )

    return unit_of


def _content(undelivered: Any) -> dict[str, Any]:
    outcomes = [[outcome, len(list(same))] for outcome, same in groupby(undelivered.outcomes)]
    return {"routes": dict(undelivered.routes), "outcomes": outcomes}


def _miss(row: models.RunBacklog) -> BacklogEntry:
    outcomes = list(chain.from_iterable(repeat(outcome, count) for outcome, count in row.outcomes))
    return BacklogEntry(
        row.number, [LineRange(*line_range) for line_range in row.line_ranges], Undelivered(row.routes, outcomes)
    )
