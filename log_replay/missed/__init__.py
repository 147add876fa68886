"""What routes missed while they were lost, read again: misses -> blocks, and what is made of these -> batches."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from contextlib import closing
from dataclasses import replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

import structlog

from log_replay.errors import DamagedObject, ReadError
from log_replay.lines import lines_of
from log_replay.plan.units import read_unit
from log_replay.records import BlockResult, LineBlock, Stretch, statement_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from log_replay.records import Miss, Position, TransformedEvent, Unit
    from log_replay.sources import Source
    from log_replay.workers import Mark

log = structlog.get_logger(__name__)


class Stretches(NamedTuple):
    """Stretches of one unit, in order, and the misses that they are of: the mark before their blocks."""

    misses: Sequence[int]
    stretches: Sequence[Stretch]

    def miss_at(self, offset: int) -> int:
        """Return the miss that a line belongs to."""
        return self.misses[self._place(offset)]

    def covers(self, offset: int) -> bool:
        """Whether a line lies in one of them."""
        place = self._place(offset)
        return place < len(self.stretches) and self.stretches[place].first <= offset

    def _place(self, offset: int) -> int:
        """Return which stretch is the first that does not end before a line."""
        return bisect_left(self.stretches, offset, key=_last)


def _last(stretch: Stretch) -> int:
    return stretch.last


def read_missed(source: Source, misses: Iterable[Miss], unit: Callable[[int], Unit]) -> Iterator[LineBlock | Mark]:
    """Yield the blocks of the lines that misses are made of, a mark before those of each unit.

    An error follows the blocks of a unit that cannot be read that far.

    Args:
        source: where from.
        misses: in order.
        unit: returns the unit of a number.
    """
    stretches = ((miss.number, stretch) for miss in misses for stretch in miss.stretches)
    for number, group in groupby(stretches, key=lambda numbered: numbered[1].unit):
        entries = list(group)
        wanted = Stretches([miss for miss, _ in entries], [stretch for _, stretch in entries])
        yield wanted
        try:
            yield from _read_unit(source, unit(number), wanted)
        except (ReadError, DamagedObject) as error:
            yield error


def missed_batches(
    results: Iterable[BlockResult | Mark], misses: Iterable[Miss]
) -> Iterator[tuple[Miss, list[TransformedEvent]]]:
    """Yield each miss with its events; but for those that could not be read whole, which stay what they are.

    Args:
        results: what was made of that which ``read_missed`` gave.
        misses: the same ones.
    """
    waiting = deque(misses)
    batch: list[TransformedEvent] = []
    broken: set[int] = set()
    current = Stretches((), ())
    for result in results:
        match result:
            case Stretches():
                current = result
            case BlockResult():
                for event in result.events:
                    number = current.miss_at(event.position.offset)
                    while waiting[0].number != number:
                        yield from _unless_broken(waiting.popleft(), batch, broken)
                        batch = []
                    batch.append(event)
            case ReadError() | DamagedObject():
                log.warning("what a route missed cannot be read again", reason=str(result))
                broken.update(current.misses)
    while waiting:
        yield from _unless_broken(waiting.popleft(), batch, broken)
        batch = []


def stretches(
    batch: Sequence[TransformedEvent], outcomes: Iterable[str], unit_of: Callable[[Position], int]
) -> list[Stretch]:
    """Cut a batch at the ends of its units.

    Args:
        batch: its events.
        outcomes: what each of its statements was counted as.
        unit_of: returns the number of the unit that a line belongs to.
    """
    counted = iter(outcomes)
    found: list[Stretch] = []
    for number, group in groupby(batch, key=lambda event: unit_of(event.position)):
        events = list(group)
        counts = Counter(islice(counted, statement_count(events)))
        first, last = events[0].position, events[-1].position
        found.append(Stretch(number, first.object, first.offset, last.offset, dict(counts)))
    return found


def _read_unit(source: Source, unit: Unit, wanted: Stretches) -> Iterator[LineBlock]:
    first, last = wanted.stretches[0].first, wanted.stretches[-1].last
    # To the unit's own end, and no further than needed: what is compressed had to be read twice for any other.
    with closing(read_unit(source, replace(unit, offset=first, counted_to=0))) as blocks:
        for block in blocks:
            if isinstance(block, LineBlock):  # what else there is are lines that are not there
                yield _chosen(block, wanted)
                if block.end_offset > last:
                    return


def _chosen(block: LineBlock, wanted: Stretches) -> LineBlock:
    return replace(
        block, oversized=[], wanted=frozenset(offset for _, offset in lines_of(block) if wanted.covers(offset))
    )


def _unless_broken(
    miss: Miss, batch: list[TransformedEvent], broken: set[int]
) -> Iterator[tuple[Miss, list[TransformedEvent]]]:
    if miss.number not in broken:
        yield miss, batch
