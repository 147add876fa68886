"""What routes are owed, as the ledger stores it."""

from __future__ import annotations

from itertools import chain, groupby, repeat
from typing import TYPE_CHECKING, Any

from log_replay import models
from log_replay.missed import stretches
from log_replay.records import Miss, Missed, Stretch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from log_replay.records import Delivery, Position, TransformedEvent, Unit

#: Rows that are read at once.
ROWS = 1000


def keep(
    run: models.Run, batch: Sequence[TransformedEvent], delivery: Delivery, unit_of: Callable[[Position], int]
) -> None:
    """Keep what routes missed of the run's last batch."""
    if delivery.missed is None:
        return
    found = stretches(batch, delivery.outcomes, unit_of)
    content = {**_content(delivery.missed), "stretches": [list(stretch) for stretch in found]}
    # What was committed although the connection broke is there when it is written again.
    models.Miss.objects.bulk_create([models.Miss(run=run, number=run.batches, **content)], ignore_conflicts=True)


def settle(run: models.Run, miss: Miss, batch: Sequence[TransformedEvent], delivery: Delivery) -> None:
    """Forget what is owed no more of a batch, and keep what still is."""
    row = run.misses.filter(number=miss.number)
    if delivery.missed is None:
        row.delete()
        return
    # The lines stay what they were, whatever is made of them now.
    counted = {found.unit: found.counted for found in stretches(batch, delivery.outcomes, place_in(miss.stretches))}
    kept = [stretch._replace(counted=counted.get(stretch.unit, {})) for stretch in miss.stretches]
    row.update(**_content(delivery.missed), stretches=[list(stretch) for stretch in kept])


def owed(run: models.Run, routes: frozenset[str]) -> Iterator[list[Miss]]:
    """Yield the batches of which any of these routes is owed something, in order, many at a time."""
    last = -1
    while rows := list(run.misses.filter(number__gt=last)[:ROWS]):
        last = rows[-1].number
        if chosen := [_miss(row) for row in rows if routes & row.routes.keys()]:
            yield chosen


def units_owed(run: models.Run) -> frozenset[int]:
    """Return the units of which something is owed to anybody."""
    rows = run.misses.values_list("stretches", flat=True).iterator(chunk_size=ROWS)
    return frozenset(Stretch(*stretch).unit for row in rows for stretch in row)


def first_owed(run: models.Run) -> dict[str, Stretch]:
    """Return where the progress of each route ended that is owed something."""
    found: dict[str, Stretch] = {}
    for routes, parts in run.misses.values_list("routes", "stretches").iterator(chunk_size=ROWS):
        for route in routes:
            found.setdefault(route, Stretch(*parts[0]))
    return found


def place_in(parts: Iterable[Stretch]) -> Callable[[Position], int]:
    """Return what finds the unit of a line among stretches."""
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


def _content(missed: Any) -> dict[str, Any]:
    outcomes = [[outcome, len(list(same))] for outcome, same in groupby(missed.outcomes)]
    return {"routes": dict(missed.routes), "outcomes": outcomes}


def _miss(row: models.Miss) -> Miss:
    outcomes = list(chain.from_iterable(repeat(outcome, count) for outcome, count in row.outcomes))
    return Miss(row.number, [Stretch(*stretch) for stretch in row.stretches], Missed(row.routes, outcomes))
